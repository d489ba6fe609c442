//! Raw samples decoded block by block to their end.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use crate::audio::pcm::contradiction::ContradictionWatch;
use crate::audio::{AudioError, AudioFormat, PcmFormat};

/// Bytes of a read at most.
const READ_BYTES: usize = 64 * 1024;

/// Decodes the raw samples of a file or pipe.
pub struct RawDecoder {
    path: PathBuf,
    input: Box<dyn Read + Send + Sync>,
    pcm: PcmFormat,
    watch: ContradictionWatch,
    warnings: Vec<String>,
    buffer: Vec<u8>,
    /// Bytes at the start of `buffer` that are not a whole frame yet.
    left: usize,
    samples: Vec<f32>,
}

impl RawDecoder {
    /// Decodes `input`, which is called `path` in messages.
    ///
    /// # Errors
    /// When `pcm` has no channels or a rate of 0 Hz.
    pub fn new(
        input: Box<dyn Read + Send + Sync>,
        path: PathBuf,
        pcm: PcmFormat,
    ) -> Result<Self, AudioError> {
        pcm.check()?;
        Ok(Self {
            path,
            input,
            pcm,
            watch: ContradictionWatch::new(pcm),
            warnings: Vec::new(),
            buffer: vec![0; READ_BYTES.max(2 * pcm.frame_bytes())],
            left: 0,
            samples: Vec::new(),
        })
    }

    /// Sample rate and channel count, as declared.
    pub fn format(&self) -> AudioFormat {
        AudioFormat {
            rate_hz: self.pcm.rate_hz,
            channels: self.pcm.channels,
        }
    }

    /// Sentences about bytes that contradict the declaration, so far.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The next interleaved samples, whole frames; `None` at the end.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        let frame_bytes = self.pcm.frame_bytes();
        loop {
            let read = match self.input.read(&mut self.buffer[self.left..]) {
                Ok(read) => read,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => {
                    return Err(AudioError::Read {
                        path: self.path.clone(),
                        reason: e.to_string(),
                    });
                }
            };
            if read == 0 {
                if self.left > 0 {
                    let left = self.left;
                    self.warnings.push(format!(
                        "the last {left} bytes are not a whole frame and were left out"
                    ));
                }
                return Ok(None);
            }
            let bytes = &self.buffer[self.left..self.left + read];
            self.warnings.extend(self.watch.bytes(bytes));
            let end = self.left + read;
            let whole = end / frame_bytes * frame_bytes;
            self.samples.clear();
            self.pcm
                .encoding
                .decode(&self.buffer[..whole], &mut self.samples);
            self.buffer.copy_within(whole..end, 0);
            self.left = end - whole;
            self.warnings.extend(self.watch.samples(&self.samples));
            if !self.samples.is_empty() {
                return Ok(Some(&self.samples));
            }
        }
    }
}
