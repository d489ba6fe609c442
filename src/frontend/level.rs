//! Loudness of a stretch of sound.

/// Lower bound of levels: digital silence has no level in dB.
const FLOOR_DB: f32 = -120.0;

/// RMS and peak in dB of full scale, -120 at the least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundLevel {
    /// Root mean square.
    pub rms_db: f32,
    /// Largest absolute sample.
    pub peak_db: f32,
}

/// Sums up samples until their level is taken.
#[derive(Debug, Clone, Default)]
pub(super) struct LevelMeter {
    sum_of_squares: f64,
    samples: u64,
    peak: f32,
}

impl LevelMeter {
    pub fn add(&mut self, samples: &[f32]) {
        for &x in samples {
            self.sum_of_squares += f64::from(x) * f64::from(x);
            self.peak = self.peak.max(x.abs());
        }
        self.samples += samples.len() as u64;
    }

    /// The level of everything since the last call.
    pub fn take(&mut self) -> SoundLevel {
        let Self {
            sum_of_squares,
            samples,
            peak,
        } = std::mem::take(self);
        let rms = (sum_of_squares / samples.max(1) as f64).sqrt() as f32;
        let db = |amplitude: f32| (20.0 * amplitude.log10()).max(FLOOR_DB);
        SoundLevel {
            rms_db: db(rms),
            peak_db: db(peak),
        }
    }
}
