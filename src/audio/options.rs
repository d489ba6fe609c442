//! Options with which a source is opened.

use std::time::Duration;

use crate::audio::stall::DEFAULT_STALL_AFTER;
use crate::audio::{Pace, PcmFormat};

/// Default length of the ring in seconds: long enough for any pause of the reader on a loaded
/// machine, short enough that a backlog is caught up soon.
pub const DEFAULT_RING_S: f64 = 2.0;
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
    /// Devices and pipes: time without sound after which the source counts as stalled. A device is opened anew after
    /// three times as long.
    pub stall_after: Duration,
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
            stall_after: DEFAULT_STALL_AFTER,
            ring_s: DEFAULT_RING_S,
        }
    }
}
