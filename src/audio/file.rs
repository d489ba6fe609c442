//! Sound file as a source, in real time or as fast as it can be read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use vocald_client::message::StateChange;

use crate::audio::ring::{RingWriter, ring};
use crate::audio::{
    AudioError, AudioFormat, CaptureInstant, Decoder, Health, Source, SourceEvent, StopFlag,
};

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
        let decoder = Decoder::open(path)?;
        for note in decoder.notes() {
            tracing::warn!("{}: {note}", path.display());
        }
        Ok(Self {
            path: path.into(),
            decoder,
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
        let start = Instant::now();
        let mut open: Option<(AudioFormat, RingWriter)> = None;
        let mut samples = Vec::new();
        let end = 'file: loop {
            samples.clear();
            match self.decoder.next_block() {
                Ok(Some(block)) => samples.extend_from_slice(block),
                Ok(None) => break StateChange::ended(None),
                Err(e) => break StateChange::failed(e.to_string()),
            }
            let format = self.decoder.format();
            let writer = match &mut open {
                Some((old, writer)) if *old == format => writer,
                other => {
                    // Closes the ring of the earlier format before the event.
                    *other = None;
                    let (writer, reader) = ring(format, self.ring_s);
                    if events
                        .send(SourceEvent::Started { format, reader })
                        .is_err()
                    {
                        return;
                    }
                    &mut other.insert((format, writer)).1
                }
            };
            let channels = usize::from(format.channels);
            match self.pace {
                Pace::Max => {
                    if !writer.write_blocking(&samples, CaptureInstant::now(), &stop) {
                        break StateChange::ended(None);
                    }
                    health.on_block((samples.len() / channels) as u64, true);
                }
                Pace::RealTime => {
                    let part_frames = (f64::from(format.rate_hz) * PACED_BLOCK_S) as usize;
                    let mut left = (samples.len() / channels) as u64;
                    for part in samples.chunks(part_frames.max(1) * channels) {
                        let frames = (part.len() / channels) as u64;
                        left -= frames;
                        // Measured from the start, so that errors do not add up.
                        let due_s = self.decoder.position_s() - format.seconds(left);
                        let due = Duration::try_from_secs_f64(due_s).unwrap_or_default();
                        if stop.wait(due.saturating_sub(start.elapsed())) {
                            break 'file StateChange::ended(None);
                        }
                        health.on_block(frames, writer.write(part, CaptureInstant::now()));
                    }
                }
            }
        };
        // Closes the ring before the last event.
        drop(open);
        let _ = events.send(SourceEvent::State(end));
    }
}
