//! Windows in, probabilities out.
//!
//! An [`engine`] is a checkpoint made ready for one [`compute_device`]. The [`worker`] is the thread that owns it; streams
//! reach it through a bounded queue, and [`messages`] are what passes through. A network that needs whole recordings is
//! run by [`offline`].

pub mod compute_device;
pub mod compute_precision;
pub mod engine;
pub mod engines;
pub mod forward_pass;
pub mod messages;
pub mod offline;
mod precision_choice;
mod queue;
mod route;
pub mod sequences;
pub mod stats;
mod wide_pass;
pub mod worker;

pub use compute_device::{ComputeDevice, DeviceError, cores, device_name};
pub use compute_precision::{ComputePrecision, PrecisionError, WeightPrecision};
pub use engine::{Engine, EngineError};
pub use messages::{
    Loss, NewDecider, NotFinite, Note, Output, Row, ScoredWindow, Skipped, StreamItem,
    StreamOutput, WhenBehind,
};
pub use offline::OfflineScorer;
pub use stats::Stats;
pub use worker::{Intake, StreamSender, Worker, WorkerGone};
