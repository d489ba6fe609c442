//! Harmonic-percussive separation (HPSS) by Ono et al., "Separation of a monaural audio signal
//! into harmonic/percussive components by complementary diffusion on spectrogram" (EUSIPCO 2008).
//!
//! Harmonic sound is smooth along the time axis of a spectrogram, percussive sound along its
//! frequency axis; which of the two a sound is depends on the frame length. Each cell of the
//! spectrogram, W = |F|^(2 γ), starts as half harmonic and half percussive, H + P = W. In every
//! iteration H diffuses along time and P along frequency. At the end the whole cell goes to the
//! larger of the two. γ = α = 0.3 and 50 iterations are the paper's values. The paper does not
//! state the following: frames overlap by half under a sine window at analysis and synthesis,
//! whose squares sum to one; beyond the edges of the spectrogram its outermost values repeat.

mod diffusion;

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use self::diffusion::Spectrogram;

/// Exponent γ that compresses the range of the spectrogram: 0.5 gives magnitudes.
pub const GAMMA: f32 = 0.3;
/// Weight α of smoothness along time; smoothness along frequency has the weight 1 - α.
pub const ALPHA: f32 = 0.3;
/// Steps of the diffusion.
pub const ITERATIONS: usize = 50;
/// Frames that are separated together, which bounds the memory. A step of the diffusion reaches
/// one frame further, so each block has [`ITERATIONS`] more frames on each side and gives exactly
/// the result of the whole.
const BLOCK_FRAMES: usize = 512;

/// The part that a cell of the spectrogram belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Smooth along time.
    Harmonic,
    /// Smooth along frequency.
    Percussive,
}

/// The two parts of a sound, each as long as the sound. Their sum is the sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Samples of the harmonic part.
    pub harmonic: Vec<f32>,
    /// Samples of the percussive part.
    pub percussive: Vec<f32>,
}

/// Separation with frames of one length.
pub struct Separation {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// The sine window, one value per sample of a frame.
    sine: Vec<f32>,
}

impl Separation {
    /// Plans the transforms for frames of `frame_samples`, which must be even.
    pub fn new(frame_samples: usize) -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let phase = |n: usize| std::f64::consts::PI * (n as f64 + 0.5) / frame_samples as f64;
        Self {
            forward: planner.plan_fft_forward(frame_samples),
            inverse: planner.plan_fft_inverse(frame_samples),
            sine: (0..frame_samples).map(|n| phase(n).sin() as f32).collect(),
        }
    }

    /// Samples from one frame to the next: half a frame.
    pub fn hop_samples(&self) -> usize {
        self.sine.len() / 2
    }

    /// Bins of a spectrum, from 0 Hz to half the sample rate.
    pub fn bins(&self) -> usize {
        self.sine.len() / 2 + 1
    }

    /// Number of frames of a sound of `samples`. Frame k is centred on sample k · hop, so that
    /// every sample is in two frames; the sound is padded with silence.
    pub fn frames(&self, samples: usize) -> usize {
        samples.div_ceil(self.hop_samples()) + 1
    }

    /// Calls `take` for every frame, in order, with its spectrum and the part of each bin.
    pub fn split(&self, samples: &[f32], take: impl FnMut(&[Complex<f32>], &[Part])) {
        self.split_in_blocks(samples, BLOCK_FRAMES, take);
    }

    fn split_in_blocks(
        &self,
        samples: &[f32],
        block_frames: usize,
        mut take: impl FnMut(&[Complex<f32>], &[Part]),
    ) {
        let (bins, frames) = (self.bins(), self.frames(samples.len()));
        let mut parts = vec![Part::Harmonic; bins];
        for start in (0..frames).step_by(block_frames) {
            let end = (start + block_frames).min(frames);
            let first = start.saturating_sub(ITERATIONS);
            let last = (end + ITERATIONS).min(frames);
            let spectra = self.spectra(samples, first..last);
            let values = spectra.iter().map(|x| x.norm_sqr().powf(GAMMA)).collect();
            let spectrogram = Spectrogram { bins, values };
            let harmonic = spectrogram.diffuse();
            for frame in start - first..end - first {
                let row = frame * bins..(frame + 1) * bins;
                let (w, h) = (&spectrogram.values[row.clone()], &harmonic[row.clone()]);
                for ((part, w), h) in parts.iter_mut().zip(w).zip(h) {
                    *part = match *h < *w - *h {
                        true => Part::Percussive,
                        false => Part::Harmonic,
                    };
                }
                take(&spectra[row], &parts);
            }
        }
    }

    /// Both parts of a sound as samples.
    pub fn parts(&self, samples: &[f32]) -> Parts {
        let mut harmonic = Resynthesis::new(self, samples.len());
        let mut percussive = Resynthesis::new(self, samples.len());
        self.split(samples, |spectrum, parts| {
            harmonic.add(spectrum, |bin| parts[bin] == Part::Harmonic);
            percussive.add(spectrum, |bin| parts[bin] == Part::Percussive);
        });
        Parts {
            harmonic: harmonic.finish(),
            percussive: percussive.finish(),
        }
    }

    /// The percussive part of a sound as samples.
    pub fn percussive(&self, samples: &[f32]) -> Vec<f32> {
        let mut percussive = Resynthesis::new(self, samples.len());
        self.split(samples, |spectrum, parts| {
            percussive.add(spectrum, |bin| parts[bin] == Part::Percussive);
        });
        percussive.finish()
    }

    /// Spectra of a range of frames: frames × bins, frame after frame.
    fn spectra(&self, samples: &[f32], frames: std::ops::Range<usize>) -> Vec<Complex<f32>> {
        let mut windowed = self.forward.make_input_vec();
        let mut scratch = self.forward.make_scratch_vec();
        let mut spectra = vec![Complex::default(); frames.len() * self.bins()];
        for (frame, spectrum) in frames.zip(spectra.chunks_exact_mut(self.bins())) {
            // Index from one hop before the sound.
            let start = frame * self.hop_samples();
            for (n, (out, sine)) in windowed.iter_mut().zip(&self.sine).enumerate() {
                let sample = (start + n).checked_sub(self.hop_samples());
                let x = sample.and_then(|n| samples.get(n));
                *out = x.map_or(0.0, |x| x * sine);
            }
            // Fails only for wrong buffer lengths, and the plan made the buffers.
            let done = self
                .forward
                .process_with_scratch(&mut windowed, spectrum, &mut scratch);
            debug_assert!(done.is_ok());
        }
        spectra
    }
}

