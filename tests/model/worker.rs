//! The worker with a network that only adds up: order, batches, policies, failure.

use std::num::NonZeroU64;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use proptest::prelude::*;
use vocald::config::DecisionConfig;
use vocald::frontend::{WINDOW_HOP_SAMPLES, Window, WindowLength};
use vocald::inference::worker::Scorer;
use vocald::inference::{
    EngineError, NotFinite, Note, Output, Row, StreamItem, StreamOutput, StreamSender, WhenBehind,
    Worker, WorkerGone,
};
use vocald::model::Checkpoint;
use vocald::pipeline::file_windows::FileWindows;
use vocald::pipeline::label::{FileNetwork, Labeler};
use vocald::pipeline::recording::Input;
use vocald_client::message::{StateChange, StreamState};

use crate::support::program;

/// Returns the window's first value, when the test lets it.
struct Fake {
    gate: Receiver<()>,
    batches: Arc<Mutex<Vec<usize>>>,
    fails: bool,
}

impl Scorer for Fake {
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
        let _ = self.gate.recv();
        self.batches.lock().unwrap().push(windows.len());
        if self.fails {
            let reason = "out of memory".into();
            return Err(EngineError::Inference {
                device: "cuda:0".into(),
                reason,
            });
        }
        Ok(windows.iter().map(|w| Ok(vec![w.log_mel[0]])).collect())
    }
}

struct Rig {
    worker: Worker,
    open: Sender<()>,
    batches: Arc<Mutex<Vec<usize>>>,
}

fn rig(fails: bool) -> Rig {
    let (open, gate) = unbounded();
    let batches = Arc::new(Mutex::new(Vec::new()));
    let fake = Fake {
        gate,
        batches: Arc::clone(&batches),
        fails,
    };
    let (worker, ()) = Worker::start(move || Ok((fake, ()))).unwrap();
    Rig {
        worker,
        open,
        batches,
    }
}

fn window(k: usize) -> StreamItem {
    let mut log_mel = vec![0.0; WindowLength::FRAMES_80.values()];
    log_mel[0] = k as f32;
    StreamItem::Window(Window::synthetic(
        (k * WINDOW_HOP_SAMPLES) as u64,
        log_mel.into(),
    ))
}

fn silent() -> StreamItem {
    StreamItem::Note(Note::State(StateChange::silent()))
}

/// The outputs of a stream, short: a window by its number, anything else in words.
struct Received(Receiver<StreamOutput>);

impl Received {
    fn recv(&self) -> String {
        short(self.0.recv().unwrap().output)
    }

    fn all(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|received| short(received.output))
            .collect()
    }
}

fn short(output: Output) -> String {
    match output {
        Output::Scored(s) => {
            assert_eq!(
                s.window.seq() as f32,
                s.probabilities[0],
                "its own prediction"
            );
            s.window.seq().to_string()
        }
        Output::NoPrediction(reason) => reason.to_string(),
        Output::Note(Note::State(change)) => match change.state {
            StreamState::Silent => "silent".into(),
            _ => change.reason.unwrap(),
        },
        Output::Note(Note::SoundEnd(t_s)) => format!("sound ends at {t_s}"),
        Output::Note(Note::Decider(_)) => "other settings".into(),
        Output::Note(Note::Over) => "over".into(),
        Output::Note(Note::Skipped(skipped)) => {
            let zeroth_s = WindowLength::FRAMES_80.time_s(0, 0);
            let first = (skipped.newest_frame_s - zeroth_s) * 14.0;
            format!("skipped {} from {}", skipped.windows, first.round())
        }
        Output::Note(Note::Lost(loss)) => panic!("no sound was lost: {loss:?}"),
    }
}

fn stream(worker: &Worker, policy: WhenBehind) -> (StreamSender, Received) {
    let (outputs_in, outputs) = unbounded();
    let sender = worker.intake().add_stream("stream", policy, outputs_in);
    (sender, Received(outputs))
}

