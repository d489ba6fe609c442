//! The format in which a device is opened.

use cpal::traits::DeviceTrait as _;
use cpal::{Device, SupportedStreamConfig};

use super::selection::short_id;
use crate::audio::{AudioError, AudioFormat, SourceOptions};

/// The device's default configuration, or the best one with the requested rate and channels.
pub(super) fn choose_config(
    device: &Device,
    options: &SourceOptions,
) -> Result<SupportedStreamConfig, AudioError> {
    let unusable = |e: cpal::Error| unusable(device, &e);
    let default = device.default_input_config().map_err(unusable)?;
    let rate_hz = options.device_rate_hz.unwrap_or(default.sample_rate());
    let channels = options.device_channels.unwrap_or(default.channels());
    if (rate_hz, channels) == (default.sample_rate(), default.channels()) {
        return Ok(default);
    }
    device
        .supported_input_configs()
        .map_err(unusable)?
        .filter(|range| range.channels() == channels && !range.sample_format().is_dsd())
        .filter(|range| range.contains_rate(rate_hz))
        .max_by(|a, b| a.cmp_default_heuristics(b))
        .map(|range| range.with_sample_rate(rate_hz))
        .ok_or_else(|| AudioError::DeviceFormat {
            device: short_id(device),
            requested: AudioFormat { rate_hz, channels },
        })
}

/// The error for a device that cpal refuses. Only the first sentence of cpal's message is kept:
/// it names the cause.
pub(super) fn unusable(device: &Device, error: &cpal::Error) -> AudioError {
    let text = error.to_string();
    let first = text
        .split_once(". ")
        .map_or(text.as_str(), |(first, _)| first);
    AudioError::Device {
        device: short_id(device),
        reason: first.trim_end_matches('.').replace('\n', " "),
    }
}
