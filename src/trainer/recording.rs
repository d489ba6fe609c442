//! A sound as the trainer keeps it: samples, so that what is mixed sounds together as it does in the
//! air, and how loud each frame is.

use crate::frontend::{FRAME_SAMPLES, HOP_SAMPLES, LogMel, MEL_BANDS};

/// The mel magnitudes of a frame.
pub type Frame = [f32; MEL_BANDS];

/// One channel at 22 050 Hz, in 16 bits of its own range: a corpus of sixteen hours takes 2.6 GB.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    samples: Vec<i16>,
    /// What a step of the samples stands for.
    step: f32,
    /// Mean square of the mel magnitudes, a value a frame.
    powers: Vec<f32>,
}

impl Recording {
    pub fn of_samples(samples: &[f32]) -> Self {
        let loudest = |peak: f32, x: &f32| peak.max(x.abs());
        let peak = samples.iter().fold(1e-6, loudest);
        let step = peak / f32::from(i16::MAX);
        let mut log_mel = LogMel::new();
        let frames = samples.windows(FRAME_SAMPLES).step_by(HOP_SAMPLES);
        let power = |frame: &[f32]| {
            let frame = frame.try_into().ok()?;
            let mel = log_mel.magnitude_frame(frame);
            Some(mel.iter().map(|v| v * v).sum::<f32>() / MEL_BANDS as f32)
        };
        Self {
            powers: frames.filter_map(power).collect(),
            samples: samples.iter().map(|x| (x / step).round() as i16).collect(),
            step,
        }
    }

    /// Whole frames.
    pub fn frames(&self) -> usize {
        self.powers.len()
    }

    /// Mean square of the magnitudes of some frames.
    pub fn power(&self, frames: std::ops::Range<usize>) -> f32 {
        let end = frames.end.min(self.powers.len());
        let powers = &self.powers[frames.start.min(end)..end];
        powers.iter().sum::<f32>() / powers.len().max(1) as f32
    }

    /// For the cache.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.step.to_le_bytes().to_vec();
        bytes.extend((self.samples.len() as u64).to_le_bytes());
        bytes.extend(self.samples.iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(self.powers.iter().flat_map(|x| x.to_le_bytes()));
        bytes
    }

    /// `None` for what [`Self::to_bytes`] did not write whole.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (step, bytes) = bytes.split_first_chunk::<4>()?;
        let (count, bytes) = bytes.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let (samples, powers) = bytes.split_at_checked(count.checked_mul(2)?)?;
        let frames = (count + HOP_SAMPLES).saturating_sub(FRAME_SAMPLES) / HOP_SAMPLES;
        (powers.len() == 4 * frames).then(|| Self {
            step: f32::from_le_bytes(*step),
            samples: samples
                .as_chunks()
                .0
                .iter()
                .map(|b| i16::from_le_bytes(*b))
                .collect(),
            powers: powers
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
        })
    }
}

/// How a recording is heard in a frame.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    pub recording: &'a Recording,
    /// Where the frame begins, in hops. Places lie between hops too; what lies beyond the end is heard as
    /// the end.
    pub place: f32,
    /// As of a tape: all frequencies times this.
    pub speed: f32,
    pub gain: f32,
}

impl<'a> Heard<'a> {
    /// As it was recorded.
    pub fn plainly(recording: &'a Recording, place: f32) -> Self {
        Self {
            recording,
            place,
            speed: 1.0,
            gain: 1.0,
        }
    }

    /// The same, so many hops later.
    pub fn later(self, hops: f32) -> Self {
        Self {
            place: self.place + hops,
            ..self
        }
    }

    /// Mean power over a span of frames.
    pub fn power(&self, span: usize) -> f32 {
        let start = self.place as usize;
        self.gain.powi(2) * self.recording.power(start..start + span)
    }

    fn add_to(&self, frame: &mut [f32; FRAME_SAMPLES]) {
        let samples = &self.recording.samples;
        let gain = self.gain * self.recording.step;
        let span = (FRAME_SAMPLES as f32 * self.speed).ceil() as usize;
        let start = (self.place * HOP_SAMPLES as f32).round() as usize;
        let start = start.min(samples.len().saturating_sub(span));
        if self.speed == 1.0 {
            for (sum, &sample) in frame.iter_mut().zip(&samples[start..]) {
                *sum += gain * f32::from(sample);
            }
            return;
        }
        // A sample before the first and two after the last.
        let start = start.saturating_sub(1);
        let end = (start + span + 3).min(samples.len());
        let samples = &samples[start..end];
        // Places as whole samples and 32 bits of a part: no rounding of floats for each of them.
        let step = (f64::from(self.speed) * PART) as u64;
        let mut place = 0u64;
        for sum in frame.iter_mut() {
            let after = samples.get((place >> 32) as usize..);
            let Some(around) = after.and_then(<[i16]>::first_chunk) else {
                return;
            };
            let part = (place as u32 >> 8) as f32 * (256.0 / PART as f32);
            *sum += gain * between(around.map(f32::from), part);
            place += step;
        }
    }
}

/// Parts of a sample that places are counted in.
const PART: f64 = (1u64 << 32) as f64;

/// The value between the second and the third of four samples, on the cubic that has their slopes
/// (Catmull & Rom 1974).
fn between([a, b, c, d]: [f32; 4], part: f32) -> f32 {
    let slope = c - a;
    let bend = 2.0 * a - 5.0 * b + 4.0 * c - d;
    let twist = 3.0 * (b - c) + d - a;
    b + 0.5 * part * (slope + part * (bend + part * twist))
}

/// The mel magnitudes of recordings that sound together.
pub fn magnitudes_of_sum<'a>(
    log_mel: &mut LogMel,
    parts: impl IntoIterator<Item = Heard<'a>>,
) -> Frame {
    let mut frame = [0.0; FRAME_SAMPLES];
    for part in parts {
        part.add_to(&mut frame);
    }
    log_mel.magnitude_frame(&frame)
}
