//! How windows are varied in training.

use serde::{Deserialize, Serialize};

/// How much windows are changed before the network sees them; the defaults change nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Tempo changes by up to this fraction either way.
    pub stretch: f64,
    /// Pitch and vocal tracts change by up to this fraction either way, as a tape's do that runs faster or
    /// slower. A voice stays in tune with the music it was sung to, not with other music.
    pub pitch: f64,
    /// The spectrum moves by up to this many mel bands either way, which below 1 kHz bends
    /// harmonics out of tune; `pitch` does not.
    pub shift_bands: f64,
    /// Loudness changes by up to this much either way.
    pub gain_db: f64,
    /// Height of random Gaussian bumps in the spectrum, up to this much either way.
    pub equaliser_db: f64,
    /// Fraction of windows that lose their treble, as a codec or a telephone would take it.
    pub lowpass_fraction: f64,
    /// Fraction of windows with an added noise floor.
    pub noise_fraction: f64,
    /// Fraction of windows with someone talking, or a crowd, softer than the music. It changes no label.
    pub speech_fraction: f64,
    /// Fraction of windows with a band of mel bands or a span of frames blanked out.
    pub mask_fraction: f64,
    /// Fraction of stem windows whose balance is changed, within `balance_db`.
    pub remix_fraction: f64,
    /// Fraction of stem windows that get another track's accompaniment.
    pub swap_fraction: f64,
    /// Fraction of stem windows that are left without their voice, and so are not voice.
    pub drop_voice_fraction: f64,
    /// Fraction of lone voices that stay without accompaniment.
    pub solo_fraction: f64,
    /// Voice against accompaniment in decibels, lowest and highest.
    pub balance_db: [f64; 2],
}

impl Augmentation {
    /// The settings that change mel bands, with the most that each may be.
    fn of_mel_bands(&self) -> [(&'static str, f64, f64); 12] {
        [
            ("stretch", self.stretch, 0.5),
            ("pitch", self.pitch, 0.3),
            ("shift_bands", self.shift_bands, 20.0),
            ("gain_db", self.gain_db, 60.0),
            ("equaliser_db", self.equaliser_db, 60.0),
            ("lowpass_fraction", self.lowpass_fraction, 1.0),
            ("noise_fraction", self.noise_fraction, 1.0),
            ("speech_fraction", self.speech_fraction, 1.0),
            ("mask_fraction", self.mask_fraction, 1.0),
            ("remix_fraction", self.remix_fraction, 1.0),
            ("swap_fraction", self.swap_fraction, 1.0),
            ("drop_voice_fraction", self.drop_voice_fraction, 1.0),
        ]
    }

    /// The first setting that changes mel bands, by its name.
    pub(super) fn first_on_mel_bands(&self) -> Option<&'static str> {
        let on = self.of_mel_bands().into_iter().find(|(_, x, _)| *x > 0.0);
        on.map(|(name, _, _)| name)
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        let solo = ("solo_fraction", self.solo_fraction, 1.0);
        for (name, x, most) in self.of_mel_bands().into_iter().chain([solo]) {
            if !(0.0..=most).contains(&x) {
                return Err(format!("augmentation.{name} must lie between 0 and {most}"));
            }
        }
        let [lowest, highest] = self.balance_db;
        if !lowest.is_finite() || !highest.is_finite() || lowest > highest {
            return Err("augmentation.balance_db must be [lowest, highest]".into());
        }
        Ok(())
    }
}
