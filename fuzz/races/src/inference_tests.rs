//! Feeds, inference threads and the thread of decisions on the queues of inference.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};

use crate::frontend::Window;
use crate::inference::engine::EngineError;
use crate::inference::messages::{Note, Output, Row, StreamItem, StreamOutput, WhenBehind};
use crate::inference::worker::{Scorer, StreamSender, Worker};
use crate::pulse::Pulse;

const WINDOWS: u64 = 2_000;

/// Predicts a window's number; panics at one of them.
struct Echo {
    panics_at: u64,
}

impl Scorer for Echo {
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
        let row = |window: &&Window| {
            assert!(window.number < self.panics_at, "injected");
            Ok(vec![window.number as f32])
        };
        Ok(windows.iter().map(row).collect())
    }
}

fn worker(threads: usize, panics_at: u64) -> Worker {
    let echo = move || Ok((Echo { panics_at }, ()));
    let (mut worker, ()) = Worker::start(echo).unwrap();
    for _ in 1..threads {
        worker.add_thread(Pulse::default(), echo).unwrap();
    }
    worker
}

/// Sends all windows, with a note after every hundredth, until inference takes nothing more.
fn feed(sender: StreamSender, due: bool) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for number in 0..WINDOWS {
            let by = due.then(|| Instant::now() + Duration::from_micros(200));
            let window = StreamItem::Window(Window { number });
            if sender.send_due(window, by).is_err() {
                return;
            }
            if number % 100 == 99 && sender.send(StreamItem::Note(Note::SoundEnd(0.0))).is_err() {
                return;
            }
        }
        sender.drain();
    })
}

/// Windows in order, each with its own prediction: their number, and that of skipped ones.
fn counted(outputs: &Receiver<StreamOutput>) -> (u64, u64) {
    let (mut next, mut scored, mut skipped) = (0, 0, 0);
    for StreamOutput { output, .. } in outputs {
        match output {
            Output::Scored(window) => {
                assert!(window.window.number >= next);
                assert_eq!(window.probabilities, [window.window.number as f32]);
                next = window.window.number + 1;
                scored += 1;
            }
            Output::Note(Note::Skipped(lost)) => skipped += lost.windows,
            Output::NoPrediction(reason) => panic!("{reason}"),
            Output::Note(_) => {}
        }
    }
    (scored, skipped)
}

#[test]
fn every_window_is_decided_on_or_counted_as_skipped() {
    let worker = worker(3, u64::MAX);
    let streams: Vec<_> = (0..4)
        .map(|stream| {
            let is_live = stream % 2 == 0;
            let policy = match is_live {
                true => WhenBehind::DropOldest,
                false => WhenBehind::Block,
            };
            let (sender, outputs) = bounded(64);
            let name = stream.to_string();
            let sender = worker.intake().add_stream(&name, policy, sender);
            let decisions = thread::spawn(move || counted(&outputs));
            (is_live, feed(sender, is_live), decisions)
        })
        .collect();
    let intake = worker.intake();
    for _ in 0..200 {
        intake.stats();
    }
    for (is_live, feed, decisions) in streams {
        feed.join().unwrap();
        let (scored, skipped) = decisions.join().unwrap();
        assert_eq!(scored + skipped, WINDOWS);
        assert!(is_live || skipped == 0);
    }
    worker.finish().unwrap();
}

#[test]
fn a_stream_whose_receiver_leaves_holds_no_other_up() {
    let worker = worker(2, u64::MAX);
    let (gone, outputs) = bounded(1);
    let leaving = feed(
        worker
            .intake()
            .add_stream("leaving", WhenBehind::Block, gone),
        false,
    );
    let (sender, stays) = bounded(64);
    let staying = feed(
        worker
            .intake()
            .add_stream("staying", WhenBehind::Block, sender),
        false,
    );
    let decisions = thread::spawn(move || counted(&stays));
    outputs.recv().unwrap();
    drop(outputs);
    leaving.join().unwrap();
    staying.join().unwrap();
    assert_eq!(decisions.join().unwrap(), (WINDOWS, 0));
    worker.finish().unwrap();
}

#[test]
fn a_panic_of_one_thread_ends_all_streams() {
    let worker = worker(2, WINDOWS / 2);
    let (sender, outputs) = bounded(64);
    let feed = feed(
        worker
            .intake()
            .add_stream("hall", WhenBehind::Block, sender),
        false,
    );
    let failed = outputs
        .iter()
        .any(|o| matches!(o.output, Output::Note(Note::State(_))));
    assert!(failed);
    drop(outputs);
    feed.join().unwrap();
    assert!(worker.is_gone());
    assert!(worker.finish().is_err());
}