/// The worker takes this window and waits at the gate, so that what comes next queues up.
fn occupy(rig: &Rig) -> (StreamSender, Received) {
    let (sender, received) = stream(&rig.worker, WhenBehind::Block);
    sender.send(window(0)).unwrap();
    // Done once its lane is empty: 33 windows fit behind it, not 32.
    for k in 1..=32 {
        sender.send(window(k)).unwrap();
    }
    (sender, received)
}

#[test]
fn outputs_and_notes_come_in_order() {
    let rig = rig(false);
    let (sender, received) = stream(&rig.worker, WhenBehind::Block);
    for k in 0..40 {
        if k == 20 {
            sender.send(silent()).unwrap();
        }
        rig.open.send(()).unwrap();
        sender.send(window(k)).unwrap();
    }
    drop(sender);
    drop(rig.open);
    rig.worker.finish().unwrap();
    let mut expected: Vec<String> = (0..40).map(|k| k.to_string()).collect();
    expected.insert(20, "silent".into());
    assert_eq!(received.all(), expected);
    assert!(rig.batches.lock().unwrap().iter().all(|&n| n <= 16));
}

#[test]
fn a_live_stream_loses_its_overdue_windows_and_the_loss_is_reported() {
    let rig = rig(false);
    let (busy, _heard) = occupy(&rig);
    let (live, received) = stream(&rig.worker, WhenBehind::DropOldest);
    // Overdue, in time, and in a queue that is full.
    let (past, future) = (Instant::now(), Instant::now() + Duration::from_secs(600));
    for k in 0..5 {
        live.send_due(window(k), Some(past)).unwrap();
    }
    live.send(silent()).unwrap();
    for k in 5..16 {
        live.send_due(window(k), Some(past)).unwrap();
    }
    for k in 16..30 {
        live.send_due(window(k), Some(future)).unwrap();
    }
    drop((busy, live));
    drop(rig.open);
    rig.worker.finish().unwrap();
    let mut expected = vec![
        "skipped 5 from 0".into(),
        "silent".into(),
        "skipped 11 from 5".into(),
    ];
    expected.extend((16..30).map(|k| k.to_string()));
    assert_eq!(received.all(), expected);
}

#[test]
fn a_full_queue_of_a_live_stream_loses_its_oldest_windows() {
    let rig = rig(false);
    let (busy, _received) = occupy(&rig);
    let (live, received) = stream(&rig.worker, WhenBehind::DropOldest);
    for k in 0..120 {
        live.send(window(k)).unwrap();
    }
    drop((busy, live));
    drop(rig.open);
    rig.worker.finish().unwrap();
    // Eight seconds fit.
    let mut expected = vec!["skipped 8 from 0".to_owned()];
    expected.extend((8..120).map(|k| k.to_string()));
    assert_eq!(received.all(), expected);
}

