//! Which channels of a source become the mono sound.

use std::str::FromStr;

/// All channels, or some of them by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ChannelChoice {
    #[default]
    All,
    /// Channel numbers from 1, none twice.
    Only(Vec<u16>),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    #[error(
        "\"{0}\" is not a choice of channels: write \"all\" or channel numbers from 1, as \"1,3\""
    )]
    Text(String),
    #[error(
        "channel {channel} is chosen, but the source has {channels}: choose from 1 to {channels}"
    )]
    Absent { channel: u16, channels: u16 },
    #[error("the source has no channels")]
    NoChannels,
}

impl FromStr for ChannelChoice {
    type Err = ChannelError;

    /// `all`, or numbers from 1 with commas between them.
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

/// No sound is louder, not even one of 32-bit integers taken for floats as they are. Beyond, the
/// squares of the spectrum would soon be infinite.
const MAX_AMPLITUDE: f32 = 1e10;

/// Mixes interleaved samples to mono: the mean of the chosen channels.
///
/// Samples that are not a number, infinite or impossibly loud count as silence, and are counted.
#[derive(Debug, Clone)]
pub struct ChannelMap {
    channels: usize,
    /// Places in a frame, from 0.
    chosen: Vec<usize>,
    silenced_samples: u64,
}

impl ChannelMap {
    /// `channels`: how many the source has.
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

    /// Appends a mono sample to `mono` for every whole frame of `interleaved`.
    pub fn mix(&mut self, interleaved: &[f32], mono: &mut Vec<f32>) {
        let (chosen, silenced) = (&self.chosen, &mut self.silenced_samples);
        // In 64 bits, so that the mean of alike channels is what each of them is.
        let scale = 1.0 / chosen.len() as f64;
        mono.extend(interleaved.chunks_exact(self.channels).map(|frame| {
            let sum: f64 = chosen
                .iter()
                .map(|&channel| {
                    let sample = frame[channel];
                    // Never true of NaN.
                    if sample.abs() <= MAX_AMPLITUDE {
                        f64::from(sample)
                    } else {
                        *silenced += 1;
                        0.0
                    }
                })
                .sum();
            (sum * scale) as f32
        }));
    }

    /// Samples of the chosen channels so far that were no sound and counted as silence.
    pub fn silenced_samples(&self) -> u64 {
        self.silenced_samples
    }

    /// Tells the log of them, at the end of a source.
    pub fn log_silenced(&self, source: &str) {
        let count = self.silenced_samples;
        if count > 0 {
            tracing::warn!("{source}: {count} samples were no sound and counted as silence");
        }
    }
}
