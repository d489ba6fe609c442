//! What happens to a source, reported to its streams in order: failures injected at the source.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use vocald::audio::{
    AudioFormat, CaptureInstant, ChannelChoice, Health, RingWriter, Source, SourceEvent, StopFlag,
    ring, spawn,
};
use vocald::frontend::{Window, WindowLength};
use vocald::inference::worker::Scorer;
use vocald::inference::{EngineError, Loss, Note, Output, Row, StreamOutput, WhenBehind, Worker};
use vocald::pipeline::feed::{FeedEnd, FeedOptions, Mixing, feed};
use vocald_client::message::{GapReason, StateChange, StreamState};

const RATE_HZ: u32 = 8_000;
/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

/// A source that does what a test scripts.
struct Script<F> {
    script: F,
    notes: Notes,
}

/// The notes of the streams so far, `NAME: what`.
type Notes = Arc<Mutex<Vec<String>>>;

impl<F: FnOnce(&Stage) + Send> Source for Script<F> {
    fn label(&self) -> String {
        "script".into()
    }

    fn run(self: Box<Self>, events: Sender<SourceEvent>, _: Arc<Health>, stop: StopFlag) {
        let notes = self.notes;
        (self.script)(&Stage {
            events,
            stop,
            notes,
        });
    }
}

struct Stage {
    events: Sender<SourceEvent>,
    stop: StopFlag,
    notes: Notes,
}

impl Stage {
    /// Until a stream has reported `note`.
    fn wait_for(&self, note: &str) {
        while !self.notes.lock().unwrap().iter().any(|n| n == note) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

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
        stall_after: Some(LONG),
        budget: None,
        stand_in: false,
    }
}

/// A network that predicts nothing.
struct NoNetwork;

impl Scorer for NoNetwork {
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
        Ok(vec![Ok(Vec::new()); windows.len()])
    }
}

/// The notes of the streams, `NAME: what`, and how the feed ended.
fn reports_of(
    options: FeedOptions,
    script: impl FnOnce(&Stage) + Send + 'static,
) -> (Vec<String>, FeedEnd) {
    let notes = Notes::default();
    let script = Script {
        script,
        notes: Arc::clone(&notes),
    };
    let source = spawn(Box::new(script), StopFlag::new()).unwrap();
    let (worker, ()) = Worker::start(|| Ok((NoNetwork, ()))).unwrap();
    let (outputs_in, outputs) = unbounded();
    let collector = std::thread::spawn({
        let notes = Arc::clone(&notes);
        move || {
            for StreamOutput { stream, output } in outputs {
                if let Output::Note(note) = output {
                    notes
                        .lock()
                        .unwrap()
                        .push(format!("{stream}: {}", short(&note)));
                }
            }
        }
    });
    let intake = worker.intake();
    let end = feed(source, options, WindowLength::FRAMES_80, move |channel| {
        let name = channel.map_or("mean".into(), |c| c.to_string());
        intake.add_stream(&name, WhenBehind::Block, outputs_in.clone())
    });
    worker.finish().unwrap();
    collector.join().unwrap();
    // Streams of one source are passed on in any order; the order within a stream is what counts.
    let mut reported = std::mem::take(&mut *notes.lock().unwrap());
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
        Note::SoundEnd(t_s) => format!("sound ends at {t_s} s"),
        Note::Skipped(skipped) => panic!("{skipped:?}, although the feed waits"),
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
        Note::Decider(_) | Note::Over => panic!("the feed of a test changes nothing"),
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
            "mean: sound ends at 1 s",
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
        let options = FeedOptions {
            stall_after: Some(Duration::from_millis(100)),
            ..options(live)
        };
        let (reported, _) = reports_of(options, |stage| {
            let mut writer = stage.start(RATE_HZ, 1, 4.0);
            play(&mut writer, 0.1, 101);
            stage.wait_for("mean: stalled, no sound for 0.1 s");
            play(&mut writer, 0.1, 105);
            drop(writer);
            stage.send(SourceEvent::State(StateChange::ended(None)));
        });
        let mut expected = vec![
            "mean: running",
            "mean: sound ends at 1 s",
            "mean: stalled, no sound for 0.1 s",
        ];
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
fn a_source_that_fails_is_told_from_one_whose_thread_died() {
    let fail = |stage: &Stage| stage.send(SourceEvent::State(StateChange::failed("gone")));
    let (reported, end) = reports_of(options(true), move |stage| fail(stage));
    assert_eq!(reported, ["mean: failed, gone"]);
    assert_eq!(
        end,
        FeedEnd::Failed {
            reason: "gone".into(),
            died: false
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
            died: false
        }
    );
    // A thread that dies without a word is a failure too.
    let (reported, end) = reports_of(options(true), |_| ());
    let reason = "its thread panicked; see the log";
    assert_eq!(reported, [format!("mean: failed, {reason}")]);
    assert_eq!(
        end,
        FeedEnd::Failed {
            reason: reason.into(),
            died: true
        }
    );
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
    let script = |stage: &Stage| {
        let mut writer = stage.start(RATE_HZ, 1, 4.0);
        // Its first outputs show that nobody receives them; what comes after is refused.
        let stopped = (101..161).any(|end_s| {
            writer.write(&[0.1; RATE_HZ as usize], at(end_s));
            stage.stop.wait(Duration::from_millis(50))
        });
        assert!(stopped);
    };
    let script = Script {
        script,
        notes: Notes::default(),
    };
    let source = spawn(Box::new(script), StopFlag::new()).unwrap();
    let (worker, ()) = Worker::start(|| Ok((NoNetwork, ()))).unwrap();
    let intake = worker.intake();
    let end = feed(source, options(true), WindowLength::FRAMES_80, move |_| {
        let (outputs_in, _) = unbounded();
        intake.add_stream("nobody receives", WhenBehind::Block, outputs_in)
    });
    assert_eq!(end, FeedEnd::Refused);
}
