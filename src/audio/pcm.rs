//! Raw samples from standard input or a FIFO.
//!
//! A pipe has back-pressure: when the ring is full, the source stops reading, and the program at
//! the other end waits. Nothing is lost on this side. Standard input ends when its writer leaves;
//! a FIFO waits for the next one.

mod contradiction;
mod format;
mod pipe;
mod pipe_reader;
mod raw_decoder;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use vocald_client::message::StateChange;

use self::contradiction::ContradictionWatch;
use self::pipe::{Fifo, open_stdin, wait_readable};
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
    input: Input,
    pcm: PcmFormat,
    ring_s: f64,
}

enum Input {
    Stdin(File),
    Fifo(Fifo),
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
            input: Input::Stdin(open_stdin()?),
            pcm,
            ring_s: options.ring_s,
        })
    }

    /// Raw samples from a FIFO, whose writers may come and go.
    ///
    /// # Errors
    /// When `pcm` is impossible, or `path` is not a FIFO or cannot be opened.
    pub fn fifo(path: &Path, pcm: PcmFormat, options: &SourceOptions) -> Result<Self, AudioError> {
        pcm.check()?;
        Ok(Self {
            label: path.display().to_string(),
            input: Input::Fifo(Fifo::open(path)?),
            pcm,
            ring_s: options.ring_s,
        })
    }
}

impl Source for PcmSource {
    fn label(&self) -> String {
        self.label.clone()
    }

    fn run(self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag) {
        let mut pump = Pump {
            label: self.label,
            pcm: self.pcm,
            ring_s: self.ring_s,
            events,
            health,
            stop,
            watch: ContradictionWatch::new(self.pcm),
            buffer: vec![0; READ_BYTES],
            bytes: Vec::with_capacity(2 * READ_BYTES),
            samples: Vec::with_capacity(READ_BYTES / 2),
        };
        let ended = match self.input {
            Input::Stdin(pipe) => pump.play(&pipe, 0).map(drop),
            Input::Fifo(fifo) => pump.play_writers(fifo),
        };
        let _ = pump.events.send(SourceEvent::State(match ended {
            Ok(()) => StateChange::ended(None),
            Err(e) => StateChange::failed(format!("{} cannot be read: {e}", pump.label)),
        }));
    }
}

/// Why a pipe gives no more.
#[derive(PartialEq, Eq)]
enum End {
    /// The stop flag is set, or the receiver of events or of samples is gone.
    Stopped,
    /// All writers have closed it.
    WriterLeft,
}

/// Reads bytes and writes blocks of samples.
struct Pump {
    label: String,
    pcm: PcmFormat,
    ring_s: f64,
    events: Sender<SourceEvent>,
    health: Arc<Health>,
    stop: StopFlag,
    /// Of the present writer.
    watch: ContradictionWatch,
    buffer: Vec<u8>,
    /// Bytes that were read and are not a whole frame yet.
    bytes: Vec<u8>,
    samples: Vec<f32>,
}

impl Pump {
    /// Plays one writer after the other, each from a whole frame on, until stopped.
    fn play_writers(&mut self, mut fifo: Fifo) -> std::io::Result<()> {
        let mut reason = "no program writes to the FIFO yet";
        loop {
            let Some(read) = self.wait_for_writer(&mut fifo, reason)? else {
                return Ok(());
            };
            if self.play(fifo.pipe(), read)? == End::Stopped {
                return Ok(());
            }
            reason = "the program that wrote to the FIFO has left";
        }
    }

    /// Waits until a program has opened the FIFO. Returns how many of its bytes are in the buffer; `None` when
    /// stopped. `reason`: why nobody writes.
    fn wait_for_writer(&mut self, fifo: &mut Fifo, reason: &str) -> std::io::Result<Option<usize>> {
        let mut reported = false;
        while !self.stop.is_stopped() {
            match fifo.pipe().read(&mut self.buffer) {
                Ok(0) => {}
                Ok(read) => return Ok(Some(read)),
                // There is a writer, which has not written yet.
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Ok(Some(0)),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            let waiting = || SourceEvent::State(StateChange::waiting(reason));
            if !std::mem::replace(&mut reported, true) && self.events.send(waiting()).is_err() {
                return Ok(None);
            }
            self.stop.wait(POLL);
            fifo.reopen_if_replaced();
        }
        Ok(None)
    }

    /// Plays the first `read` bytes of the buffer and then what comes, until the writer leaves.
    fn play(&mut self, pipe: &File, read: usize) -> std::io::Result<End> {
        let format = AudioFormat {
            rate_hz: self.pcm.rate_hz,
            channels: self.pcm.channels,
        };
        self.watch = ContradictionWatch::new(self.pcm);
        let (mut writer, reader) = ring(format, self.ring_s);
        let started = SourceEvent::Started { format, reader };
        if self.events.send(started).is_err() {
            return Ok(End::Stopped);
        }
        let end = self.pump(pipe, read, &mut writer);
        let left_over = std::mem::take(&mut self.bytes).len();
        if left_over > 0 {
            let label = &self.label;
            tracing::warn!(
                "{label}: the last {left_over} bytes are not a whole frame and were left out"
            );
        }
        end
    }

    fn pump(
        &mut self,
        mut pipe: &File,
        mut read: usize,
        writer: &mut RingWriter,
    ) -> std::io::Result<End> {
        loop {
            if self.stop.is_stopped() || !self.write_frames(read, writer) {
                return Ok(End::Stopped);
            }
            read = 0;
            if wait_readable(pipe, POLL)? {
                match pipe.read(&mut self.buffer) {
                    Ok(0) => return Ok(End::WriterLeft),
                    Ok(count) => read = count,
                    Err(e) if is_temporary(&e) => {}
                    Err(e) => return Err(e),
                }
            }
        }
    }

    /// Adds the first `read` bytes of the buffer and writes all whole frames to the ring; `false` when stopped or the
    /// reader is gone.
    fn write_frames(&mut self, read: usize, writer: &mut RingWriter) -> bool {
        let declared = self.watch.bytes(&self.buffer[..read]);
        self.warn(declared);
        self.bytes.extend_from_slice(&self.buffer[..read]);
        let frame_bytes = self.pcm.frame_bytes();
        let frames = self.bytes.len() / frame_bytes;
        if frames == 0 {
            return true;
        }
        self.samples.clear();
        self.pcm
            .encoding
            .decode(&self.bytes[..frames * frame_bytes], &mut self.samples);
        self.bytes.drain(..frames * frame_bytes);
        let declared = self.watch.samples(&self.samples);
        self.warn(declared);
        let written = writer.write_blocking(&self.samples, CaptureInstant::now(), &self.stop);
        if written {
            self.health.on_block(frames as u64, true);
        }
        written
    }

    fn warn(&self, contradiction: Option<String>) {
        if let Some(sentence) = contradiction {
            tracing::warn!("{}: {sentence}", self.label);
        }
    }
}

/// Whether a read that failed may succeed later.
fn is_temporary(e: &std::io::Error) -> bool {
    matches!(
        e.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
    )
}
