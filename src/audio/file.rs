//! Sound file as a source, in real time or as fast as it can be read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use vocald_client::message::StateChange;

use crate::audio::ring::ring;
use crate::audio::{AudioError, CaptureInstant, Decoder, Health, Source, SourceEvent, StopFlag};

/// Block length in real time, in seconds: a usual period of a sound card.
const PACED_BLOCK_S: f64 = 0.010;

/// Reading speed of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Real time, as a sound card delivers it. Sound that does not fit into the ring is lost and
    /// counted.
    #[default]
    RealTime,
    /// As fast as the reader consumes it. Nothing is lost.
    Max,
}

/// A sound file that is played into a ring.
pub(super) struct FileSource {
    path: PathBuf,
    decoder: Decoder,
    pace: Pace,
    ring_s: f64,
}

impl FileSource {
    /// Opens the file and decodes its first sound.
    ///
    /// # Errors
    /// When the file cannot be read or decoded.
    pub fn open(path: &Path, pace: Pace, ring_s: f64) -> Result<Self, AudioError> {
        Ok(Self {
            path: path.into(),
            decoder: Decoder::open(path)?,
            pace,
            ring_s,
        })
    }
}

impl Source for FileSource {
    fn label(&self) -> String {
        self.path.display().to_string()
    }

    fn run(mut self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag) {
        let format = self.decoder.format();
        let (mut writer, reader) = ring(format, self.ring_s);
        if events
            .send(SourceEvent::Started { format, reader })
            .is_err()
        {
            return;
        }
        let channels = usize::from(format.channels);
        let paced_block_frames = ((f64::from(format.rate_hz) * PACED_BLOCK_S) as usize).max(1);
        let start = Instant::now();
        let mut position_frames = 0u64;
        let end = 'file: loop {
            let block = match self.decoder.next_block() {
                Ok(Some(block)) => block,
                Ok(None) => break SourceEvent::State(StateChange::ended(None)),
                Err(e) => {
                    break SourceEvent::State(StateChange::failed(e.to_string()));
                }
            };
            match self.pace {
                Pace::Max => {
                    if !writer.write_blocking(block, CaptureInstant::now(), &stop) {
                        break SourceEvent::State(StateChange::ended(None));
                    }
                    health.on_block((block.len() / channels) as u64, true);
                }
                Pace::RealTime => {
                    for part in block.chunks(paced_block_frames * channels) {
                        let frames = (part.len() / channels) as u64;
                        position_frames += frames;
                        // Measured from the start, so that errors do not add up.
                        let due = position_frames as f64 / f64::from(format.rate_hz);
                        let wait = Duration::from_secs_f64(due).saturating_sub(start.elapsed());
                        if stop.wait(wait) {
                            break 'file SourceEvent::State(StateChange::ended(None));
                        }
                        health.on_block(frames, writer.write(part, CaptureInstant::now()));
                    }
                }
            }
        };
        // Closes the ring before the last event.
        drop(writer);
        let _ = events.send(end);
    }
}
