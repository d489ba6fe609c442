//! What happens to a source, reported to its streams in order: failures injected at the source.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_channel::Sender;
use vocald::audio::{
    AudioFormat, ChannelChoice, Health, RingWriter, Source, SourceEvent, StopFlag, ring, spawn,
};
use vocald::frontend::WindowLength;
use vocald::frontend::feed::{FeedEnd, FeedOptions, Mixing, feed};
use vocald::frontend::stream::{LossCause, Note, StreamItem};

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

/// A second of one channel's sound, captured up to `unix_s`.
fn play(writer: &mut RingWriter, value: f32, unix_s: u64) {
    assert!(writer.write(&vec![value; RATE_HZ as usize], unix_s * 1_000_000_000));
}

fn options(live: bool) -> FeedOptions {
    FeedOptions {
        mixing: Mixing::Mean(ChannelChoice::All),
        limit_s: None,
        live,
    }
}

/// What the streams reported, `NAME: what`, windows left out; and how it ended.
fn reports_of(
    options: FeedOptions,
    script: impl FnOnce(&Stage) + Send + 'static,
) -> (Vec<String>, FeedEnd) {
    let source = spawn(Box::new(Script(script)), StopFlag::new()).unwrap();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let end = feed(source, options, WindowLength::FRAMES_80, |channel| {
        let reported = Arc::clone(&reported);
        let name = channel.map_or("mean".into(), |c| c.to_string());
        Box::new(move |item| {
            if let StreamItem::Note(note) = item {
                reported
                    .lock()
                    .unwrap()
                    .push(format!("{name}: {}", short(&note)));
            }
            ControlFlow::Continue(())
        })
    });
    let reported = reported.lock().unwrap().clone();
    (reported, end)
}

fn short(note: &Note) -> String {
    match note {
        Note::Running => "running".into(),
        Note::Silent => "silent".into(),
        Note::Stalled { reason } => format!("stalled, {reason}"),
        Note::Reconnecting { reason } => format!("reconnecting, {reason}"),
        Note::Lost { t_s, lost_s, cause } => {
            let cause = match cause {
                LossCause::RingFull => "ring",
                LossCause::Device => "device",
            };
            format!("lost {lost_s} s at {t_s} s by the {cause}")
        }
        Note::Ended { reason: None } => "ended".into(),
        Note::Ended {
            reason: Some(reason),
        } => format!("ended, {reason}"),
        Note::Failed { reason } => format!("failed, {reason}"),
    }
}

#[test]
fn a_device_that_vanishes_is_told_with_the_time_it_was_away() {
    let (reported, end) = reports_of(options(true), |stage| {
        let mut writer = stage.start(RATE_HZ, 1, 4.0);
        play(&mut writer, 0.1, 101);
        drop(writer);
        stage.send(SourceEvent::Reconnecting {
            reason: "unplugged".into(),
        });
        // Back after five seconds, with another rate and another count of channels.
        let mut writer = stage.start(2 * RATE_HZ, 2, 4.0);
        assert!(writer.write(&vec![0.1; 4 * RATE_HZ as usize], 107_000_000_000));
        drop(writer);
        stage.send(SourceEvent::Ended);
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
            stage.send(SourceEvent::Stalled {
                reason: "no sound".into(),
            });
            // A device is known to have resumed by the sound that came: sound, then event.
            while !stage.events.is_empty() {
                std::thread::yield_now();
            }
            play(&mut writer, 0.1, 105);
            stage.send(SourceEvent::Resumed);
            drop(writer);
            stage.send(SourceEvent::Ended);
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
fn what_did_not_fit_into_the_ring_is_told_where_it_is_missing() {
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
                let written = writer.write(&[0.1; RATE_HZ as usize], 104_000_000_000);
                refused.fetch_add(u64::from(!written), Ordering::Relaxed);
                written
            };
            assert!(!again(&mut writer));
            stage.send(SourceEvent::Started { format, reader });
            while !again(&mut writer) {
                std::thread::yield_now();
            }
            drop(writer);
            stage.send(SourceEvent::Ended);
        }
    });
    let lost = format!(
        "mean: lost {} s at 1 s by the ring",
        refused.load(Ordering::Relaxed)
    );
    assert_eq!(reported, ["mean: running", &lost, "mean: ended"]);
}

#[test]
fn each_channel_is_told_silent_by_itself() {
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
            assert!(writer.write(&frames, 103_000_000_000));
            drop(writer);
            stage.send(SourceEvent::Ended);
        },
    );
    assert_eq!(
        reported,
        [
            "1: running",
            "2: running",
            "1: silent",
            "1: ended",
            "2: ended"
        ]
    );
}

#[test]
fn a_source_that_fails_says_whether_it_ever_gave_sound() {
    let fail = |stage: &Stage| {
        stage.send(SourceEvent::Failed {
            reason: "gone".into(),
        })
    };
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
    assert_eq!(reported, ["mean: failed, its thread has died"]);
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
            "mean: ended, it was asked to listen no longer"
        ]
    );
}

#[test]
fn streams_that_take_nothing_more_end_the_source() {
    let script = Script(|stage: &Stage| {
        let mut writer = stage.start(RATE_HZ, 1, 4.0);
        play(&mut writer, 0.1, 101);
        assert!(
            stage.stop.wait(std::time::Duration::from_secs(60)),
            "it was told to stop"
        );
    });
    let source = spawn(Box::new(script), StopFlag::new()).unwrap();
    let end = feed(source, options(true), WindowLength::FRAMES_80, |_| {
        Box::new(|_| ControlFlow::Break(()))
    });
    assert_eq!(end, FeedEnd::Refused);
}
