//! The windows of a recording: sent to the inference threads, decided on in order.

use std::num::NonZeroU64;

use crossbeam_channel::Receiver;
use vocald_client::message::StateChange;

use crate::frontend::{CaptureTime, WINDOW_HOP_SAMPLES, WindowLength};
use crate::inference::engine::MAX_BATCH;
use crate::inference::{
    Intake, NotFinite, Note, Output, StreamItem, StreamOutput, StreamSender, WhenBehind, WorkerGone,
};
use crate::pipeline::decisions::StreamDecisions;
use crate::pipeline::label::{Found, LabelError, Reading};
use crate::pipeline::stream::Stream;

/// Labels recordings by their windows. The calling thread decodes, computes features and decides; the worker's threads
/// infer, several of them on the windows of one recording.
pub struct FileWindows {
    /// The worker. Its engines are made for the same `every`.
    pub intake: Intake,
    /// The network's input.
    pub window: WindowLength,
    /// Of every so many windows the first is inferred; the others' frames are filled from the network's other outputs.
    pub every: NonZeroU64,
}

impl FileWindows {
    pub(super) fn label(
        &self,
        reading: &mut Reading,
        decisions: &mut StreamDecisions,
        found: &mut Found,
    ) -> Result<(), LabelError> {
        let mut rate_hz = reading.rate_hz();
        let stream = Stream::new(rate_hz, self.window);
        let mut stream = stream.map_err(|e| reading.rate_error(e))?;
        // As many wait as the worker takes of a stream before it makes the sender wait.
        let (outputs_in, outputs) = crossbeam_channel::unbounded();
        let mut way = Way {
            sender: self.intake.add_stream("", WhenBehind::Block, outputs_in),
            outputs,
            batch: Vec::with_capacity(MAX_BATCH),
            every: self.every,
            windows: 0,
            order: Order {
                window: self.window,
                next: 0,
                no_prediction: None,
                decisions,
                found,
            },
        };
        let mut sent = Ok(());
        while sent.is_ok()
            && way.order.no_prediction.is_none()
            && let Some(block) = reading.next_block()?
        {
            let end = CaptureTime {
                monotonic_s: block.end_s,
                arrived_s: block.end_s,
                unix_s: block.end_s,
            };
            if block.rate_hz != rate_hz {
                rate_hz = block.rate_hz;
                match stream.continue_at(rate_hz) {
                    Ok(mut completed) => sent = completed.try_for_each(|item| way.send(item)),
                    Err(problem) => return Err(reading.rate_error(problem)),
                }
            }
            sent = sent.and_then(|()| {
                stream
                    .push(block.mono, end)
                    .try_for_each(|item| way.send(item))
            });
        }
        let sent = sent.and_then(|()| stream.finish().try_for_each(|item| way.send(item)));
        // Even after a failure: the outputs say why.
        let (rest, no_prediction) = way.finish();
        if let Some(reason) = no_prediction {
            let input = reading.input().clone();
            return Err(LabelError::NoPrediction { input, reason });
        }
        match found.failed {
            Some(_) => Ok(()),
            None => Ok(sent.and(rest)?),
        }
    }
}

/// The way of one recording's windows to the worker and back.
struct Way<'a> {
    sender: StreamSender,
    outputs: Receiver<StreamOutput>,
    /// Items that are sent together, so that the threads take full batches.
    batch: Vec<StreamItem>,
    every: NonZeroU64,
    /// Windows so far.
    windows: u64,
    order: Order<'a>,
}

impl Way<'_> {
    fn send(&mut self, item: StreamItem) -> Result<(), WorkerGone> {
        if let StreamItem::Window(window) = &item {
            self.windows = window.seq() + 1;
            if window.seq() % self.every != 0 {
                return Ok(());
            }
        }
        self.batch.push(item);
        match self.batch.len() < MAX_BATCH {
            true => Ok(()),
            false => self.send_batch(),
        }
    }

    fn send_batch(&mut self) -> Result<(), WorkerGone> {
        for ready in self.outputs.try_iter() {
            self.order.decide(ready.output);
        }
        self.sender.send_all(&mut self.batch)
    }

    /// Sends the last items and decides on all that is under way. Why a window had no prediction, if one had none.
    fn finish(mut self) -> (Result<(), WorkerGone>, Option<NotFinite>) {
        let sent = self.send_batch();
        drop(self.sender);
        for rest in self.outputs {
            self.order.decide(rest.output);
        }
        self.order.fill(self.windows);
        let ended = Note::State(StateChange::ended(None));
        self.order.decide(Output::Note(ended));
        (sent, self.order.no_prediction)
    }
}

/// Decisions on windows in their order, the ones between those that were inferred included.
struct Order<'a> {
    window: WindowLength,
    /// The number of the next window.
    next: u64,
    /// Why the first window without a prediction has none.
    no_prediction: Option<NotFinite>,
    decisions: &'a mut StreamDecisions,
    found: &'a mut Found,
}

impl Order<'_> {
    fn decide(&mut self, output: Output) {
        match &output {
            Output::Scored(scored) => {
                let number = scored.window.seq();
                self.fill(number);
                self.next = number + 1;
            }
            Output::NoPrediction(reason) => {
                self.no_prediction.get_or_insert(*reason);
            }
            Output::Note(_) => {}
        }
        self.found.extend(self.decisions.push(output));
    }

    /// Decides on the windows before this number that were left out.
    fn fill(&mut self, before: u64) {
        for number in self.next..before {
            let start_sample = number * WINDOW_HOP_SAMPLES as u64;
            let messages = self.decisions.push_left_out(self.window, start_sample);
            self.found.extend(messages);
        }
        self.next = self.next.max(before);
    }
}
