//! Settings of the augmentation of training windows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::training::experiment::SettingError;
use crate::training::experiment::training::in_range;

/// How windows are varied before the network receives them; the defaults change nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Largest relative change of tempo, in both directions: 0 to 0.5.
    pub stretch: f64,
    /// Largest relative change of all frequencies, in both directions, as of a tape at another speed: 0 to 0.3.
    /// A voice and its own music change together; other music changes independently.
    pub pitch: f64,
    /// Largest shift of the spectrum in mel bands, in both directions: 0 to 20. Below 1 kHz it puts harmonics
    /// out of tune, which `pitch` does not.
    pub shift_bands: f64,
    /// Largest change of level, in both directions: 0 to 60.
    pub gain_db: f64,
    /// Largest height of random Gaussian bumps in the spectrum, in both directions: 0 to 60.
    pub equaliser_db: f64,
    /// Fraction of windows that lose their treble, as through a codec or a telephone: 0 to 1.
    pub lowpass_fraction: f64,
    /// Fraction of windows with an added noise floor: 0 to 1.
    pub noise_fraction: f64,
    /// Fraction of windows with a speaker or a crowd, softer than the music: 0 to 1. Labels stay the same.
    pub speech_fraction: f64,
    /// Fraction of windows of speech with one or two further talkers, about as loud: 0 to 1.
    pub talkers_fraction: f64,
    /// Fraction of windows of speech, or of a voice or lead instrument alone, that sound as in a room, from near or far:
    /// 0 to 1. This and the next two settings leave windows with music as they are.
    pub room_fraction: f64,
    /// Fraction of those with background noise, as loud as the voice or softer: 0 to 1.
    pub background_fraction: f64,
    /// Fraction of those in the band of a telephone: 0 to 1.
    pub telephone_fraction: f64,
    /// Fraction of windows with a blanked range of bands or frames: 0 to 1.
    pub mask_fraction: f64,
    /// Fraction of windows from stems whose balance is changed within `balance_db`: 0 to 1.
    pub remix_fraction: f64,
    /// Fraction of windows from stems that get the accompaniment of another track: 0 to 1.
    pub swap_fraction: f64,
    /// Fraction of windows from stems that lose their voice and are labelled so: 0 to 1.
    pub drop_voice_fraction: f64,
    /// Fraction of voices and lead instruments alone that stay without accompaniment: 0 to 1.
    pub solo_fraction: f64,
    /// Lowest and highest level of the voice relative to the accompaniment.
    pub balance_db: [f64; 2],
}

impl Augmentation {
    /// The settings that change mel bands, with their maxima.
    fn of_mel_bands(&self) -> [(&'static str, f64, f64); 16] {
        [
            ("stretch", self.stretch, 0.5),
            ("pitch", self.pitch, 0.3),
            ("shift_bands", self.shift_bands, 20.0),
            ("gain_db", self.gain_db, 60.0),
            ("equaliser_db", self.equaliser_db, 60.0),
            ("lowpass_fraction", self.lowpass_fraction, 1.0),
            ("noise_fraction", self.noise_fraction, 1.0),
            ("speech_fraction", self.speech_fraction, 1.0),
            ("talkers_fraction", self.talkers_fraction, 1.0),
            ("room_fraction", self.room_fraction, 1.0),
            ("background_fraction", self.background_fraction, 1.0),
            ("telephone_fraction", self.telephone_fraction, 1.0),
            ("mask_fraction", self.mask_fraction, 1.0),
            ("remix_fraction", self.remix_fraction, 1.0),
            ("swap_fraction", self.swap_fraction, 1.0),
            ("drop_voice_fraction", self.drop_voice_fraction, 1.0),
        ]
    }

    /// The name of the first setting that changes mel bands.
    pub(super) fn first_on_mel_bands(&self) -> Option<&'static str> {
        let on = self.of_mel_bands().into_iter().find(|(_, x, _)| *x > 0.0);
        on.map(|(name, _, _)| name)
    }

    /// Checks every setting.
    pub(super) fn validate(&self) -> Result<(), SettingError> {
        let solo = ("solo_fraction", self.solo_fraction, 1.0);
        in_range(
            "augmentation",
            self.of_mel_bands().into_iter().chain([solo]),
        )?;
        let [lowest, highest] = self.balance_db;
        match lowest.is_finite() && highest.is_finite() && lowest <= highest {
            true => Ok(()),
            false => Err(SettingError::Balance),
        }
    }
}
