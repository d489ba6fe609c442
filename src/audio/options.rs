//! Options with which a source is opened.

use std::path::PathBuf;
use std::time::Duration;

use crate::audio::{Pace, PcmFormat, ScriptPlace};

/// Default length of the ring in seconds: long enough for any pause of the reader on a loaded
/// machine, short enough that a backlog is caught up soon.
pub const DEFAULT_RING_S: f64 = 2.0;
/// Default of [`SourceOptions::reopen_after`]: a sound server that restarts is back before.
pub const DEFAULT_REOPEN_AFTER: Duration = Duration::from_secs(6);

/// Options with which a source is opened. Each kind of source uses its own.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceOptions {
    /// Files: reading speed.
    pub pace: Pace,
    /// Standard input and FIFOs: format of the bytes. Required for them.
    pub pcm: Option<PcmFormat>,
    /// Devices: requested sample rate in Hz. `None`: the device's default.
    pub device_rate_hz: Option<u32>,
    /// Devices: requested channel count. `None`: the device's default.
    pub device_channels: Option<u16>,
    /// Devices: requested frames per callback. `None`: the device's default.
    pub device_period_frames: Option<u32>,
    /// Devices: time without sound after which the device is opened anew.
    pub reopen_after: Duration,
    /// Devices: whether one that is not there is waited for.
    pub wait: bool,
    /// Devices: the program that captures in a process of its own, `vocald`. `None`: this process captures.
    pub helper: Option<PathBuf>,
    /// Simulations: the step that was reached before a restart.
    pub script_place: ScriptPlace,
    /// Length of the ring in seconds.
    pub ring_s: f64,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            pace: Pace::default(),
            pcm: None,
            device_rate_hz: None,
            device_channels: None,
            device_period_frames: None,
            reopen_after: DEFAULT_REOPEN_AFTER,
            wait: true,
            helper: None,
            script_place: ScriptPlace::default(),
            ring_s: DEFAULT_RING_S,
        }
    }
}