/// Overlap-add synthesis of one part.
struct Resynthesis<'a> {
    separation: &'a Separation,
    samples: usize,
    /// Begins one hop before the sound.
    sound: Vec<f32>,
    frame: usize,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    output: Vec<f32>,
}

impl<'a> Resynthesis<'a> {
    fn new(separation: &'a Separation, samples: usize) -> Self {
        let inverse = &separation.inverse;
        Self {
            samples,
            sound: vec![0.0; (separation.frames(samples) + 1) * separation.hop_samples()],
            frame: 0,
            spectrum: inverse.make_input_vec(),
            scratch: inverse.make_scratch_vec(),
            output: inverse.make_output_vec(),
            separation,
        }
    }

    /// Adds the next frame, of which the bins that `keep` accepts are not zeroed.
    fn add(&mut self, spectrum: &[Complex<f32>], keep: impl Fn(usize) -> bool) {
        for (bin, (out, x)) in self.spectrum.iter_mut().zip(spectrum).enumerate() {
            *out = if keep(bin) { *x } else { Complex::default() };
        }
        // Fails only for wrong buffer lengths, which the plan made, and complex outermost bins,
        // which are real in every spectrum of a real sound.
        let done = self.separation.inverse.process_with_scratch(
            &mut self.spectrum,
            &mut self.output,
            &mut self.scratch,
        );
        debug_assert!(done.is_ok());
        let start = self.frame * self.separation.hop_samples();
        let scale = 1.0 / self.output.len() as f32;
        let frame = self.output.iter().zip(&self.separation.sine);
        for (sound, (x, sine)) in self.sound[start..].iter_mut().zip(frame) {
            *sound += x * sine * scale;
        }
        self.frame += 1;
    }

    fn finish(mut self) -> Vec<f32> {
        self.sound.drain(..self.separation.hop_samples());
        self.sound.truncate(self.samples);
        self.sound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of any length give the result of the whole, bit for bit.
    #[test]
    fn the_block_length_does_not_change_the_result() {
        let sample = |n: usize| {
            let click = if n.is_multiple_of(1700) { 0.8 } else { 0.0 };
            (n as f32 * (0.05 + n as f32 * 1e-6)).sin() * 0.3 + click
        };
        let samples: Vec<f32> = (0..20_000).map(sample).collect();
        let separation = Separation::new(128);
        let parts = |block_frames| {
            let mut all = Vec::new();
            separation.split_in_blocks(&samples, block_frames, |_, parts| all.extend(parts));
            all
        };
        let whole = parts(usize::MAX / 2);
        assert_eq!(whole.len(), separation.frames(20_000) * separation.bins());
        assert!(whole.contains(&Part::Harmonic) && whole.contains(&Part::Percussive));
        for block_frames in [1, 37, 200] {
            assert!(parts(block_frames) == whole, "blocks of {block_frames}");
        }
    }
}
