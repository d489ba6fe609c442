//! Raw samples from standard input or a FIFO.
//!
//! A pipe has back-pressure: when the ring is full, the source stops reading, and the program at
//! the other end waits. Nothing is lost here; whether it is lost there is that program's choice.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use vocald_client::message::StateChange;

use crate::audio::ring::{RingWriter, ring, unix_now_ns};
use crate::audio::{AudioError, AudioFormat, Health, Source, SourceEvent, StopFlag};

/// How often a source without data looks at its stop flag.
const POLL: Duration = Duration::from_millis(50);
/// A pipe without data for this long is said to stall.
const STALL_AFTER: Duration = Duration::from_secs(2);
/// Bytes asked for at once: no more than a Linux pipe holds by default.
const READ_BYTES: usize = 64 * 1024;

/// How a raw sample is written down; all little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    S16le,
    S32le,
    F32le,
}

impl Encoding {
    pub fn bytes(self) -> usize {
        match self {
            Self::S16le => 2,
            Self::S32le | Self::F32le => 4,
        }
    }

    /// Appends the samples in `bytes`, whole ones, to `samples`; full scale is 1.
    fn decode(self, bytes: &[u8], samples: &mut Vec<f32>) {
        match self {
            Self::S16le => samples.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&b| f32::from(i16::from_le_bytes(b)) / 32_768.0),
            ),
            Self::S32le => samples.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&b| (f64::from(i32::from_le_bytes(b)) / 2_147_483_648.0) as f32),
            ),
            Self::F32le => {
                samples.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)));
            }
        }
    }
}

impl FromStr for Encoding {
    type Err = AudioError;

    fn from_str(text: &str) -> Result<Self, AudioError> {
        match text {
            "s16le" => Ok(Self::S16le),
            "s32le" => Ok(Self::S32le),
            "f32le" => Ok(Self::F32le),
            _ => Err(AudioError::Encoding { text: text.into() }),
        }
    }
}

/// What the bytes of a pipe mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmFormat {
    pub encoding: Encoding,
    pub rate_hz: u32,
    pub channels: u16,
}

pub struct PcmSource {
    label: String,
    pipe: File,
    /// Reads as ended until its first writer comes.
    is_fifo: bool,
    pcm: PcmFormat,
    ring_s: f64,
}

impl PcmSource {
    pub fn stdin(pcm: PcmFormat, ring_s: f64) -> Result<Self, AudioError> {
        check(pcm)?;
        let pipe = own_stdin().map_err(|e| AudioError::Stdin {
            reason: e.to_string(),
        })?;
        Ok(Self {
            label: "stdin".into(),
            pipe,
            is_fifo: false,
            pcm,
            ring_s,
        })
    }

    /// Opens the FIFO; a writer may come later.
    pub fn fifo(path: &Path, pcm: PcmFormat, ring_s: f64) -> Result<Self, AudioError> {
        check(pcm)?;
        let pipe = open_fifo(path)?;
        Ok(Self {
            label: path.display().to_string(),
            pipe,
            is_fifo: true,
            pcm,
            ring_s,
        })
    }
}

fn check(pcm: PcmFormat) -> Result<(), AudioError> {
    if pcm.channels == 0 || pcm.rate_hz == 0 {
        return Err(AudioError::PcmFormat {
            rate_hz: pcm.rate_hz,
            channels: pcm.channels,
        });
    }
    Ok(())
}

/// Standard input without the standard library's buffer, which waiting for data would not see.
#[cfg(unix)]
fn own_stdin() -> std::io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(std::io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn own_stdin() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(std::io::stdin().as_handle().try_clone_to_owned()?.into())
}

#[cfg(unix)]
fn open_fifo(path: &Path) -> Result<File, AudioError> {
    use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
    let read_error = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => AudioError::MissingFifo { path: path.into() },
        _ => AudioError::Read {
            path: path.into(),
            reason: e.to_string(),
        },
    };
    if !std::fs::metadata(path)
        .map_err(read_error)?
        .file_type()
        .is_fifo()
    {
        return Err(AudioError::NotFifo { path: path.into() });
    }
    // Without this flag opening would wait for a writer, deaf to the stop flag.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(read_error)
}