#[test]
fn predictions_that_come_after_they_were_due_are_marked() {
    let rig = rig(false);
    let (outputs_in, outputs) = unbounded();
    let sender = rig
        .worker
        .intake()
        .add_stream("stream", WhenBehind::DropOldest, outputs_in);
    let due = Instant::now() + Duration::from_millis(200);
    sender.send_due(window(0), Some(due)).unwrap();
    sender.send_due(window(1), None).unwrap();
    // The pass begins in time and ends late.
    while rig.worker.intake().stats().waiting_windows > 1 {
        std::thread::sleep(Duration::from_millis(1));
    }
    while Instant::now() < due {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop((sender, rig.open));
    rig.worker.finish().unwrap();
    let late: Vec<bool> = outputs
        .iter()
        .filter_map(|o| match o.output {
            Output::Scored(scored) => Some(scored.late),
            Output::NoPrediction(_) | Output::Note(_) => None,
        })
        .collect();
    // On a machine that was too busy to begin in time, the first is skipped.
    assert!(late == [true, false] || late == [false], "{late:?}");
}

#[test]
fn with_several_threads_the_items_of_a_stream_stay_in_order() {
    /// Takes longer for every other window, so that one thread overtakes another where it can.
    struct Uneven;
    impl Scorer for Uneven {
        fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
            if windows[0].seq().is_multiple_of(2) {
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(windows.iter().map(|w| Ok(vec![w.log_mel[0]])).collect())
        }
    }
    let (mut worker, ()) = Worker::start(|| Ok((Uneven, ()))).unwrap();
    for _ in 0..3 {
        worker
            .add_thread(Default::default(), || Ok((Uneven, ())))
            .unwrap();
    }
    let streams: Vec<_> = (0..4).map(|_| stream(&worker, WhenBehind::Block)).collect();
    for k in 0..60 {
        for (sender, _) in &streams {
            if k == 30 {
                sender.send(silent()).unwrap();
            }
            sender.send(window(k)).unwrap();
        }
    }
    let received: Vec<_> = streams.into_iter().map(|(_, received)| received).collect();
    worker.finish().unwrap();
    let mut expected: Vec<String> = (0..60).map(|k| k.to_string()).collect();
    expected.insert(30, "silent".into());
    for received in received {
        assert_eq!(received.all(), expected);
    }
}

#[test]
fn several_threads_work_on_one_stream_at_once() {
    /// Returns once another thread is at work too, or after a while.
    struct Meets(Arc<(Mutex<usize>, Condvar)>);
    impl Scorer for Meets {
        fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
            let (met, more) = &*self.0;
            *met.lock().unwrap() += 1;
            more.notify_all();
            let all_here = |met: &mut usize| *met < 2;
            let wait = Duration::from_secs(20);
            drop(more.wait_timeout_while(met.lock().unwrap(), wait, all_here));
            Ok(windows.iter().map(|w| Ok(vec![w.log_mel[0]])).collect())
        }
    }
    let met = Arc::new((Mutex::new(0), Condvar::new()));
    let scorer = || Meets(Arc::clone(&met));
    let first = scorer();
    let (mut worker, ()) = Worker::start(move || Ok((first, ()))).unwrap();
    let second = scorer();
    worker
        .add_thread(Default::default(), move || Ok((second, ())))
        .unwrap();
    let (sender, received) = stream(&worker, WhenBehind::Block);
    // Two batches.
    for k in 0..32 {
        sender.send(window(k)).unwrap();
    }
    let began = Instant::now();
    drop(sender);
    worker.finish().unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "they never met");
    let expected: Vec<String> = (0..32).map(|k| k.to_string()).collect();
    assert_eq!(received.all(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn outputs_are_in_order_whatever_is_sent_together_and_by_whom_it_is_computed(
        threads in 1..6usize,
        pieces in prop::collection::vec(1..40usize, 1..12),
        slow in 1..7u64,
    ) {
        struct Slow(u64);
        impl Scorer for Slow {
            fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
                if windows[0].seq().is_multiple_of(self.0) {
                    std::thread::sleep(Duration::from_micros(300));
                }
                Ok(windows.iter().map(|w| Ok(vec![w.log_mel[0]])).collect())
            }
        }
        let (mut worker, ()) = Worker::start(move || Ok((Slow(slow), ()))).unwrap();
        for _ in 1..threads {
            worker.add_thread(Default::default(), move || Ok((Slow(slow), ()))).unwrap();
        }
        let (sender, received) = stream(&worker, WhenBehind::Block);
        let (mut number, mut expected) = (0, Vec::new());
        for piece in pieces {
            let mut items: Vec<StreamItem> = (number..number + piece).map(window).collect();
            expected.extend((number..number + piece).map(|k| k.to_string()));
            items.push(silent());
            expected.push("silent".into());
            number += piece;
            sender.send_all(&mut items).unwrap();
        }
        drop(sender);
        worker.finish().unwrap();
        prop_assert_eq!(received.all(), expected);
    }
}

#[test]
fn a_panic_of_inference_is_reported_to_every_stream() {
    struct Panics;
    impl Scorer for Panics {
        fn score(&mut self, _: &[&Window]) -> Result<Vec<Row>, EngineError> {
            panic!("injected")
        }
    }
    let (worker, ()) = Worker::start(|| Ok((Panics, ()))).unwrap();
    let (sender, received) = stream(&worker, WhenBehind::Block);
    sender.send(window(0)).unwrap();
    let reason = "an inference thread panicked: injected; see the log above";
    assert_eq!(received.recv(), reason);
    while sender.send(window(1)) != Err(WorkerGone) {}
    assert!(worker.is_gone());
    drop(sender);
    assert_eq!(worker.finish().unwrap_err().to_string(), reason);
}

