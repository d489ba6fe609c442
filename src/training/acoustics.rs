//! The acoustics of real use for speech and for voices without music: rooms, distant microphones, background noise and
//! telephones.
//!
//! Most recorded speech comes from studios. A network that is trained on nothing else often takes talk in a room for
//! singing. Voices that sing alone get the same acoustics, so that a room by itself indicates neither.

use std::sync::Arc;

use rand::RngExt;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::frontend::SAMPLE_RATE_HZ;
use crate::training::augment::from_db;
use crate::training::experiment::Augmentation;

/// Length of the transform. It holds the longest window and the longest response of a room.
const FFT_SAMPLES: usize = 1 << 16;
/// Sound before a window that may still sound in it: half a second.
const LEAD_SAMPLES: usize = 11_025;
/// Longest response of a room that is computed, in seconds.
const LONGEST_RESPONSE_S: f32 = 0.9;

/// Time in which a room's reverberation falls by 60 dB, in seconds: from a furnished room to a hall.
const REVERBERATION_S: std::ops::Range<f32> = 0.15..1.2;
/// The same of its treble, as a share.
const TREBLE_SHARE: std::ops::Range<f32> = 0.3..0.9;
/// Where treble begins: pole of a one-pole low-pass filter.
const TREBLE_POLE: f32 = 0.7;
/// Direct sound relative to reverberation: from across the room to near the mouth.
const DIRECT_DB: std::ops::Range<f32> = -6.0..12.0;
/// Delay of the first reverberation behind the direct sound, in seconds.
const DELAY_S: std::ops::Range<f32> = 0.002..0.02;

/// Level of the voice above the noise.
const VOICE_ABOVE_NOISE_DB: std::ops::Range<f32> = 0.0..35.0;
/// Pole of the noise's one-pole low-pass filter: from white to the rumble of traffic.
const NOISE_POLE: std::ops::Range<f32> = 0.0..0.98;

/// The band of a telephone, in hertz: where it is 3 dB down.
const TELEPHONE_LOW_HZ: std::ops::Range<f32> = 150.0..350.0;
const TELEPHONE_HIGH_HZ: std::ops::Range<f32> = 3100.0..3700.0;
/// A telephone samples 8000 times a second: it has nothing above.
const TELEPHONE_END_HZ: f32 = 4000.0;
/// Orders of the slopes at its lower and its upper end.
const TELEPHONE_ORDERS: (i32, i32) = (4, 12);

/// The acoustics of one window.
pub(super) struct Acoustics {
    room: Option<Room>,
    noise: Option<Noise>,
    telephone: Option<Telephone>,
}

struct Room {
    reverberation_s: f32,
    treble_s: f32,
    direct_db: f32,
    delay_s: f32,
}

struct Noise {
    below_voice_db: f32,
    pole: f32,
}

struct Telephone {
    low_hz: f32,
    high_hz: f32,
}

impl Acoustics {
    /// Draws what a window gets; `None` if it stays as it was recorded.
    pub fn draw(a: &Augmentation, rng: &mut impl RngExt) -> Option<Self> {
        let mut drawn = |fraction: f64| fraction > 0.0 && rng.random_bool(fraction);
        let (room, noise, telephone) = (
            drawn(a.room_fraction),
            drawn(a.background_fraction),
            drawn(a.telephone_fraction),
        );
        let acoustics = Self {
            room: room.then(|| Room::draw(rng)),
            noise: noise.then(|| Noise {
                below_voice_db: rng.random_range(VOICE_ABOVE_NOISE_DB),
                pole: rng.random_range(NOISE_POLE),
            }),
            telephone: telephone.then(|| Telephone {
                low_hz: rng.random_range(TELEPHONE_LOW_HZ),
                high_hz: rng.random_range(TELEPHONE_HIGH_HZ),
            }),
        };
        (room || noise || telephone).then_some(acoustics)
    }

    /// Samples before a window that its sound needs.
    pub fn lead_samples(&self) -> usize {
        if self.room.is_some() { LEAD_SAMPLES } else { 0 }
    }
}

impl Room {
    fn draw(rng: &mut impl RngExt) -> Self {
        let reverberation_s = rng.random_range(REVERBERATION_S);
        Self {
            reverberation_s,
            treble_s: reverberation_s * rng.random_range(TREBLE_SHARE),
            direct_db: rng.random_range(DIRECT_DB),
            delay_s: rng.random_range(DELAY_S),
        }
    }

