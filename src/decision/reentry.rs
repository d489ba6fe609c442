//! The re-entry threshold: how much recent singing lowers the onset threshold, and for how long.

use serde::{Deserialize, Serialize};

/// Default time constant of the recency average in seconds: about the distance of two phrases. Values of 5 to 30 s
/// perform alike on validation.
pub const RECENCY_S: f32 = 10.0;

/// Lower onset threshold after recent voice: vocal music usually has further phrases, instrumental music does not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reentry {
    /// Voice begins from this probability on.
    pub reenter: f32,
    /// Time constant of the recency average in seconds: voice that lies this far back has weight 1/e.
    pub recency_s: f32,
}