#[test]
fn windows_of_several_streams_share_a_pass_and_none_is_preferred() {
    let rig = rig(false);
    let (busy, received_busy) = occupy(&rig);
    let streams: Vec<_> = (0..3)
        .map(|_| stream(&rig.worker, WhenBehind::Block))
        .collect();
    for (sender, _) in &streams {
        for k in 0..8 {
            sender.send(window(k)).unwrap();
        }
    }
    let received: Vec<_> = streams.into_iter().map(|(_, received)| received).collect();
    drop(busy);
    drop(rig.open);
    rig.worker.finish().unwrap();
    for received in received {
        let expected: Vec<_> = (0..8).map(|k| k.to_string()).collect();
        assert_eq!(received.all(), expected);
    }
    assert_eq!(received_busy.all().len(), 33);
    // The first pass took what was there; all waited for the second, so only the last is not full.
    let batches = rig.batches.lock().unwrap().clone();
    assert_eq!(batches.iter().sum::<usize>(), 33 + 3 * 8);
    assert!(
        batches[1..batches.len() - 1].iter().all(|&n| n == 16),
        "{batches:?}"
    );
}

#[test]
fn a_thread_without_others_takes_all_that_waits_up_to_a_batch() {
    let rig = rig(false);
    let (sender, received) = occupy(&rig);
    drop((sender, rig.open));
    rig.worker.finish().unwrap();
    assert_eq!(received.all().len(), 33);
    let batches = rig.batches.lock().unwrap().clone();
    // The first pass took what was there.
    let mut expected = vec![batches[0]];
    while let rest @ 1.. = 33 - expected.iter().sum::<usize>() {
        expected.push(rest.min(16));
    }
    assert_eq!(batches, expected);
}

#[test]
fn the_windows_that_wait_are_bounded_for_all_streams_together() {
    const STREAMS: usize = 8;
    const BATCH: usize = 16;
    let rig = rig(false);
    let (sent, progress) = unbounded();
    let senders: Vec<_> = (0..STREAMS)
        .map(|_| {
            let (sender, received) = stream(&rig.worker, WhenBehind::Block);
            let sent = sent.clone();
            let send = move || {
                for k in 0..100 {
                    sender.send(window(k)).unwrap();
                    sent.send(()).unwrap();
                }
            };
            (std::thread::spawn(send), received)
        })
        .collect();
    // The first pass waits at its gate; a batch of every stream has room all the same.
    for _ in 0..STREAMS * BATCH {
        progress.recv_timeout(Duration::from_secs(60)).unwrap();
    }
    let patience = Duration::from_millis(500);
    let more = std::iter::from_fn(|| progress.recv_timeout(patience).ok()).count();
    assert!(more <= 3 * BATCH, "{more}");
    drop(rig.open);
    for (thread, received) in senders {
        thread.join().unwrap();
        let expected: Vec<_> = (0..100).map(|k| k.to_string()).collect();
        assert_eq!(received.all(), expected);
    }
    rig.worker.finish().unwrap();
}

#[test]
fn under_overload_every_stream_gets_its_share() {
    const STREAMS: usize = 24;
    const PASSES: usize = 4;
    let rig = rig(false);
    let (busy, received_busy) = occupy(&rig);
    let streams: Vec<_> = (0..STREAMS)
        .map(|_| stream(&rig.worker, WhenBehind::DropOldest))
        .collect();
    for k in 0..9 {
        for (sender, _) in &streams {
            sender.send(window(k)).unwrap();
        }
    }
    // The pass that was under way, of one to 16 windows, then full ones.
    for _ in 0..=PASSES {
        rig.open.send(()).unwrap();
    }
    let counts = || {
        let live = streams.iter().map(|(_, received)| received.0.len());
        live.collect::<Vec<_>>()
    };
    let begun = Instant::now();
    while received_busy.0.len() + counts().iter().sum::<usize>() <= 16 * PASSES {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", counts());
        std::thread::sleep(Duration::from_millis(1));
    }
    let counts = counts();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(*least > 0 && most - least <= 1, "{counts:?}");
    drop((busy, streams));
    drop(rig.open);
    rig.worker.finish().unwrap();
}

