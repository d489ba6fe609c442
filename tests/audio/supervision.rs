//! Panics injected into the threads between a source and the hub: each becomes a failure with its reason, and a restart.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Sender, never, unbounded};
use vocald::audio::{
    AudioFormat, CaptureInstant, ChannelChoice, Health, RingWriter, Source, SourceEvent, StopFlag,
    ring,
};
use vocald::decision::{Decider, Horizon, OperatingPoint, OverlapAverage};
use vocald::frontend::{Window, WindowLength};
use vocald::inference::worker::Scorer;
use vocald::inference::{
    EngineError, NewDecider, NotFinite, Note, Output, Row, ScoredWindow, StreamOutput, WhenBehind,
    Worker,
};
use vocald::pipeline::decision_thread::{TooManyPanics, decide};
use vocald::pipeline::feed::{Feed, FeedEnd, FeedOptions, Mixing, Opening};
use vocald::pipeline::restart::play;
use vocald_client::Message;
use vocald_client::message::{EventReason, StateChange};

const RATE_HZ: u32 = 8_000;

type Act = fn(&Sender<SourceEvent>);

struct Scripted(Act);

impl Source for Scripted {
    fn label(&self) -> String {
        "scripted".into()
    }

    fn run(self: Box<Self>, events: Sender<SourceEvent>, _: Arc<Health>, _: StopFlag) {
        (self.0)(&events);
    }
}

fn start(events: &Sender<SourceEvent>) -> RingWriter {
    let format = AudioFormat {
        rate_hz: RATE_HZ,
        channels: 1,
    };
    let (writer, reader) = ring(format, 4.0);
    let _ = events.send(SourceEvent::Started { format, reader });
    writer
}

/// A second of sound, captured up to `end` after the start of the clock.
fn second(writer: &mut RingWriter, end: Duration) {
    assert!(writer.write(
        &vec![0.1; RATE_HZ as usize],
        CaptureInstant::from_start(end)
    ));
}

fn end(events: &Sender<SourceEvent>) {
    let _ = events.send(SourceEvent::State(StateChange::ended(None)));
}

fn sound_then(events: &Sender<SourceEvent>, end_s: u64, last: Act) {
    let mut writer = start(events);
    second(&mut writer, Duration::from_secs(end_s));
    drop(writer);
    last(events);
}

struct NoNetwork;

impl Scorer for NoNetwork {
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
        Ok(vec![Ok(Vec::new()); windows.len()])
    }
}

/// Plays the first of `acts` and, after each death, the next. Returns the states and losses, and the end.
fn states_of(acts: &[Act]) -> (Vec<String>, FeedEnd) {
    states_when(acts, Mixing::Mean(ChannelChoice::All), || {})
}

/// The same with something that happens in the feed whenever a stream is opened.
fn states_when(acts: &[Act], mixing: Mixing, on_open: impl Fn()) -> (Vec<String>, FeedEnd) {
    let mut acts: VecDeque<Act> = acts.iter().copied().collect();
    let first = acts.pop_front().unwrap();
    let acts = Mutex::new(acts);
    let reopen = move || -> Result<Box<dyn Source>, String> {
        let next = acts.lock().unwrap().pop_front();
        next.map(|act| Box::new(Scripted(act)) as Box<dyn Source>)
            .ok_or_else(|| "there is none".into())
    };
    let (worker, ()) = Worker::start(|| Ok((NoNetwork, ()))).unwrap();
    let (outputs_in, outputs) = unbounded();
    let intake = worker.intake();
    let options = FeedOptions {
        mixing,
        limit_s: None,
        live: true,
        stall_after: None,
        budget: None,
        stand_in: false,
    };
    let open = |_| {
        on_open();
        Opening {
            sender: intake.add_stream("hall", WhenBehind::Block, outputs_in.clone()),
            window: WindowLength::FRAMES_80,
            gain_db: 0.0,
        }
    };
    let mut feed = Feed::new(options, Default::default(), never(), open);
    let (health, stop) = (Arc::default(), StopFlag::new());
    let source = Box::new(Scripted(first));
    let ended = play("hall", &mut feed, source, Some(&reopen), &health, &stop);
    drop(feed);
    drop(outputs_in);
    worker.finish().unwrap();
    let notes = outputs.iter().filter_map(|o| match o.output {
        Output::Note(Note::State(change)) => Some(match change.reason {
            Some(reason) => format!("{}: {reason}", change.state.word()),
            None => change.state.word().into(),
        }),
        Output::Note(Note::Lost(loss)) => Some(format!("lost {} s", loss.lost_s)),
        _ => None,
    });
    (notes.collect(), ended)
}

