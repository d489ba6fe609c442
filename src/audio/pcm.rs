//! Raw samples from standard input or a FIFO.
//!
//! A pipe has back-pressure: when the ring is full, the source stops reading, and the program at
//! the other end waits. Nothing is lost on this side.

mod contradiction;
mod format;
mod pipe;
mod pipe_reader;
mod raw_decoder;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use vocald_client::message::StateChange;

use self::pipe::{open_fifo, open_stdin, wait_readable};
use crate::audio::ring::{RingWriter, ring};
use crate::audio::{
    AudioError, AudioFormat, CaptureInstant, Health, Source, SourceEvent, SourceOptions, StopFlag,
};

pub use self::format::{Encoding, PcmFormat};
pub use self::pipe_reader::PipeReader;
pub use self::raw_decoder::RawDecoder;

/// Interval at which a source without data checks its stop flag.
const POLL: Duration = Duration::from_millis(50);
/// Bytes of a read at most: what a Linux pipe holds by default.
const READ_BYTES: usize = 64 * 1024;

/// A pipe whose raw samples are written to a ring.
pub(super) struct PcmSource {
    label: String,
    pipe: File,
    /// A FIFO reads as ended until its first writer opens it.
    is_fifo: bool,
    pcm: PcmFormat,
    ring_s: f64,
    stall_after: Duration,
}

impl PcmSource {
    /// Raw samples on standard input.
    ///
    /// # Errors
    /// When `pcm` is impossible or standard input is closed.
    pub fn stdin(pcm: PcmFormat, options: &SourceOptions) -> Result<Self, AudioError> {
        pcm.check()?;
        Ok(Self {
            label: "stdin".into(),
            pipe: open_stdin()?,
            is_fifo: false,
            pcm,
            ring_s: options.ring_s,
            stall_after: options.stall_after,
        })
    }

    /// Raw samples from a FIFO, whose writer may come later.
    ///
    /// # Errors
    /// When `pcm` is impossible, or `path` is not a FIFO or cannot be opened.
    pub fn fifo(path: &Path, pcm: PcmFormat, options: &SourceOptions) -> Result<Self, AudioError> {
        pcm.check()?;
        Ok(Self {
            label: path.display().to_string(),
            pipe: open_fifo(path)?,
            is_fifo: true,
            pcm,
            ring_s: options.ring_s,
            stall_after: options.stall_after,
        })
    }
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
            stall_after: self.stall_after,
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

/// Reads bytes and writes blocks of samples.
struct Pump {
    pcm: PcmFormat,
    writer: RingWriter,
    health: Arc<Health>,
    stop: StopFlag,
    stall_after: Duration,
    /// Bytes that were read and are not a whole frame yet.
    bytes: Vec<u8>,
    samples: Vec<f32>,
}

impl Pump {
    /// Runs until the data end, the stop flag is set or the ring or event receiver is gone.
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
                    Err(e) if is_temporary(&e) => 0,
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
                if !self.write_frames(&buffer[..read]) {
                    return Ok(());
                }
            } else if !stalled && last_data.elapsed() >= self.stall_after {
                stalled = true;
                let reason = format!("no data for {} s", self.stall_after.as_secs_f64());
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

    /// Adds bytes and writes all whole frames to the ring; `false` when stopped or the reader is
    /// gone.
    fn write_frames(&mut self, read: &[u8]) -> bool {
        self.bytes.extend_from_slice(read);
        let frame_bytes = self.pcm.frame_bytes();
        let frames = self.bytes.len() / frame_bytes;
        self.samples.clear();
        self.pcm
            .encoding
            .decode(&self.bytes[..frames * frame_bytes], &mut self.samples);
        self.bytes.drain(..frames * frame_bytes);
        let written = self
            .writer
            .write_blocking(&self.samples, CaptureInstant::now(), &self.stop);
        if written && frames > 0 {
            self.health.on_block(frames as u64, true);
        }
        written
    }
}

/// Whether a read that failed may succeed later.
fn is_temporary(e: &std::io::Error) -> bool {
    matches!(
        e.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
    )
}
