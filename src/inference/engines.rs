//! Engines on threads: several of them run one network, whose weights are in memory once where that is possible.

use crate::frontend::WindowLength;
use crate::inference::compute_precision::WeightPrecision;
use crate::inference::engine::{Engine, EngineError};
use crate::inference::worker::Worker;
use crate::model::Metadata;
use crate::pulse::Pulse;

/// What the engines of a worker have in common.
pub struct EngineFacts {
    /// Metadata of the checkpoint.
    pub metadata: Metadata,
    /// Length of the network's input.
    pub window: WindowLength,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// The precision in use.
    pub precision: WeightPrecision,
}

/// Starts a worker whose engine is made by `load`, on as many threads as `threads` chooses for its device. Engines that
/// cannot share their weights are loaded again. `pulse` gives the pulse of a thread by its number.
///
/// # Errors
/// Those of `load`, or [`EngineError::Thread`] when no thread can be started.
pub fn start(
    load: impl Fn() -> Result<Engine, EngineError> + Clone + Send + 'static,
    threads: impl FnOnce(&str) -> usize + Send + 'static,
    mut pulse: impl FnMut(usize) -> Pulse,
) -> Result<(Worker, EngineFacts), EngineError> {
    let first = load.clone();
    let (mut worker, (facts, others)) = Worker::start_watched(pulse(0), move || {
        let engine = first()?;
        let facts = EngineFacts {
            metadata: engine.metadata().clone(),
            window: engine.window(),
            device: engine.device_name(),
            precision: engine.precision(),
        };
        let others: Vec<_> = (1..threads(&facts.device))
            .map(|_| engine.share())
            .collect();
        Ok((engine, (facts, others)))
    })?;
    for (number, shared) in (1..).zip(others) {
        let load = load.clone();
        let ready = move || shared.map_or_else(load, Ok).map(|engine| (engine, ()));
        worker.add_thread(pulse(number), ready)?;
    }
    return_freed_memory();
    Ok((worker, facts))
}

/// Gives the memory in which checkpoints were read back to the system; the allocator would keep it.
fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: a call of the allocator, which any thread may make.
    unsafe {
        libc::malloc_trim(0)
    };
}
