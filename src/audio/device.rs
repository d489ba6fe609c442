//! Sound cards by cpal: finding one, choosing its format, and the callback that captures.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{
    BufferSize, Device, DeviceId, ErrorKind, FromSample, Host, InputCallbackInfo, SampleFormat,
    SizedSample, SupportedStreamConfig,
};

use crate::audio::alsa_stderr::quietly;
use crate::audio::ring::{RingReader, RingWriter, ring, unix_now_ns};
use crate::audio::spec::SourceOptions;
use crate::audio::{AudioError, AudioFormat, Health};

/// Suggestions beside an unknown device's name.
const NEARBY: usize = 3;

/// Which device is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputDevice {
    /// The system's default input.
    Default,
    /// An id as `vocald devices` prints it, with or without the host, or a name or a part of one.
    Named(String),
}

/// A device that is captured from, looked up again whenever it vanishes.
pub struct DeviceSource {
    pub(super) choice: InputDevice,
    pub(super) options: SourceOptions,
    pub(super) identity: Identity,
}

/// How a device is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: Option<DeviceId>,
    pub name: String,
}

impl Identity {
    fn of(device: &Device) -> Self {
        Self {
            id: device.id().ok(),
            name: device.to_string(),
        }
    }
}

impl DeviceSource {
    /// Finds the device and a format, so that a wrong name or wish fails here.
    pub fn open(choice: InputDevice, options: &SourceOptions) -> Result<Self, AudioError> {
        let identity = quietly(|| {
            let device = find(&choice)?;
            choose_config(&device, options)?;
            Ok(Identity::of(&device))
        });
        let identity = identity.map_err(|e| match (&choice, e) {
            (InputDevice::Default, AudioError::Device { reason, .. }) => {
                AudioError::NoDevice { reason }
            }
            (_, e) => e,
        })?;
        Ok(Self {
            choice,
            options: options.clone(),
            identity,
        })
    }
}

/// The device of this choice, as the system has it now.
fn find(choice: &InputDevice) -> Result<Device, AudioError> {
    let host = cpal::default_host();
    match choice {
        InputDevice::Default => host
            .default_input_device()
            .ok_or_else(|| AudioError::NoDevice {
                reason: "the system names no default input".into(),
            }),
        InputDevice::Named(wanted) => named(&host, wanted),
    }
}

fn named(host: &Host, wanted: &str) -> Result<Device, AudioError> {
    let by_full_id = || {
        let id = DeviceId::from_str(wanted).ok()?;
        cpal::host_from_id(id.host()).ok()?.device_by_id(&id)
    };
    let by_id = || host.device_by_id(&DeviceId::new(host.id(), wanted));
    if let Some(device) = by_full_id().or_else(by_id) {
        return Ok(device);
    }
    let devices: Vec<Device> = host
        .input_devices()
        .map_err(|e| AudioError::NoDevice {
            reason: e.to_string(),
        })?
        .collect();
    let lower = wanted.to_lowercase();
    let is_exact = |device: &&Device| device.to_string().to_lowercase() == lower;
    if let Some(device) = devices.iter().find(is_exact) {
        return Ok(device.clone());
    }
    let partly: Vec<&Device> = devices
        .iter()
        .filter(|d| d.to_string().to_lowercase().contains(&lower))
        .collect();
    match partly.as_slice() {
        [device] => Ok((*device).clone()),
        [] => Err(AudioError::UnknownDevice {
            wanted: wanted.into(),
            nearby: nearby(&lower, &devices),
        }),
        several => Err(AudioError::AmbiguousDevice {
            wanted: wanted.into(),
            candidates: several.iter().take(NEARBY).map(|d| pronounce(d)).collect(),
        }),
    }
}

/// A device again: by id, then by name, or the default, whatever it is now.
pub(super) fn find_again(choice: &InputDevice, identity: &Identity) -> Result<Device, AudioError> {
    let InputDevice::Named(wanted) = choice else {
        return find(choice);
    };
    let by_id = || {
        let id = identity.id.as_ref()?;
        cpal::host_from_id(id.host()).ok()?.device_by_id(id)
    };
    let by_name = || named(&cpal::default_host(), &identity.name).ok();
    by_id()
        .or_else(by_name)
        .ok_or_else(|| AudioError::UnknownDevice {
            wanted: wanted.clone(),
            nearby: Vec::new(),
        })
}

