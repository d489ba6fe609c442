//! The way of a stream's outputs to its receiver, in order whichever thread computes them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::Sender;

use crate::inference::messages::{Output, StreamOutput};

/// Where the outputs of one stream go.
#[derive(Clone)]
pub struct Route {
    stream: Arc<str>,
    outputs: Sender<StreamOutput>,
    order: Arc<Mutex<Order>>,
}

/// Portions are numbered; those that are ready early wait for the ones before them.
#[derive(Default)]
struct Order {
    next: u64,
    early: BTreeMap<u64, Vec<Output>>,
}

/// What was sent in one go.
#[derive(Default)]
pub struct Delivered {
    pub portions: u64,
    pub windows: usize,
}

/// The receiver of a stream's outputs is gone.
pub struct ReceiverGone;

impl Route {
    pub fn new(stream: &str, outputs: Sender<StreamOutput>) -> Self {
        Self {
            stream: stream.into(),
            outputs,
            order: Arc::default(),
        }
    }

    /// Whether both are the route of one stream.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.order, &other.order)
    }

    /// Sends the outputs of a portion, and of those that waited for it; waits for room.
    pub fn deliver(&self, number: u64, outputs: Vec<Output>) -> Result<Delivered, ReceiverGone> {
        // Held while outputs are sent, so that none overtakes another.
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.early.insert(number, outputs);
        let mut delivered = Delivered::default();
        loop {
            let next = order.next;
            let Some(outputs) = order.early.remove(&next) else {
                return Ok(delivered);
            };
            order.next += 1;
            delivered.portions += 1;
            for output in outputs {
                delivered.windows += usize::from(!matches!(output, Output::Note(_)));
                self.send(output)?;
            }
        }
    }

    /// Sends an output at once.
    pub fn send(&self, output: Output) -> Result<(), ReceiverGone> {
        let stream = Arc::clone(&self.stream);
        let sent = self.outputs.send(StreamOutput { stream, output });
        sent.map_err(|_| ReceiverGone)
    }
}
