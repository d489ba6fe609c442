//! Levels of the parts of a track, and its spectrogram at these levels.

use crate::corpora::recording::{Frame, Layer, magnitudes_of_sum};
use crate::corpora::{Sound, Track};
use crate::frontend::mel::band_of_hz;
use crate::frontend::{LogMel, MEL_BANDS};

/// Levels of the parts of a track, as factors of the amplitude. A recording that was separated as a whole has no parts;
/// only `gain` applies to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Of the vocal stem.
    pub voice: f32,
    /// Of the accompaniment stem.
    pub accompaniment: f32,
    /// Of the whole, finished mixes included.
    pub gain: f32,
    /// Everything above this frequency in Hz is removed, as by a telephone or a codec.
    pub treble_up_to_hz: Option<f32>,
}

impl Levels {
    /// Finished mixes unchanged; the mean of two stems, as in a mono version of their file.
    pub const AS_RECORDED: Self = Self {
        voice: 0.5,
        accompaniment: 0.5,
        gain: 1.0,
        treble_up_to_hz: None,
    };

    /// The recorded balance with this gain.
    pub fn with_gain_db(db: f32) -> Self {
        Self {
            gain: 10f32.powf(db / 20.0),
            ..Self::AS_RECORDED
        }
    }
}

/// The mel magnitudes of a track at these levels, frame after frame.
pub fn magnitudes(track: &Track, levels: Levels) -> impl Iterator<Item = Frame> {
    let parts = match &track.sound {
        Sound::Mix(whole) | Sound::Solo(whole) | Sound::Speech(whole) => {
            vec![(whole, levels.gain)]
        }
        Sound::Stems {
            voice,
            accompaniment,
        } => vec![
            (voice, levels.gain * levels.voice),
            (accompaniment, levels.gain * levels.accompaniment),
        ],
    };
    let kept_bands = levels.treble_up_to_hz.map_or(MEL_BANDS, |hz| {
        band_of_hz(f64::from(hz)).clamp(0.0, MEL_BANDS as f64) as usize
    });
    let mut log_mel = LogMel::new();
    (0..track.frames()).map(move |frame| {
        let layers = parts.iter().map(|&(part, gain)| Layer {
            gain,
            ..Layer::plainly(part, frame as f32)
        });
        let mut bands = magnitudes_of_sum(&mut log_mel, layers, 1, 1.0)[0];
        bands[kept_bands..].fill(0.0);
        bands
    })
}
