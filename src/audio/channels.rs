//! Selection of a source's channels and their mix to mono.

use std::str::FromStr;

use crate::audio::ChannelWatch;

/// Which channels of a source are mixed to mono.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ChannelChoice {
    /// All channels.
    #[default]
    All,
    /// These channels, by number from 1, each at most once.
    Only(Vec<u16>),
}

/// Why a choice of channels is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// A text is not a choice of channels.
    #[error(
        "\"{0}\" is not a choice of channels: write \"all\" or channel numbers from 1, as \"1,3\""
    )]
    Text(String),
    /// A chosen channel is not among the source's.
    #[error(
        "channel {channel} is chosen, but the source has {channels}: choose from 1 to {channels}"
    )]
    Absent {
        /// Number of the chosen channel, from 1.
        channel: u16,
        /// Channel count of the source.
        channels: u16,
    },
    /// The source has no channels.
    #[error("the source has no channels")]
    NoChannels,
}

impl FromStr for ChannelChoice {
    type Err = ChannelError;

    /// Reads `all`, or channel numbers from 1, separated by commas.
    fn from_str(text: &str) -> Result<Self, ChannelError> {
        if text.trim() == "all" {
            return Ok(Self::All);
        }
        let mut numbers = Vec::new();
        for part in text.split(',') {
            match part.trim().parse::<u16>() {
                Ok(number) if number > 0 && !numbers.contains(&number) => numbers.push(number),
                _ => return Err(ChannelError::Text(text.into())),
            }
        }
        Ok(Self::Only(numbers))
    }
}

impl std::fmt::Display for ChannelChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Only(numbers) => {
                let texts: Vec<String> = numbers.iter().map(u16::to_string).collect();
                f.write_str(&texts.join(","))
            }
        }
    }
}

/// Largest amplitude that is taken for sound. Even 32-bit integers that were never scaled to
/// floats lie below it; much larger values would overflow when the spectrum is squared.
const MAX_AMPLITUDE: f32 = 1e10;

/// A sample that is finite and not too large.
pub(super) fn usable(sample: f32) -> Option<f32> {
    // False for NaN.
    (sample.abs() <= MAX_AMPLITUDE).then_some(sample)
}

/// Mixes interleaved samples to mono: the mean of the chosen channels.
///
/// Samples that are NaN, infinite or beyond 1e10 are replaced by zeros and counted.
#[derive(Debug, Clone)]
pub struct ChannelMap {
    channels: usize,
    /// Indices in a frame, from 0. Never empty.
    chosen: Vec<usize>,
    silenced_samples: u64,
}

impl ChannelMap {
    /// A mix of the chosen channels of a source with `channels` channels.
    ///
    /// # Errors
    /// When the source has no channels, or not the chosen ones.
    pub fn new(choice: &ChannelChoice, channels: u16) -> Result<Self, ChannelError> {
        if channels == 0 {
            return Err(ChannelError::NoChannels);
        }
        let chosen = match choice {
            ChannelChoice::All => (0..usize::from(channels)).collect(),
            ChannelChoice::Only(numbers) => {
                if let Some(&channel) = numbers.iter().find(|&&n| n == 0 || n > channels) {
                    return Err(ChannelError::Absent { channel, channels });
                }
                if numbers.is_empty() {
                    return Err(ChannelError::Text(String::new()));
                }
                numbers.iter().map(|&n| usize::from(n) - 1).collect()
            }
        };
        Ok(Self {
            channels: usize::from(channels),
            chosen,
            silenced_samples: 0,
        })
    }

    /// Appends one mono sample to `mono` per whole frame of `interleaved`.
    pub fn mix(&mut self, interleaved: &[f32], mono: &mut Vec<f32>) {
        let (chosen, silenced) = (&self.chosen, &mut self.silenced_samples);
        // In 64 bits, so that the mean of equal channels is exactly each of them.
        let scale = 1.0 / chosen.len() as f64;
        if self.channels == 2
            && chosen.as_slice() == [0, 1]
            && interleaved.iter().all(|&sample| usable(sample).is_some())
        {
            // The same in a form that the compiler vectorises, for nearly all sound.
            let mean = |&[left, right]: &[f32; 2]| (f64::from(left) + f64::from(right)) * scale;
            return mono.extend(
                interleaved
                    .as_chunks()
                    .0
                    .iter()
                    .map(|frame| mean(frame) as f32),
            );
        }
        mono.extend(interleaved.chunks_exact(self.channels).map(|frame| {
            let sum: f64 = chosen
                .iter()
                .map(|&channel| {
                    let sample = usable(frame[channel]).unwrap_or_else(|| {
                        *silenced += 1;
                        0.0
                    });
                    f64::from(sample)
                })
                .sum();
            (sum * scale) as f32
        }));
    }

    /// A watch over the chosen channels.
    pub fn watch(&self, rate_hz: u32) -> ChannelWatch {
        ChannelWatch::new(rate_hz, self.channels, &self.chosen)
    }

    /// Number of samples of the chosen channels that were replaced by zeros so far.
    pub fn silenced_samples(&self) -> u64 {
        self.silenced_samples
    }

    /// Logs a warning with the number of replaced samples, if there are any.
    pub fn log_silenced(&self, source: &str) {
        let count = self.silenced_samples;
        if count > 0 {
            tracing::warn!(
                "{source}: {count} samples were not finite or too large and count as silence"
            );
        }
    }
}
