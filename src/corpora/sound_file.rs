//! Whole sound files, decoded to one channel at a given rate.

use std::path::Path;

use crate::audio::Decoder;
use crate::corpora::SoundError;
use crate::frontend::resample::Resampler;

/// The channels of a file that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    /// The mean of all.
    Mean,
    /// A single one, counted from 0.
    Only(usize),
}

/// Decodes a whole file and resamples it to `rate_hz`.
///
/// # Errors
/// If the file cannot be decoded or is damaged, lacks the channel, or has an unusable rate.
pub(super) fn samples(
    path: &Path,
    channels: Channels,
    rate_hz: u32,
) -> Result<Vec<f32>, SoundError> {
    let mut decoder = Decoder::open(path)?;
    let format = decoder.format();
    let count = usize::from(format.channels);
    if let Channels::Only(index) = channels
        && index >= count
    {
        return Err(SoundError::Channel {
            path: path.into(),
            channels: count,
            required: index + 1,
        });
    }
    let mut resampler =
        Resampler::to(rate_hz, format.rate_hz).map_err(|reason| SoundError::Rate {
            path: path.into(),
            reason,
        })?;
    let (mut mono, mut out) = (Vec::new(), Vec::new());
    while let Some(block) = decoder.next_block()? {
        mono.clear();
        mono.extend(block.chunks_exact(count).map(|frame| match channels {
            Channels::Mean => frame.iter().sum::<f32>() / count as f32,
            Channels::Only(index) => frame[index],
        }));
        resampler.push(&mono, &mut out);
    }
    if let Some(damage) = decoder.damaged() {
        return Err(SoundError::Damaged {
            path: path.into(),
            damage: damage.to_string(),
        });
    }
    resampler.flush(&mut out);
    Ok(out)
}
