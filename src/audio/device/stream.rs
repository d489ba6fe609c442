//! A running capture stream, and the errors that it reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, InputCallbackInfo, SampleFormat, SizedSample,
    SupportedStreamConfig,
};

use super::callback::CaptureCallback;
use super::format::{choose_config, unusable};
use super::selection::Identity;
use crate::audio::{AudioError, AudioFormat, Health, RingReader, SourceOptions, ring};

/// The last fatal error of a stream. Atomics only: the sound system's threads report to it.
#[derive(Debug, Default)]
pub(super) struct StreamError {
    /// A fatal error was reported.
    fatal: AtomicBool,
    /// Its index in [`REASONS`].
    reason: AtomicU8,
}

/// Fatal errors, after which a stream must be opened anew, with the text for people. The last
/// one stands for all others.
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

impl StreamError {
    fn report(&self, kind: ErrorKind, health: &Health) {
        match kind {
            ErrorKind::Xrun => health.on_xrun(),
            // Not fatal.
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            _ => {
                let reason = REASONS
                    .iter()
                    .position(|(k, _)| *k == kind)
                    .unwrap_or(REASONS.len() - 1);
                self.reason.store(reason as u8, Ordering::Relaxed);
                self.fatal.store(true, Ordering::Release);
            }
        }
    }

    /// The reason of a fatal error, if one was reported.
    pub fn fatal(&self) -> Option<&'static str> {
        self.fatal
            .load(Ordering::Acquire)
            .then(|| REASONS[usize::from(self.reason.load(Ordering::Relaxed)) % REASONS.len()].1)
    }
}

/// A running stream and the ring that it fills.
pub(super) struct Capture {
    pub stream: cpal::Stream,
    pub format: AudioFormat,
    pub reader: RingReader,
    pub error: Arc<StreamError>,
    pub identity: Identity,
}

/// Opens and starts a stream.
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
    let error = Arc::new(StreamError::default());
    let callback = CaptureCallback::new(writer, health.clone(), format);
    let stream = build(device, config, options, callback, error.clone())
        .map_err(|e| unusable(device, &e))?;
    Ok(Capture {
        stream,
        format,
        reader,
        error,
        identity: Identity::of(device),
    })
}

fn build(
    device: &Device,
    config: SupportedStreamConfig,
    options: &SourceOptions,
    callback: CaptureCallback,
    error: Arc<StreamError>,
) -> Result<cpal::Stream, cpal::Error> {
    let mut stream_config = config.config();
    if let Some(frames) = options.device_period_frames {
        stream_config.buffer_size = BufferSize::Fixed(frames);
    }
    let build = match config.sample_format() {
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
                format!("its sample format {other} is not supported"),
            ));
        }
    };
    let stream = build(device, stream_config, callback, error)?;
    stream.play()?;
    Ok(stream)
}

fn build_typed<T>(
    device: &Device,
    config: cpal::StreamConfig,
    mut callback: CaptureCallback,
    error: Arc<StreamError>,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let health = callback.health.clone();
    device.build_input_stream(
        config,
        move |samples: &[T], info: &InputCallbackInfo| callback.captured(samples, info),
        move |e| error.report(e.kind(), &health),
        None,
    )
}
