//! Log-mel frames: a mel filter bank with Slaney's scale and norm, then the logarithm, equal to
//! `librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmin=27.5, fmax=8000)`.

use crate::frontend::stft::{SPECTRUM_BINS, Stft};
use crate::frontend::{
    FRAME_SAMPLES, LOG_FLOOR, MEL_BANDS, MEL_MAX_HZ, MEL_MIN_HZ, SAMPLE_RATE_HZ,
};

/// Below this frequency the mel scale is linear (Slaney, Auditory Toolbox, 1998).
const LINEAR_BELOW_HZ: f64 = 1000.0;
const HZ_PER_LINEAR_MEL: f64 = 200.0 / 3.0;
/// Above it, one mel is a factor of 6.4^(1/27).
const MELS_PER_NEPER: f64 = 27.0 / 1.856_297_990_365_626_3; // ln 6.4

fn hz_to_mel(hz: f64) -> f64 {
    if hz < LINEAR_BELOW_HZ {
        hz / HZ_PER_LINEAR_MEL
    } else {
        LINEAR_BELOW_HZ / HZ_PER_LINEAR_MEL + (hz / LINEAR_BELOW_HZ).ln() * MELS_PER_NEPER
    }
}

fn mel_to_hz(mel: f64) -> f64 {
    let linear_mels = LINEAR_BELOW_HZ / HZ_PER_LINEAR_MEL;
    if mel < linear_mels {
        mel * HZ_PER_LINEAR_MEL
    } else {
        LINEAR_BELOW_HZ * ((mel - linear_mels) / MELS_PER_NEPER).exp()
    }
}

/// Fractional band index of a frequency in Hz: `2.0` is the centre of the third band.
pub fn band_of_hz(hz: f64) -> f64 {
    let (low, high) = (hz_to_mel(MEL_MIN_HZ), hz_to_mel(MEL_MAX_HZ));
    (hz_to_mel(hz) - low) / (high - low) * (MEL_BANDS + 1) as f64 - 1.0
}

/// One triangular filter: the weights of the bins from `first_bin` on.
pub(super) struct Band {
    first_bin: usize,
    weights: Vec<f32>,
}

impl Band {
    /// Weighted sum of a spectrum's bins.
    pub fn sum(&self, spectrum: &[f32]) -> f32 {
        let bins = &spectrum[self.first_bin..][..self.weights.len()];
        bins.iter().zip(&self.weights).map(|(m, w)| m * w).sum()
    }
}

/// Computes the 80 log-mel values of a frame of samples.
pub struct LogMel {
    stft: Stft,
    bands: Vec<Band>,
    magnitude: Box<[f32; SPECTRUM_BINS]>,
}

impl Default for LogMel {
    fn default() -> Self {
        Self::new()
    }
}

impl LogMel {
    /// Plans the transform and the filter bank.
    pub fn new() -> Self {
        Self {
            stft: Stft::new(),
            bands: filter_bank(&BankPlan {
                rate_hz: SAMPLE_RATE_HZ,
                frame_samples: FRAME_SAMPLES,
                bands: MEL_BANDS,
                min_hz: MEL_MIN_HZ,
                max_hz: MEL_MAX_HZ,
            }),
            magnitude: Box::new([0.0; SPECTRUM_BINS]),
        }
    }

    /// ln(max(mel magnitude, 1e-5)) of `frame`, one value per band.
    pub fn frame(&mut self, frame: &[f32; FRAME_SAMPLES]) -> [f32; MEL_BANDS] {
        let mut mel = self.magnitude_frame(frame);
        for value in &mut mel {
            *value = value.max(LOG_FLOOR).ln();
        }
        mel
    }

    /// The mel magnitudes of `frame` before the logarithm, one value per band.
    pub fn magnitude_frame(&mut self, frame: &[f32; FRAME_SAMPLES]) -> [f32; MEL_BANDS] {
        self.stft.magnitude(frame, &mut self.magnitude);
        let mut mel = [0.0; MEL_BANDS];
        for (out, band) in mel.iter_mut().zip(&self.bands) {
            *out = band.sum(self.magnitude.as_slice());
        }
        mel
    }
}

/// The parameters of a filter bank.
pub(super) struct BankPlan {
    pub rate_hz: u32,
    pub frame_samples: usize,
    pub bands: usize,
    /// Lower edge of the first band and upper edge of the last.
    pub min_hz: f64,
    pub max_hz: f64,
}

/// Triangular filters at equal distances on the mel scale.
pub(super) fn filter_bank(plan: &BankPlan) -> Vec<Band> {
    let (low, high) = (hz_to_mel(plan.min_hz), hz_to_mel(plan.max_hz));
    // Edges of all bands, in order. A band's centre is an edge of its neighbours.
    let edge_hz: Vec<f64> = (0..plan.bands + 2)
        .map(|i| mel_to_hz(low + (high - low) * i as f64 / (plan.bands + 1) as f64))
        .collect();
    let bin_hz = f64::from(plan.rate_hz) / plan.frame_samples as f64;
    let bins = plan.frame_samples / 2 + 1;
    edge_hz
        .windows(3)
        .map(|edges| {
            let (left, centre, right) = (edges[0], edges[1], edges[2]);
            // Slaney's norm: all filters have the same area.
            let norm = 2.0 / (right - left);
            let weight = |bin: usize| {
                let hz = bin as f64 * bin_hz;
                let rising = (hz - left) / (centre - left);
                let falling = (right - hz) / (right - centre);
                (rising.min(falling).max(0.0) * norm) as f32
            };
            let first_bin = (0..bins).find(|&b| weight(b) > 0.0).unwrap_or(0);
            let weights = (first_bin..bins)
                .map(weight)
                .take_while(|&w| w > 0.0)
                .collect();
            Band { first_bin, weights }
        })
        .collect()
}