fn pronounce(device: &Device) -> String {
    device
        .id()
        .map_or_else(|_| device.to_string(), |id| id.id().to_owned())
}

/// cpal ends some of its messages with one more sentence; the first says what is wrong.
fn unusable(device: &Device, error: &cpal::Error) -> AudioError {
    let text = error.to_string();
    let first = text
        .split_once(". ")
        .map_or(text.as_str(), |(first, _)| first);
    AudioError::Device {
        device: pronounce(device),
        reason: first.trim_end_matches('.').replace('\n', " "),
    }
}

fn nearby(wanted_lower: &str, devices: &[Device]) -> Vec<String> {
    let mut ranked: Vec<(usize, String)> = devices
        .iter()
        .map(|device| {
            let (id, name) = (pronounce(device), device.to_string());
            let distance = |text: &str| edit_distance(wanted_lower, &text.to_lowercase());
            (distance(&id).min(distance(&name)), id)
        })
        .collect();
    ranked.sort();
    // Further off than half of what was written, it is another name.
    ranked.retain(|(distance, _)| *distance <= wanted_lower.len() / 2);
    ranked.into_iter().take(NEARBY).map(|(_, id)| id).collect()
}

/// Characters to insert, delete or replace to make `a` of `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The device's own format, or the one nearest to it that has the wanted rate and channels.
fn choose_config(
    device: &Device,
    options: &SourceOptions,
) -> Result<SupportedStreamConfig, AudioError> {
    let unusable = |e: cpal::Error| unusable(device, &e);
    let own = device.default_input_config().map_err(unusable)?;
    let rate_hz = options.device_rate_hz.unwrap_or(own.sample_rate());
    let channels = options.device_channels.unwrap_or(own.channels());
    if (rate_hz, channels) == (own.sample_rate(), own.channels()) {
        return Ok(own);
    }
    device
        .supported_input_configs()
        .map_err(unusable)?
        .filter(|range| range.channels() == channels && !range.sample_format().is_dsd())
        .filter(|range| range.contains_rate(rate_hz))
        .max_by(|a, b| a.cmp_default_heuristics(b))
        .map(|range| range.with_sample_rate(rate_hz))
        .ok_or_else(|| AudioError::DeviceFormat {
            device: pronounce(device),
            wanted: AudioFormat { rate_hz, channels }.to_string(),
        })
}

/// What the stream's threads tell the supervisor: atomics only.
#[derive(Debug, Default)]
pub(super) struct StreamState {
    /// An error the stream does not survive has come.
    broken: AtomicBool,
    /// Which, as an index into [`REASONS`].
    reason: AtomicU8,
}

/// Errors after which a stream must be made anew, with what to say.
const REASONS: [(ErrorKind, &str); 6] = [
    (ErrorKind::DeviceNotAvailable, "the device is gone"),
    (
        ErrorKind::StreamInvalidated,
        "the device changed its format",
    ),
    (ErrorKind::HostUnavailable, "the sound server is gone"),
    (
        ErrorKind::DeviceBusy,
        "the device is in use by another program",
    ),
    (ErrorKind::BackendError, "the sound system reports an error"),
    (
        ErrorKind::Other,
        "the sound system reports an unknown error",
    ),
];

impl StreamState {
    fn on_error(&self, kind: ErrorKind, health: &Health) {
        match kind {
            ErrorKind::Xrun => health.on_xrun(),
            // The stream goes on.
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            _ => {
                let reason = REASONS
                    .iter()
                    .position(|(k, _)| *k == kind)
                    .unwrap_or(REASONS.len() - 1);
                self.reason.store(reason as u8, Ordering::Relaxed);
                self.broken.store(true, Ordering::Release);
            }
        }
    }

    pub fn broken(&self) -> Option<&'static str> {
        self.broken
            .load(Ordering::Acquire)
            .then(|| REASONS[usize::from(self.reason.load(Ordering::Relaxed)) % REASONS.len()].1)
    }
}

