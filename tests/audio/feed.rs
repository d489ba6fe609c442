//! What happens to a source, reported to its streams in order: failures injected at the source.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use vocald::audio::{
    AudioFormat, CaptureInstant, ChannelChoice, Health, RingWriter, Source, SourceEvent, StopFlag,
    ring, spawn,
};
use vocald::frontend::{Window, WindowLength};
use vocald::inference::worker::Scorer;
use vocald::inference::{EngineError, Loss, Note, Output, StreamOutput, WhenBehind, Worker};
use vocald::pipeline::feed::{FeedEnd, FeedOptions, Mixing, feed};
use vocald_client::message::{GapReason, StateChange, StreamState};

const RATE_HZ: u32 = 8_000;

/// A source that does what a test scripts.
struct Script<F>(F);

impl<F: FnOnce(&Stage) + Send> Source for Script<F> {
    fn label(&self) -> String {
        "script".into()
    }

    fn run(self: Box<Self>, events: Sender<SourceEvent>, _: Arc<Health>, stop: StopFlag) {
        (self.0)(&Stage { events, stop });
    }
}

struct Stage {
    events: Sender<SourceEvent>,
    stop: StopFlag,
}

impl Stage {
    fn send(&self, event: SourceEvent) {
        // The feed may have left: that is for the test to see.
        let _ = self.events.send(event);
    }

    fn start(&self, rate_hz: u32, channels: u16, ring_s: f64) -> RingWriter {
        let format = AudioFormat { rate_hz, channels };
        let (writer, reader) = ring(format, ring_s);
        self.send(SourceEvent::Started { format, reader });
        writer
    }
}

fn at(seconds: u64) -> CaptureInstant {
    CaptureInstant::from_start(Duration::from_secs(seconds))
}

/// A second of one channel's sound, captured up to `end_s` of the capture clock.
fn play(writer: &mut RingWriter, value: f32, end_s: u64) {
    assert!(writer.write(&vec![value; RATE_HZ as usize], at(end_s)));
}

fn options(live: bool) -> FeedOptions {
    FeedOptions {
        mixing: Mixing::Mean(ChannelChoice::All),
        limit_s: None,
        live,
    }
}

/// A network that predicts nothing.
struct NoNetwork;

impl Scorer for NoNetwork {
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Vec<f32>>, EngineError> {
        Ok(vec![Vec::new(); windows.len()])
    }
}

/// The notes of the streams, `NAME: what`, and how the feed ended.
fn reports_of(
    options: FeedOptions,
    script: impl FnOnce(&Stage) + Send + 'static,
) -> (Vec<String>, FeedEnd) {
    let source = spawn(Box::new(Script(script)), StopFlag::new()).unwrap();
    let (worker, ()) = Worker::start(|| Ok((NoNetwork, ()))).unwrap();
    let (outputs_in, outputs) = unbounded();
    let intake = worker.intake();
    let end = feed(source, options, WindowLength::FRAMES_80, move |channel| {
        let name = channel.map_or("mean".into(), |c| c.to_string());
        intake.add_stream(&name, WhenBehind::Block, outputs_in.clone())
    });
    worker.finish().unwrap();
    let reported = outputs
        .iter()
        .filter_map(|StreamOutput { stream, output }| match output {
            Output::Note(note) => Some(format!("{stream}: {}", short(&note))),
            Output::Scored(_) => None,
        });
    // Streams of one source are passed on in any order; the order within a stream is what counts.
    let mut reported: Vec<String> = reported.collect();
    reported.sort_by_key(|line| line.split(':').next().map(ToOwned::to_owned));
    (reported, end)
}

fn short(note: &Note) -> String {
    match note {
        Note::State(StateChange {
            state,
            reason: None,
        }) => state.word().into(),
        Note::State(StateChange {
            state: StreamState::Silent,
            ..
        }) => "silent".into(),
        Note::State(StateChange {
            state,
            reason: Some(reason),
        }) => format!("{}, {reason}", state.word()),
        Note::Lost(Loss {
            t_s,
            lost_s,
            reason,
        }) => {
            let cause = match reason {
                GapReason::RingFull => "ring",
                GapReason::Device => "device",
                other => panic!("{other:?} is not a loss of the feed"),
            };
            format!("lost {lost_s} s at {t_s} s by the {cause}")
        }
    }
}

#[test]
fn a_device_that_vanishes_is_reported_with_the_time_it_was_away() {
    let (reported, end) = reports_of(options(true), |stage| {
        let mut writer = stage.start(RATE_HZ, 1, 4.0);
        play(&mut writer, 0.1, 101);
        drop(writer);
        stage.send(SourceEvent::State(StateChange::reconnecting("unplugged")));
        // Back after five seconds, with another rate and another count of channels.
        let mut writer = stage.start(2 * RATE_HZ, 2, 4.0);
        assert!(writer.write(&vec![0.1; 4 * RATE_HZ as usize], at(107)));
        drop(writer);
        stage.send(SourceEvent::State(StateChange::ended(None)));
    });
    assert_eq!(end, FeedEnd::Ended);
    assert_eq!(
        reported,
        [
            "mean: running",
            "mean: reconnecting, unplugged",
            "mean: lost 5 s at 1 s by the device",
            "mean: running",
            "mean: ended",
        ]
    );
}

