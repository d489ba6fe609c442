//! Names of the exported function's inputs and output.

/// Log-mel windows.
pub(super) const LOG_MEL: &str = "log_mel";
/// Numbers of the windows in their streams.
pub(super) const NUMBER: &str = "number";
/// Probabilities of voice.
pub(super) const PROBABILITY: &str = "probability";
