//! List of the input devices that are present.

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use serde::Serialize;

use crate::audio::alsa_stderr::log_alsa_messages;

/// An input device and the formats it offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// Its sound system: `ALSA`, `PulseAudio`, `CoreAudio`…
    pub host: String,
    /// Its id, for `device:ID`.
    pub id: String,
    /// Its name, as the sound system shows it.
    pub name: String,
    /// Whether it is the system's default input.
    pub default: bool,
    /// Sample rate in Hz that it is captured at by default.
    pub default_rate_hz: u32,
    /// Channel count that it is captured with by default.
    pub default_channels: u16,
    /// The lowest and the highest sample rate it offers, in Hz.
    pub rates_hz: [u32; 2],
    /// Channel counts it offers, ascending.
    pub channels: Vec<u16>,
    /// Sample formats it offers, such as `i16` or `f32`.
    pub formats: Vec<String>,
}

/// All devices that can be opened now. A device that does not open, for example because another
/// program holds it, is left out.
pub fn input_devices() -> Vec<DeviceInfo> {
    log_alsa_messages(list)
}

fn list() -> Vec<DeviceInfo> {
    let mut found = Vec::new();
    for host_id in cpal::available_hosts() {
        let Ok(host) = cpal::host_from_id(host_id) else {
            continue;
        };
        let default_id = host
            .default_input_device()
            .and_then(|device| device.id().ok());
        let Ok(devices) = host.input_devices() else {
            continue;
        };
        for device in devices {
            found.extend(describe(&device, host_id, default_id.as_ref()));
        }
    }
    found
}

fn describe(
    device: &cpal::Device,
    host: cpal::HostId,
    default_id: Option<&cpal::DeviceId>,
) -> Option<DeviceInfo> {
    let id = device.id().ok()?;
    // Not sound cards: ALSA's `null` captures silence, and its `jack` writes to stderr where JACK
    // does not run. JACK has a cpal host of its own.
    if matches!(id.id(), "null" | "jack") {
        return None;
    }
    let own = device.default_input_config().ok()?;
    let ranges: Vec<_> = device.supported_input_configs().ok()?.collect();
    let mut channels: Vec<u16> = ranges.iter().map(|range| range.channels()).collect();
    channels.sort_unstable();
    channels.dedup();
    let mut formats: Vec<String> = Vec::new();
    for range in &ranges {
        let format = range.sample_format().to_string();
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    Some(DeviceInfo {
        host: host.to_string(),
        default: default_id == Some(&id),
        id: id.id().to_owned(),
        name: device.to_string(),
        default_rate_hz: own.sample_rate(),
        default_channels: own.channels(),
        rates_hz: [
            ranges.iter().map(|range| range.min_sample_rate()).min()?,
            ranges.iter().map(|range| range.max_sample_rate()).max()?,
        ],
        channels,
        formats,
    })
}
