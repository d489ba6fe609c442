//! Values that pass through the inference queue: windows and notes in, scored windows and notes out.

use std::sync::Arc;

use vocald_client::message::{GapReason, StateChange};

use crate::decision::Decider;
use crate::frontend::Window;

/// One item of a stream, in the order in which it happened.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamItem {
    /// A window to predict on.
    Window(Window),
    /// A fact to pass on.
    Note(Note),
}

/// A fact about a stream that needs no inference.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// The state of the source changed.
    State(StateChange),
    /// The sound that was captured so far ends at this stream time, in seconds. A state without sound follows.
    SoundEnd(f64),
    /// Sound was lost.
    Lost(Loss),
    /// Windows were skipped.
    Skipped(Skipped),
    /// From here on the stream is decided on by this.
    Decider(Box<NewDecider>),
    /// Nothing more comes; a stream of this name begins anew.
    Over,
}

/// How a stream is decided on from here on. It goes on where the one before it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDecider {
    /// Fresh.
    pub decider: Decider,
    /// Whether the predictions come from the same network as before.
    pub same_network: bool,
}

/// Sound that is missing from a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Stream time at which the loss begins, in seconds.
    pub t_s: f64,
    /// Length of the loss, in seconds.
    pub lost_s: f64,
    /// Where it was lost.
    pub reason: GapReason,
}

/// Windows that are not inferred, because they could not be decided on in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skipped {
    /// Stream time of the newest frame of the first of them, in seconds.
    pub newest_frame_s: f64,
    /// Their number.
    pub windows: u64,
}

/// What inference makes of a stream's items, in the same order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A window with its predictions.
    Scored(ScoredWindow),
    /// A window without predictions, for this reason.
    NoPrediction(NotFinite),
    /// A note, passed on.
    Note(Note),
}

/// Why a window has no predictions. Other windows have theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFinite {
    /// A number was too large for float16, which was requested.
    #[error("a number became too large for float16: use --precision auto")]
    Float16,
    /// A number was too large for the network's precision, or a weight is wrong.
    #[error("the network produced a number that is not finite")]
    Network,
}

/// A window's probability of voice for each horizon, and behind them of speech if the model has that output.
pub type Row = Result<Vec<f32>, NotFinite>;

/// A window with its predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredWindow {
    /// The window.
    pub window: Window,
    /// Probability of voice, one a horizon, in the order of the model's metadata; then likewise of speech if the model has
    /// that output.
    pub probabilities: Vec<f32>,
    /// Whether they come later than the window was due.
    pub late: bool,
}

/// An [`Output`] and the name of its stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamOutput {
    /// Name of the stream.
    pub stream: Arc<str>,
    /// What inference made of its next item.
    pub output: Output,
}

/// Policy of a stream's queue when inference is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenBehind {
    /// Drop windows that are overdue and count them, so that the lag does not grow: for live sound.
    DropOldest,
    /// The stream waits: for sound that can wait.
    Block,
}
