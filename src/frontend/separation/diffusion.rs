//! The diffusion of harmonic and percussive energy on a spectrogram.

use super::{ALPHA, ITERATIONS};

/// W, the compressed spectrogram.
pub(super) struct Spectrogram {
    pub bins: usize,
    /// Frames × bins, frame after frame.
    pub values: Vec<f32>,
}

impl Spectrogram {
    /// H, the harmonic share of every cell, after all iterations.
    pub fn diffuse(&self) -> Vec<f32> {
        let bins = self.bins;
        let last = self.values.len() / bins - 1;
        let mut harmonic: Vec<f32> = self.values.iter().map(|w| 0.5 * w).collect();
        let mut next = vec![0.0; harmonic.len()];
        let mut percussive = vec![0.0; bins + 2];
        for _ in 0..ITERATIONS {
            for (frame, out) in next.chunks_exact_mut(bins).enumerate() {
                let row = |frame: usize| &harmonic[frame * bins..][..bins];
                let h = Rows {
                    before: row(frame.saturating_sub(1)),
                    here: row(frame),
                    after: row((frame + 1).min(last)),
                };
                let w = &self.values[frame * bins..][..bins];
                h.step(w, &mut percussive, out);
            }
            std::mem::swap(&mut harmonic, &mut next);
        }
        harmonic
    }
}

/// H in a frame and in its neighbours.
struct Rows<'a> {
    before: &'a [f32],
    here: &'a [f32],
    after: &'a [f32],
}

impl Rows<'_> {
    /// One iteration in one frame. `percussive` is a buffer for P with one more value at each end.
    fn step(&self, w: &[f32], percussive: &mut [f32], out: &mut [f32]) {
        let bins = out.len();
        let (w, before, here, after) = (
            &w[..bins],
            &self.before[..bins],
            &self.here[..bins],
            &self.after[..bins],
        );
        let p = &mut percussive[..bins + 2];
        for bin in 0..bins {
            p[bin + 1] = w[bin] - here[bin];
        }
        p[0] = p[1];
        p[bins + 1] = p[bins];
        for bin in 0..bins {
            let along_time = before[bin] - 2.0 * here[bin] + after[bin];
            let along_frequency = p[bin] - 2.0 * p[bin + 1] + p[bin + 2];
            let change = ALPHA / 4.0 * along_time - (1.0 - ALPHA) / 4.0 * along_frequency;
            out[bin] = (here[bin] + change).max(0.0).min(w[bin]);
        }
    }
}
