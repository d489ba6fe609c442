//! What the Bi-LSTM hears: mel energies of the two parts that a voice leaves in a recording (Leglaive,
//! Hennequin & Badeau, ICASSP 2015).
//!
//! Two stages of [`Separation`] at 16 kHz. In frames of 256 ms a voice, which never keeps its pitch
//! for so long, is percussive and steady instruments are harmonic. That percussive part is made
//! sound again and separated in frames of 32 ms, in which the voice is harmonic and drums are
//! percussive. A frame's values are 40 mel energies of the second stage's harmonic spectrum, then
//! 40 of its percussive one, taken from the separated spectra themselves. The bands reach from 0
//! to 8000 Hz on Slaney's scale, all that 16 kHz hold, which the paper leaves open.

use crate::frontend::MEL_BANDS;
use crate::frontend::mel::{Band, BankPlan, filter_bank};
use crate::frontend::separation::{ITERATIONS, Part, Separation};

/// The rate of the sound that is separated.
pub const SEPARATED_RATE_HZ: u32 = 16_000;
pub const FIRST_FRAME_SAMPLES: usize = 4096;
pub const SECOND_FRAME_SAMPLES: usize = 512;
/// From a frame of features to the next: 16 ms.
pub const SEPARATED_HOP_SAMPLES: usize = SECOND_FRAME_SAMPLES / 2;
/// Mel bands of each part.
pub const PART_BANDS: usize = 40;
pub const PART_MIN_HZ: f64 = 0.0;
pub const PART_MAX_HZ: f64 = 8000.0;
/// Energies below this count as this before the logarithm: what the dither of 16 bits has in a band.
pub const ENERGY_FLOOR: f32 = 1e-10;
/// Frames that the network sees at once, as in the paper: 3.5 s.
pub const SEQUENCE_FRAMES: usize = 218;
/// From a sequence to the next when a recording is labelled: half of it.
pub const SEQUENCE_HOP_FRAMES: usize = SEQUENCE_FRAMES / 2;

/// Samples after a frame's centre that have a part in what is said of it: the rest of its sequence, a
/// frame more where it is read between frames, and all that the iterations of both stages bring in.
const REACH_SAMPLES: usize = (SEQUENCE_FRAMES + ITERATIONS + 1) * SEPARATED_HOP_SAMPLES
    + (ITERATIONS + 2) * FIRST_FRAME_SAMPLES / 2;

/// The only horizon there is behind a separation: so many frames of the common grid, 14.286 ms each,
/// lie between a decision and the last sound that it has heard, 11 s. Rounded up by a frame and
/// more, which the resampler's filter may take.
pub const SEPARATED_HORIZON_FRAMES: u32 =
    (REACH_SAMPLES * 70 / SEPARATED_RATE_HZ as usize) as u32 + 1;

// A frame of this frontend is stored and normalised as one of the other.
const _: () = assert!(2 * PART_BANDS == MEL_BANDS);

/// Both stages and the filter bank.
pub struct SeparatedMel {
    first: Separation,
    second: Separation,
    bands: Vec<Band>,
}

impl Default for SeparatedMel {
    fn default() -> Self {
        Self::new()
    }
}

impl SeparatedMel {
    pub fn new() -> Self {
        Self {
            first: Separation::new(FIRST_FRAME_SAMPLES),
            second: Separation::new(SECOND_FRAME_SAMPLES),
            bands: filter_bank(&BankPlan {
                rate_hz: SEPARATED_RATE_HZ,
                frame_samples: SECOND_FRAME_SAMPLES,
                bands: PART_BANDS,
                min_hz: PART_MIN_HZ,
                max_hz: PART_MAX_HZ,
            }),
        }
    }

    /// The mel energies of a whole recording at 16 kHz, before the logarithm: frames × 80, frame
    /// after frame. The first frame is centred on the first sample.
    pub fn energies(&self, samples: &[f32]) -> Vec<f32> {
        let voice_and_drums = self.first.percussive(samples);
        let mut energies = Vec::with_capacity(self.second.frames(samples.len()) * MEL_BANDS);
        let mut power = vec![0.0; self.second.bins()];
        self.second.split(&voice_and_drums, |spectrum, parts| {
            for wanted in [Part::Harmonic, Part::Percussive] {
                for ((power, x), part) in power.iter_mut().zip(spectrum).zip(parts) {
                    *power = if *part == wanted { x.norm_sqr() } else { 0.0 };
                }
                energies.extend(self.bands.iter().map(|band| band.sum(&power)));
            }
        });
        energies
    }
}

/// The centre of a frame of features, in seconds from the start of the recording.
pub fn separated_time_s(frame: usize) -> f64 {
    (frame * SEPARATED_HOP_SAMPLES) as f64 / f64::from(SEPARATED_RATE_HZ)
}