#[test]
fn a_source_thread_that_dies_is_restarted_and_the_time_between_is_lost() {
    let (states, ended) = states_of(&[
        |events| sound_then(events, 101, |_| panic!("injected")),
        |events| sound_then(events, 105, end),
    ]);
    assert_eq!(ended, FeedEnd::Ended);
    let died = "failed: its thread panicked; see the log";
    assert_eq!(states, ["running", died, "lost 3 s", "running", "ended"]);
}

#[test]
fn a_feed_that_panics_goes_on_with_a_restarted_source() {
    let acts: [Act; 2] = [
        |events| sound_then(events, 101, end),
        |events| sound_then(events, 105, end),
    ];
    let opened = AtomicBool::new(false);
    // Streams of channels are opened when sound flows, in the feed's loop.
    let (states, ended) = states_when(&acts, Mixing::Each(ChannelChoice::All), || {
        assert!(opened.swap(true, Ordering::Relaxed), "injected");
    });
    assert_eq!(ended, FeedEnd::Ended);
    assert_eq!(
        states[states.len() - 2..],
        ["running", "ended"],
        "{states:?}"
    );
}

#[test]
fn a_source_that_cannot_be_opened_again_fails_for_good() {
    let (states, ended) = states_of(&[|events| sound_then(events, 101, |_| panic!("injected"))]);
    assert_eq!(states.last().unwrap(), "failed: there is none");
    assert_eq!(
        ended,
        FeedEnd::Failed {
            reason: "there is none".into(),
            died: false
        }
    );
}

fn scored(start_sample: u64, p: f32) -> StreamOutput {
    let log_mel = vec![0.0; WindowLength::FRAMES_80.values()];
    StreamOutput {
        stream: "hall".into(),
        output: Output::Scored(ScoredWindow {
            window: Window::synthetic(start_sample, log_mel.into()),
            probabilities: vec![p],
            late: false,
        }),
    }
}

#[test]
fn a_window_without_a_prediction_fails_its_stream_until_the_next() {
    let without = || StreamOutput {
        stream: "hall".into(),
        output: Output::NoPrediction(NotFinite::Network),
    };
    let outputs = vec![scored(0, 0.9), without(), without(), scored(4725, 0.9)];
    let (all, ended) = decided(outputs);
    assert_eq!(ended, Ok(()));
    let closed = format!("offset 1 {}", EventReason::Failed.word());
    let expected = [
        "0 true", "onset 1", &closed, "failed", "running", "3 true", "onset 2",
    ];
    assert_eq!(all, expected);
}

fn decider() -> Decider {
    let point = OperatingPoint {
        threshold: 0.5,
        enter: 0.5,
        reentry: None,
        leave: 0.5,
        confirm_n: 1,
        confirm_m: 1,
        min_voice_s: 0.0,
        min_gap_s: 0.0,
    };
    let horizon = Horizon {
        index: 0,
        frames: 7,
        point,
        speech: None,
    };
    Decider::new(OverlapAverage::only_newest(&[7]), horizon).unwrap()
}

/// The messages of these outputs, in words, and how the decisions ended.
fn decided(outputs: Vec<StreamOutput>) -> (Vec<String>, Result<(), TooManyPanics>) {
    let (sender, receiver) = unbounded();
    let new = NewDecider {
        decider: decider(),
        same_network: false,
    };
    let begin = StreamOutput {
        stream: "hall".into(),
        output: Output::Note(Note::Decider(Box::new(new))),
    };
    for output in std::iter::once(begin).chain(outputs) {
        sender.send(output).unwrap();
    }
    drop(sender);
    let mut all = Vec::new();
    let ended = decide(
        &receiver,
        &never(),
        &AtomicBool::new(false),
        &Default::default(),
        |message| {
            all.push(match message {
                Message::Decision(d) => format!("{} {}", d.seq, d.voice),
                Message::Onset(o) => format!("onset {}", o.id),
                Message::Offset(o) => format!("offset {} {}", o.id, o.reason.word()),
                Message::State(s) => s.state.word().into(),
                other => panic!("{other:?}"),
            });
        },
    );
    (all, ended)
}

#[test]
fn decisions_that_panic_close_the_voice_and_start_anew() {
    // A window at the end of all samples: its own end cannot be counted.
    let impossible = scored(u64::MAX - 1, 0.9);
    let outputs = vec![scored(0, 0.9), impossible, scored(3150, 0.9)];
    let (all, ended) = decided(outputs);
    assert_eq!(ended, Ok(()));
    assert_eq!(
        all,
        [
            "0 true",
            "onset 1",
            &format!("offset 1 {}", EventReason::Failed.word()),
            "failed",
            "running",
            "2 true",
            "onset 2",
        ]
    );
    let (_, ended) = decided((0..6).map(|_| scored(u64::MAX - 1, 0.9)).collect());
    assert_eq!(ended, Err(TooManyPanics));
}