#[test]
fn a_failed_inference_is_reported_to_every_stream_and_decides_nothing() {
    let rig = rig(true);
    let (one, heard_one) = stream(&rig.worker, WhenBehind::DropOldest);
    let (two, heard_two) = stream(&rig.worker, WhenBehind::Block);
    // Until both are known to the worker, neither is in the pass that fails.
    one.send(silent()).unwrap();
    two.send(silent()).unwrap();
    assert_eq!(heard_one.recv(), "silent");
    assert_eq!(heard_two.recv(), "silent");
    one.send(window(0)).unwrap();
    rig.open.send(()).unwrap();
    let reason = "inference on cuda:0 failed: out of memory";
    assert_eq!(heard_one.recv(), reason);
    assert_eq!(heard_two.recv(), reason);
    while two.send(window(1)) != Err(WorkerGone) {}
    drop((one, two));
    assert_eq!(rig.worker.finish().unwrap_err().to_string(), reason);
}

/// Has no prediction for windows from this number on.
struct PartlyBlind(u64, usize);

impl Scorer for PartlyBlind {
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
        let row = |window: &&Window| match window.seq() < self.0 {
            true => Ok(vec![window.log_mel[0]; self.1]),
            false => Err(NotFinite::Network),
        };
        Ok(windows.iter().map(row).collect())
    }
}

#[test]
fn a_window_without_a_prediction_is_reported_in_its_stream_alone() {
    let (worker, ()) = Worker::start(|| Ok((PartlyBlind(20, 1), ()))).unwrap();
    let [(one, received_one), (two, received_two)] =
        std::array::from_fn(|_| stream(&worker, WhenBehind::Block));
    // More of them than may be under way at once.
    for k in 0..100 {
        one.send(window(k)).unwrap();
        two.send(window(k % 20)).unwrap();
    }
    drop((one, two));
    worker.finish().unwrap();
    let numbers = (0..100).map(|k| match k < 20 {
        true => k.to_string(),
        false => "the network produced a number that is not finite".into(),
    });
    assert_eq!(received_one.all(), numbers.collect::<Vec<_>>());
    let numbers = (0..100).map(|k| (k % 20).to_string());
    assert_eq!(received_two.all(), numbers.collect::<Vec<_>>());
}

#[test]
fn a_recording_without_a_prediction_fails_alone() {
    let model = Checkpoint::read(program::model()).unwrap().metadata;
    let outputs = model.horizons_frames.len();
    let (worker, ()) = Worker::start(move || Ok((PartlyBlind(20, outputs), ()))).unwrap();
    let network = FileNetwork::Windows(FileWindows {
        intake: worker.intake(),
        window: WindowLength::FRAMES_80,
        every: NonZeroU64::MIN,
    });
    let horizon = DecisionConfig::default().horizon(&model.model_horizons());
    let labeler = Labeler::new(network, &model, horizon.unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let label = |seconds| {
        let path = folder.path().join("x.wav");
        program::wav(&path, 1, seconds);
        labeler.label(&Input::File(path), &|_, _| ())
    };
    let error = label(4.0).unwrap_err();
    let text = error.to_string();
    assert!(text.ends_with("x.wav: the network produced a number that is not finite"));
    assert!(!error.ends_all());
    assert_eq!(label(2.0).unwrap().decisions.len(), 12);
}

#[test]
fn a_network_that_cannot_be_loaded_is_an_error_of_the_start() {
    let refused = Worker::start(|| -> Result<(Fake, ()), _> {
        Err(EngineError::Thread("there is no cuda:7".into()))
    });
    assert_eq!(
        refused.err().map(|e| e.to_string()),
        Some("there is no cuda:7".into())
    );
}
