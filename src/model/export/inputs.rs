//! Names of the exported function's inputs and outputs.

/// Log-mel windows.
pub(super) const LOG_MEL: &str = "log_mel";
/// Numbers of the windows in their streams.
pub(super) const NUMBER: &str = "number";
/// Probabilities of voice.
pub(super) const PROBABILITY: &str = "probability";
/// Probabilities of speech, for networks with that output.
pub(super) const SPEECH: &str = "speech";
