//! A source as people write it, on the command line and in the configuration.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::audio::device::DeviceSource;
use crate::audio::file::FileSource;
use crate::audio::pcm::PcmSource;
use crate::audio::{AudioError, InputDevice, Pace, PcmFormat, Source};

/// Seconds of sound the ring holds unless told otherwise: enough for the reader to be away for
/// as long as a loaded machine keeps it, little enough that a burst is caught up soon.
pub const DEFAULT_RING_S: f64 = 2.0;
/// A device without callbacks for this long is said to stall: four times the longest period
/// that sound servers use by default (0.5 s).
pub const DEFAULT_STALL_AFTER: Duration = Duration::from_secs(2);

/// Where sound comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    Device(InputDevice),
    File(PathBuf),
    /// Raw samples on standard input.
    Stdin,
    /// Raw samples from a FIFO.
    Fifo(PathBuf),
}

/// How a source is opened; each kind takes what concerns it.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceOptions {
    /// Files: how fast.
    pub pace: Pace,
    /// Standard input and FIFOs: what the bytes mean; they cannot be opened without.
    pub pcm: Option<PcmFormat>,
    /// Devices: the rate, channel count and period to ask for; the device's own otherwise.
    pub device_rate_hz: Option<u32>,
    pub device_channels: Option<u16>,
    pub device_period_frames: Option<u32>,
    /// Devices: how long without callbacks until the device is said to stall.
    pub stall_after: Duration,
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

impl FromStr for SourceSpec {
    type Err = AudioError;

    /// `device:default`, `device:NAME`, `device:ID`, `-` or `stdin:`, `fifo:PATH`, or a path.
    fn from_str(text: &str) -> Result<Self, AudioError> {
        let nothing = || AudioError::Spec { text: text.into() };
        match text.split_once(':') {
            Some(("device", "")) | Some(("fifo", "")) => Err(nothing()),
            Some(("device", "default")) => Ok(Self::Device(InputDevice::Default)),
            Some(("device", device)) => Ok(Self::Device(InputDevice::Named(device.into()))),
            Some(("fifo", path)) => Ok(Self::Fifo(path.into())),
            Some(("stdin", "")) => Ok(Self::Stdin),
            _ if text == "-" => Ok(Self::Stdin),
            _ if text.is_empty() => Err(nothing()),
            _ => Ok(Self::File(text.into())),
        }
    }
}

impl std::fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(InputDevice::Default) => f.write_str("device:default"),
            Self::Device(InputDevice::Named(device)) => write!(f, "device:{device}"),
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("stdin:"),
            Self::Fifo(path) => write!(f, "fifo:{}", path.display()),
        }
    }
}

impl SourceSpec {
    /// Opens the source. What can be known to be wrong before any sound flows fails here.
    pub fn open(&self, options: &SourceOptions) -> Result<Box<dyn Source>, AudioError> {
        let pcm = || {
            options.pcm.ok_or_else(|| AudioError::PcmUnknown {
                spec: self.to_string().trim_end_matches(':').into(),
            })
        };
        Ok(match self {
            Self::Device(choice) => Box::new(DeviceSource::open(choice.clone(), options)?),
            Self::File(path) => Box::new(FileSource::open(path, options.pace, options.ring_s)?),
            Self::Stdin => Box::new(PcmSource::stdin(pcm()?, options.ring_s)?),
            Self::Fifo(path) => Box::new(PcmSource::fifo(path, pcm()?, options.ring_s)?),
        })
    }
}
