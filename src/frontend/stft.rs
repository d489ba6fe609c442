//! Magnitude spectra of 1024-sample frames under a periodic Hann window.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::frontend::FRAME_SAMPLES;

/// Bins of a spectrum, from 0 Hz to half the sample rate.
pub const SPECTRUM_BINS: usize = FRAME_SAMPLES / 2 + 1;

/// Computes magnitude spectra, one frame at a time, without allocating.
pub struct Stft {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: [f32; FRAME_SAMPLES],
    windowed: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Stft {
    /// Plans the transform.
    pub fn new() -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(FRAME_SAMPLES);
        let hann = std::array::from_fn(|n| {
            let phase = 2.0 * std::f64::consts::PI * n as f64 / FRAME_SAMPLES as f64;
            (0.5 - 0.5 * phase.cos()) as f32
        });
        Self {
            hann,
            windowed: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// Writes the magnitudes |X| of `frame` to `magnitude`, one value per bin.
    pub fn magnitude(
        &mut self,
        frame: &[f32; FRAME_SAMPLES],
        magnitude: &mut [f32; SPECTRUM_BINS],
    ) {
        for ((out, x), w) in self.windowed.iter_mut().zip(frame).zip(&self.hann) {
            *out = x * w;
        }
        // Fails only for wrong buffer lengths, and the plan made the buffers.
        let done = self.fft.process_with_scratch(
            &mut self.windowed,
            &mut self.spectrum,
            &mut self.scratch,
        );
        debug_assert!(done.is_ok());
        for (out, x) in magnitude.iter_mut().zip(&self.spectrum) {
            *out = (x.re * x.re + x.im * x.im).sqrt();
        }
    }
}