#[cfg(not(unix))]
fn open_fifo(path: &Path) -> Result<File, AudioError> {
    Err(AudioError::NotFifo { path: path.into() })
}

/// Waits up to `timeout` until a read would not block; `false` when it would.
#[cfg(unix)]
fn wait_readable(pipe: &File, timeout: Duration) -> std::io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(timeout.subsec_nanos()) as _,
    };
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    match poll(&mut fds, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Elsewhere a read waits for data, and the stop flag with it.
#[cfg(not(unix))]
fn wait_readable(_pipe: &File, _timeout: Duration) -> std::io::Result<bool> {
    Ok(true)
}

impl Source for PcmSource {
    fn label(&self) -> String {
        self.label.clone()
    }

    fn run(self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag) {
        let label = &self.label;
        let format = AudioFormat {
            rate_hz: self.pcm.rate_hz,
            channels: self.pcm.channels,
        };
        let (writer, reader) = ring(format, self.ring_s);
        if events
            .send(SourceEvent::Started { format, reader })
            .is_err()
        {
            return;
        }
        let mut pump = Pump {
            pcm: self.pcm,
            writer,
            health,
            stop,
            bytes: Vec::with_capacity(2 * READ_BYTES),
            samples: Vec::with_capacity(READ_BYTES / 2),
        };
        let ended = pump.run(&self.pipe, self.is_fifo, &events);
        if !pump.bytes.is_empty() {
            let count = pump.bytes.len();
            tracing::warn!(
                "{label}: the last {count} bytes are not a whole frame and were left out"
            );
        }
        drop(pump);
        let _ = events.send(match ended {
            Ok(()) => SourceEvent::State(StateChange::ended(None)),
            Err(e) => {
                SourceEvent::State(StateChange::failed(format!("{label} cannot be read: {e}")))
            }
        });
    }
}

/// Bytes in, blocks out.
struct Pump {
    pcm: PcmFormat,
    writer: RingWriter,
    health: Arc<Health>,
    stop: StopFlag,
    /// Read, and not yet a whole frame.
    bytes: Vec<u8>,
    samples: Vec<f32>,
}

impl Pump {
    /// Pumps until the data end or the stop flag is set.
    fn run(
        &mut self,
        mut pipe: &File,
        is_fifo: bool,
        events: &Sender<SourceEvent>,
    ) -> std::io::Result<()> {
        let mut last_data = Instant::now();
        let mut stalled = false;
        let mut had_writer = false;
        let mut buffer = vec![0; READ_BYTES];
        while !self.stop.is_stopped() {
            let read = if wait_readable(pipe, POLL)? {
                match pipe.read(&mut buffer) {
                    Ok(0) if is_fifo && !had_writer => {
                        self.stop.wait(POLL);
                        0
                    }
                    Ok(0) => return Ok(()),
                    Ok(read) => read,
                    Err(e) if is_passing(&e) => 0,
                    Err(e) => return Err(e),
                }
            } else {
                0
            };
            if read > 0 {
                had_writer = true;
                last_data = Instant::now();
                if std::mem::take(&mut stalled) && events.send(SourceEvent::Resumed).is_err() {
                    return Ok(());
                }
                if !self.pass_on(&buffer[..read]) {
                    return Ok(());
                }
            } else if !stalled && last_data.elapsed() >= STALL_AFTER {
                stalled = true;
                let reason = format!("no data for {} s", STALL_AFTER.as_secs());
                if events
                    .send(SourceEvent::State(StateChange::stalled(reason)))
                    .is_err()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Puts the whole frames there are into the ring; `false` when it is time to end.
    fn pass_on(&mut self, read: &[u8]) -> bool {
        self.bytes.extend_from_slice(read);
        let frame_bytes = self.pcm.encoding.bytes() * usize::from(self.pcm.channels);
        let frames = self.bytes.len() / frame_bytes;
        self.samples.clear();
        self.pcm
            .encoding
            .decode(&self.bytes[..frames * frame_bytes], &mut self.samples);
        self.bytes.drain(..frames * frame_bytes);
        let written = self
            .writer
            .write_blocking(&self.samples, unix_now_ns(), &self.stop);
        if written && frames > 0 {
            self.health.on_block(frames as u64, true);
        }
        written
    }
}

fn is_passing(e: &std::io::Error) -> bool {
    matches!(
        e.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
    )
}
