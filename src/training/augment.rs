//! Augmentation of a window's mel magnitudes that does not affect its labels.
//!
//! After Schlüter & Grill (ISMIR 2015, section 4): stretch, shift, loudness and random filters. Stretch and
//! pitch are applied to samples, in `sampler` and `mixing`.

use rand::RngExt;

use crate::corpora::recording::Frame;
use crate::frontend::MEL_BANDS;
use crate::training::experiment::Augmentation;

/// Gaussian bumps of a random equaliser.
const EQUALISER_BUMPS: usize = 2;
/// Standard deviation of a bump in bands.
const BUMP_WIDTH_BANDS: std::ops::Range<f32> = 4.0..20.0;
/// Range of the band where treble loss begins: 2.3 kHz to the top.
const LOWPASS_BANDS: std::ops::Range<f32> = 45.0..80.0;
/// Slope of treble loss: 5 dB per band is 60 dB within a few hundred hertz.
const LOWPASS_DB_PER_BAND: f32 = 5.0;
/// Decimal logarithm of the noise floor's magnitude: from inaudible to a bad cable.
const NOISE_LOG10: std::ops::Range<f32> = -5.0..-2.5;
/// Width of a blanked range, in bands and in frames.
const MASK_BANDS: std::ops::Range<usize> = 4..16;
const MASK_FRAMES: std::ops::Range<usize> = 4..16;

/// The amplitude factor of a level in decibels.
pub(super) fn from_db(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// A random value between -`most` and `most`.
fn either_way(rng: &mut impl RngExt, most: f64) -> f32 {
    if most > 0.0 {
        rng.random_range(-most..=most) as f32
    } else {
        0.0
    }
}

/// Applies shift, loudness, equaliser, treble loss and noise to the magnitudes of a window, in place.
pub fn magnitudes(frames: &mut [Frame], a: &Augmentation, rng: &mut impl RngExt) {
    if a.shift_bands > 0.0 {
        let bands = either_way(rng, a.shift_bands);
        frames.iter_mut().for_each(|frame| shift(frame, bands));
    }
    let gains = band_gains(a, rng);
    for frame in frames.iter_mut() {
        for (value, gain) in frame.iter_mut().zip(&gains) {
            *value *= gain;
        }
    }
    if rng.random_bool(a.noise_fraction) {
        let level = 10f32.powf(rng.random_range(NOISE_LOG10));
        for value in frames.iter_mut().flatten() {
            let noise = level * rng.random_range(0.3..1.7f32);
            *value = (*value * *value + noise * noise).sqrt();
        }
    }
}

/// Blanks a range of bands or frames of a window of log magnitudes (frames × 80) with its mean (Park et al.,
/// "SpecAugment", 2019).
pub fn mask(log_mel: &mut [f32], a: &Augmentation, rng: &mut impl RngExt) {
    if !rng.random_bool(a.mask_fraction) {
        return;
    }
    let blank = log_mel.iter().sum::<f32>() / log_mel.len() as f32;
    let bands = rng.random_bool(0.5);
    let (size, places) = match bands {
        true => (MASK_BANDS, MEL_BANDS),
        false => (MASK_FRAMES, log_mel.len() / MEL_BANDS),
    };
    let length = rng.random_range(size);
    let from = rng.random_range(0..places - length);
    for (i, value) in log_mel.iter_mut().enumerate() {
        let place = if bands { i % MEL_BANDS } else { i / MEL_BANDS };
        if (from..from + length).contains(&place) {
            *value = blank;
        }
    }
}

/// Moves a spectrum up by a number of bands, with linear interpolation; the edge repeats.
pub fn shift(frame: &mut Frame, bands: f32) {
    let old = *frame;
    for (band, value) in frame.iter_mut().enumerate() {
        let from = (band as f32 - bands).clamp(0.0, (MEL_BANDS - 1) as f32);
        let (low, part) = (from as usize, from.fract());
        let high = (low + 1).min(MEL_BANDS - 1);
        *value = old[low] * (1.0 - part) + old[high] * part;
    }
}

/// A random factor between 1 / (1 + `most`) and 1 + `most`, uniform in its logarithm.
pub fn factor(rng: &mut impl RngExt, most: f64) -> f32 {
    (1.0 + most as f32).powf(either_way(rng, 1.0))
}

/// Loudness, equaliser and treble loss as one factor for each band.
fn band_gains(a: &Augmentation, rng: &mut impl RngExt) -> Frame {
    let mut db = [either_way(rng, a.gain_db); MEL_BANDS];
    if a.equaliser_db > 0.0 {
        for _ in 0..EQUALISER_BUMPS {
            let height = either_way(rng, a.equaliser_db);
            let centre = rng.random_range(0.0..MEL_BANDS as f32);
            let width = rng.random_range(BUMP_WIDTH_BANDS);
            for (band, db) in db.iter_mut().enumerate() {
                *db += height * (-0.5 * ((band as f32 - centre) / width).powi(2)).exp();
            }
        }
    }
    if rng.random_bool(a.lowpass_fraction) {
        let cut = rng.random_range(LOWPASS_BANDS);
        for (band, db) in db.iter_mut().enumerate() {
            *db -= (band as f32 - cut).max(0.0) * LOWPASS_DB_PER_BAND;
        }
    }
    db.map(from_db)
}