/// A stream that captures, and the ring it fills.
pub(super) struct Capture {
    pub stream: cpal::Stream,
    pub format: AudioFormat,
    pub reader: RingReader,
    pub state: Arc<StreamState>,
    pub identity: Identity,
}

/// Makes and starts a stream.
pub(super) fn capture(
    device: &Device,
    options: &SourceOptions,
    health: &Arc<Health>,
) -> Result<Capture, AudioError> {
    let config = choose_config(device, options)?;
    let format = AudioFormat {
        rate_hz: config.sample_rate(),
        channels: config.channels(),
    };
    let (writer, reader) = ring(format, options.ring_s);
    let state = Arc::new(StreamState::default());
    let callback = CaptureCallback::new(writer, health.clone(), format);
    let stream = build(device, config, options, callback, state.clone())
        .map_err(|e| unusable(device, &e))?;
    Ok(Capture {
        stream,
        format,
        reader,
        state,
        identity: Identity::of(device),
    })
}

fn build(
    device: &Device,
    config: SupportedStreamConfig,
    options: &SourceOptions,
    callback: CaptureCallback,
    state: Arc<StreamState>,
) -> Result<cpal::Stream, cpal::Error> {
    let mut stream_config = config.config();
    if let Some(frames) = options.device_period_frames {
        stream_config.buffer_size = BufferSize::Fixed(frames);
    }
    let make = match config.sample_format() {
        SampleFormat::I8 => build_typed::<i8>,
        SampleFormat::I16 => build_typed::<i16>,
        SampleFormat::I24 => build_typed::<cpal::I24>,
        SampleFormat::I32 => build_typed::<i32>,
        SampleFormat::I64 => build_typed::<i64>,
        SampleFormat::U8 => build_typed::<u8>,
        SampleFormat::U16 => build_typed::<u16>,
        SampleFormat::U24 => build_typed::<cpal::U24>,
        SampleFormat::U32 => build_typed::<u32>,
        SampleFormat::U64 => build_typed::<u64>,
        SampleFormat::F32 => build_typed::<f32>,
        SampleFormat::F64 => build_typed::<f64>,
        other => {
            return Err(cpal::Error::with_message(
                ErrorKind::UnsupportedConfig,
                format!("its sample format {other} is not one that can be read"),
            ));
        }
    };
    let stream = make(device, stream_config, callback, state)?;
    stream.play()?;
    Ok(stream)
}

fn build_typed<T>(
    device: &Device,
    config: cpal::StreamConfig,
    mut callback: CaptureCallback,
    state: Arc<StreamState>,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let health = callback.health.clone();
    device.build_input_stream(
        config,
        move |samples: &[T], info: &InputCallbackInfo| callback.captured(samples, info),
        move |error| state.on_error(error.kind(), &health),
        None,
    )
}

/// What the capture callback holds: it converts into the ring and bumps atomics, no more.
pub struct CaptureCallback {
    writer: RingWriter,
    health: Arc<Health>,
    format: AudioFormat,
}

impl CaptureCallback {
    pub fn new(writer: RingWriter, health: Arc<Health>, format: AudioFormat) -> Self {
        Self {
            writer,
            health,
            format,
        }
    }

    /// Takes a block of interleaved samples of any type.
    pub fn captured<T>(&mut self, samples: &[T], info: &InputCallbackInfo)
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let frames = (samples.len() / usize::from(self.format.channels)) as u64;
        let timestamp = info.timestamp();
        // The block's first frame is this old; its last is younger by the block's length.
        let age = timestamp
            .callback
            .saturating_duration_since(timestamp.capture);
        let length = Duration::from_nanos(frames * 1_000_000_000 / u64::from(self.format.rate_hz));
        let age_ns = age.saturating_sub(length).as_nanos() as u64;
        let written = self.writer.write_with(
            samples.iter().map(|&sample| f32::from_sample_(sample)),
            unix_now_ns().saturating_sub(age_ns),
        );
        self.health.on_block(frames, written);
    }
}
