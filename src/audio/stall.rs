//! When a source counts as stalled, and when a stalled device is opened anew.

use std::time::Duration;

/// Default time without sound after which a device or pipe counts as stalled: four times the longest default period of
/// sound servers (0.5 s).
pub const DEFAULT_STALL_AFTER: Duration = Duration::from_secs(2);
/// After this many times the stall time without a callback, a device is opened anew.
pub(super) const STALLS_UNTIL_RECONNECT: u32 = 3;