#[test]
fn a_stall_of_a_device_is_a_loss_and_of_a_pipe_none() {
    for live in [true, false] {
        let (reported, _) = reports_of(options(live), |stage| {
            let mut writer = stage.start(RATE_HZ, 1, 4.0);
            play(&mut writer, 0.1, 101);
            stage.send(SourceEvent::State(StateChange::stalled("no sound")));
            // A device is known to have resumed by the sound that came: sound, then event.
            while !stage.events.is_empty() {
                std::thread::yield_now();
            }
            play(&mut writer, 0.1, 105);
            stage.send(SourceEvent::Resumed);
            drop(writer);
            stage.send(SourceEvent::State(StateChange::ended(None)));
        });
        let mut expected = vec!["mean: running", "mean: stalled, no sound"];
        if live {
            expected.push("mean: lost 3 s at 1 s by the device");
        }
        expected.extend(["mean: running", "mean: ended"]);
        assert_eq!(reported, expected);
    }
}

#[test]
fn what_did_not_fit_into_the_ring_is_reported_where_it_is_missing() {
    let refused = Arc::new(AtomicU64::new(0));
    let (reported, _) = reports_of(options(true), {
        let refused = Arc::clone(&refused);
        move |stage| {
            let format = AudioFormat {
                rate_hz: RATE_HZ,
                channels: 1,
            };
            let (mut writer, reader) = ring(format, 1.0);
            // The feed does not have its end yet, so that there is no room for a second second.
            play(&mut writer, 0.1, 101);
            let again = |writer: &mut RingWriter| {
                let written = writer.write(&[0.1; RATE_HZ as usize], at(104));
                refused.fetch_add(u64::from(!written), Ordering::Relaxed);
                written
            };
            assert!(!again(&mut writer));
            stage.send(SourceEvent::Started { format, reader });
            while !again(&mut writer) {
                std::thread::yield_now();
            }
            drop(writer);
            stage.send(SourceEvent::State(StateChange::ended(None)));
        }
    });
    let lost = format!(
        "mean: lost {} s at 1 s by the ring",
        refused.load(Ordering::Relaxed)
    );
    assert_eq!(reported, ["mean: running", &lost, "mean: ended"]);
}

#[test]
fn each_channel_is_reported_silent_by_itself() {
    let mixing = Mixing::Each(ChannelChoice::All);
    let (reported, _) = reports_of(
        FeedOptions {
            mixing,
            ..options(true)
        },
        |stage| {
            let mut writer = stage.start(RATE_HZ, 2, 8.0);
            let frames: Vec<f32> = (0..3 * RATE_HZ)
                .flat_map(|n| [0.0, (n % 2) as f32 - 0.4])
                .collect();
            assert!(writer.write(&frames, at(103)));
            drop(writer);
            stage.send(SourceEvent::State(StateChange::ended(None)));
        },
    );
    assert_eq!(
        reported,
        [
            "1: running",
            "1: silent",
            "1: ended",
            "2: running",
            "2: ended"
        ]
    );
}

#[test]
fn a_source_that_fails_says_whether_it_ever_gave_sound() {
    let fail = |stage: &Stage| stage.send(SourceEvent::State(StateChange::failed("gone")));
    let (reported, end) = reports_of(options(true), move |stage| fail(stage));
    assert_eq!(reported, ["mean: failed, gone"]);
    assert_eq!(
        end,
        FeedEnd::Failed {
            reason: "gone".into(),
            started: false
        }
    );
    let (reported, end) = reports_of(options(true), move |stage| {
        let mut writer = stage.start(RATE_HZ, 1, 4.0);
        play(&mut writer, 0.1, 101);
        drop(writer);
        fail(stage);
    });
    assert_eq!(reported, ["mean: running", "mean: failed, gone"]);
    assert_eq!(
        end,
        FeedEnd::Failed {
            reason: "gone".into(),
            started: true
        }
    );
    // A thread that dies without a word is a failure too.
    let (reported, _) = reports_of(options(true), |_| ());
    assert_eq!(reported, ["mean: failed, its thread panicked; see the log"]);
}

#[test]
fn a_limit_ends_the_source() {
    let (reported, end) = reports_of(
        FeedOptions {
            limit_s: Some(2.5),
            ..options(true)
        },
        |stage| {
            let mut writer = stage.start(RATE_HZ, 1, 60.0);
            for second in 0..10 {
                play(&mut writer, 0.1, 101 + second);
            }
            assert!(
                stage.stop.wait(std::time::Duration::from_secs(60)),
                "it was told to stop"
            );
        },
    );
    assert_eq!(end, FeedEnd::Ended);
    assert_eq!(
        reported,
        [
            "mean: running",
            "mean: ended, the requested duration is over"
        ]
    );
}

#[test]
fn streams_that_take_nothing_more_end_the_source() {
    let script = Script(|stage: &Stage| {
        let mut writer = stage.start(RATE_HZ, 1, 4.0);
        // Its first outputs show that nobody receives them; what comes after is refused.
        let stopped = (101..161).any(|end_s| {
            writer.write(&[0.1; RATE_HZ as usize], at(end_s));
            stage.stop.wait(Duration::from_millis(50))
        });
        assert!(stopped);
    });
    let source = spawn(Box::new(script), StopFlag::new()).unwrap();
    let (worker, ()) = Worker::start(|| Ok((NoNetwork, ()))).unwrap();
    let intake = worker.intake();
    let end = feed(source, options(true), WindowLength::FRAMES_80, move |_| {
        let (outputs_in, _) = unbounded();
        intake.add_stream("nobody receives", WhenBehind::Block, outputs_in)
    });
    assert_eq!(end, FeedEnd::Refused);
}
