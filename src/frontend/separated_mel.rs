//! Mel energies of a recording separated in two stages, the input of the Bi-LSTM (Leglaive,
//! Hennequin & Badeau, ICASSP 2015).
//!
//! Both stages are a [`Separation`] at 16 kHz. With frames of 256 ms, a voice is percussive,
//! because its pitch never stays constant for so long, and steady instruments are harmonic. The
//! percussive part is synthesised and separated again with frames of 32 ms: now the voice is
//! harmonic and drums are percussive. The values of a frame are 40 mel energies of the second
//! stage's harmonic spectrum, then 40 of its percussive spectrum, without another synthesis. The
//! paper does not state the range of the bands; here it is 0 to 8000 Hz on Slaney's scale, the
//! whole range of 16 kHz sound.

use crate::frontend::MEL_BANDS;
use crate::frontend::mel::{Band, BankPlan, filter_bank};
use crate::frontend::separation::{ITERATIONS, Part, Separation};

/// Sample rate of the sound that is separated.
pub const SEPARATED_RATE_HZ: u32 = 16_000;
/// Frame length of the first stage: 256 ms.
pub const FIRST_FRAME_SAMPLES: usize = 4096;
/// Frame length of the second stage: 32 ms.
pub const SECOND_FRAME_SAMPLES: usize = 512;
/// Samples from one frame of features to the next: 16 ms.
pub const SEPARATED_HOP_SAMPLES: usize = SECOND_FRAME_SAMPLES / 2;
/// Mel bands of each part, harmonic and percussive.
pub const PART_BANDS: usize = 40;
/// Lower edge of the first mel band.
pub const PART_MIN_HZ: f64 = 0.0;
/// Upper edge of the last mel band.
pub const PART_MAX_HZ: f64 = 8000.0;
/// Floor of the energies before the logarithm: the energy of 16-bit dither in one band.
pub const ENERGY_FLOOR: f32 = 1e-10;
/// Frames of one input of the network, as in the paper: 3.5 s.
pub const SEQUENCE_FRAMES: usize = 218;
/// Frames from one sequence to the next in a recording: half a sequence.
pub const SEQUENCE_HOP_FRAMES: usize = SEQUENCE_FRAMES / 2;

/// Samples after a frame's centre that influence its prediction: the rest of its sequence, one
/// frame for interpolation between frames, and the reach of the iterations of both stages.
const REACH_SAMPLES: usize = (SEQUENCE_FRAMES + ITERATIONS + 1) * SEPARATED_HOP_SAMPLES
    + (ITERATIONS + 2) * FIRST_FRAME_SAMPLES / 2;

/// The only horizon of separated features, in frames of the common grid (14.286 ms): the distance,
/// 11 s, from the frame that a prediction is for to the last sound that influences it. Rounded up
/// by at least a frame, for the resampler's filter.
pub const SEPARATED_HORIZON_FRAMES: u32 =
    (REACH_SAMPLES * 70 / SEPARATED_RATE_HZ as usize) as u32 + 1;

// Frames of both frontends are stored and normalised alike.
const _: () = assert!(2 * PART_BANDS == MEL_BANDS);

/// Computes the features: both stages and the filter bank.
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
    /// Plans both stages and the filter bank.
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

    /// Mel energies of a whole recording at 16 kHz, before the logarithm: frames × 80 values,
    /// frame after frame. The first frame is centred on the first sample.
    pub fn energies(&self, samples: &[f32]) -> Vec<f32> {
        let voice_and_drums = self.first.percussive(samples);
        let mut energies = Vec::with_capacity(self.second.frames(samples.len()) * MEL_BANDS);
        let mut power = vec![0.0; self.second.bins()];
        self.second.split(&voice_and_drums, |spectrum, parts| {
            for kept in [Part::Harmonic, Part::Percussive] {
                for ((power, x), part) in power.iter_mut().zip(spectrum).zip(parts) {
                    *power = if *part == kept { x.norm_sqr() } else { 0.0 };
                }
                energies.extend(self.bands.iter().map(|band| band.sum(&power)));
            }
        });
        energies
    }
}

/// Time of the centre of a frame of features, in seconds from the start of the recording.
pub fn separated_time_s(frame: usize) -> f64 {
    (frame * SEPARATED_HOP_SAMPLES) as f64 / f64::from(SEPARATED_RATE_HZ)
}