    /// An impulse response: the direct sound, then noise that decays, its treble faster (Polack 1988).
    fn response(&self, samples: usize, rng: &mut impl RngExt) -> Vec<f32> {
        let rate_hz = SAMPLE_RATE_HZ as f32;
        let delay = ((self.delay_s * rate_hz) as usize).clamp(1, samples.max(1));
        let decay = |seconds: f32| 10f32.powf(-3.0 / (seconds * rate_hz));
        let (bass_decay, treble_decay) = (decay(self.reverberation_s), decay(self.treble_s));
        let (mut low, mut bass, mut treble) = (0.0, 1.0, 1.0);
        let tail = (delay..samples).map(|_| {
            let white = normal(rng);
            low = TREBLE_POLE * low + (1.0 - TREBLE_POLE) * white;
            let sample = bass * low + treble * (white - low);
            bass *= bass_decay;
            treble *= treble_decay;
            sample
        });
        let mut response = vec![0.0; delay];
        response.extend(tail);
        let energy: f32 = response.iter().map(|x| x * x).sum();
        let gain = 1.0 / energy.max(f32::MIN_POSITIVE).sqrt();
        response.iter_mut().for_each(|x| *x *= gain);
        response[0] = from_db(self.direct_db);
        response
    }
}

impl Telephone {
    fn gain(&self, hz: f32) -> f32 {
        if hz >= TELEPHONE_END_HZ || hz <= 0.0 {
            return 0.0;
        }
        let (low, high) = TELEPHONE_ORDERS;
        let slope = |ratio: f32, order: i32| 1.0 / (1.0 + ratio.powi(2 * order)).sqrt();
        slope(self.low_hz / hz, low) * slope(hz / self.high_hz, high)
    }
}

/// Applies [`Acoustics`] to samples.
pub(super) struct Filter {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
}

impl Filter {
    /// Plans the transforms.
    pub fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        Self {
            forward: planner.plan_fft_forward(FFT_SAMPLES),
            back: planner.plan_fft_inverse(FFT_SAMPLES),
        }
    }

    /// Changes the samples of one voice in place. Every voice of a window stands at a place of its own in the same room.
    pub fn apply(&self, acoustics: &Acoustics, samples: &mut [f32], rng: &mut impl RngExt) {
        let count = samples.len().min(FFT_SAMPLES);
        let samples = &mut samples[..count];
        let mut spectrum = self.spectrum(samples);
        if let Some(room) = &acoustics.room {
            // What reaches beyond the transform would return at its beginning.
            let longest = (LONGEST_RESPONSE_S * SAMPLE_RATE_HZ as f32) as usize;
            let response = room.response(longest.min(FFT_SAMPLES - count), rng);
            for (x, h) in spectrum.iter_mut().zip(self.spectrum(&response)) {
                *x *= h;
            }
        }
        if let Some(noise) = &acoustics.noise {
            let power = samples.iter().map(|x| x * x).sum::<f32>() / count.max(1) as f32;
            let noise = noise.samples(count, power, rng);
            for (x, n) in spectrum.iter_mut().zip(self.spectrum(&noise)) {
                *x += n;
            }
        }
        if let Some(telephone) = &acoustics.telephone {
            let bin_hz = SAMPLE_RATE_HZ as f32 / FFT_SAMPLES as f32;
            for (bin, x) in spectrum.iter_mut().enumerate() {
                *x *= telephone.gain(bin as f32 * bin_hz);
            }
        }
        let mut changed = self.back.make_output_vec();
        // The imaginary parts at both ends must be 0 and are but for rounding.
        for end in [0, FFT_SAMPLES / 2] {
            spectrum[end].im = 0.0;
        }
        // Fails only for wrong lengths, and the plan made the buffers.
        let done = self.back.process(&mut spectrum, &mut changed);
        debug_assert!(done.is_ok());
        for (sample, x) in samples.iter_mut().zip(changed) {
            *sample = x / FFT_SAMPLES as f32;
        }
    }

    fn spectrum(&self, samples: &[f32]) -> Vec<Complex<f32>> {
        let mut padded = self.forward.make_input_vec();
        padded[..samples.len()].copy_from_slice(samples);
        let mut spectrum = self.forward.make_output_vec();
        let done = self.forward.process(&mut padded, &mut spectrum);
        debug_assert!(done.is_ok());
        spectrum
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::new()
    }
}

impl Noise {
    /// Noise under a voice of this power.
    fn samples(&self, count: usize, voice_power: f32, rng: &mut impl RngExt) -> Vec<f32> {
        // A one-pole filter of this gain leaves the power of white noise unchanged.
        let gain = (1.0 - self.pole * self.pole).sqrt();
        let level = voice_power.sqrt() * from_db(-self.below_voice_db);
        let mut low = 0.0;
        let sample = |_| {
            low = self.pole * low + gain * normal(rng);
            level * low
        };
        (0..count).map(sample).collect()
    }
}

/// Nearly normal: the sum of four uniform values, of variance 1.
fn normal(rng: &mut impl RngExt) -> f32 {
    let bits: u64 = rng.random();
    let sum: u32 = (0..4).map(|i| (bits >> (16 * i)) as u32 & 0xffff).sum();
    (sum as f32 / 65_536.0 - 2.0) * 3f32.sqrt()
}
