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
    for note in decoder.notes() {
        tracing::warn!("{}: {note}", path.display());
    }
    let mut format = decoder.format();
    let mut resampler = resampler(path, rate_hz, format.rate_hz)?;
    let (mut mono, mut out) = (Vec::new(), Vec::new());
    loop {
        mono.clear();
        let block = decoder.next_block()?.map(<[f32]>::to_vec);
        let Some(block) = block else {
            break;
        };
        // Files that were joined may differ in format.
        let rate_before_hz = std::mem::replace(&mut format, decoder.format()).rate_hz;
        if format.rate_hz != rate_before_hz {
            resampler.flush(&mut out);
            resampler = self::resampler(path, rate_hz, format.rate_hz)?;
        }
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

fn resampler(path: &Path, to_hz: u32, from_hz: u32) -> Result<Resampler, SoundError> {
    Resampler::to(to_hz, from_hz).map_err(|reason| SoundError::Rate {
        path: path.into(),
        reason,
    })
}
