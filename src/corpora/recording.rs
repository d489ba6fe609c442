//! Recordings in memory as samples, and the mel magnitudes of several that are mixed.
//!
//! Samples are mixed and not magnitudes: waves add up, magnitudes do not.

use crate::frontend::{FRAME_SAMPLES, HOP_SAMPLES, LogMel, MEL_BANDS, SAMPLE_RATE_HZ};

/// The middle of a frame: 10 ms.
const MIDDLE_SAMPLES: usize = 220;

/// The mel magnitudes of a frame.
pub type Frame = [f32; MEL_BANDS];

/// One channel at 22 050 Hz, in 16 bits scaled to its own peak: a corpus of sixteen hours takes 2.6 GB.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    samples: Vec<i16>,
    /// Amplitude of one step of the samples.
    step: f32,
    /// Mean square of the mel magnitudes of each frame.
    powers: Vec<f32>,
}

impl Recording {
    /// Quantises samples at 22 050 Hz.
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

    /// The sum of several recordings; the shortest ends it.
    pub(super) fn sum(mut recordings: Vec<Self>) -> Self {
        match recordings.pop() {
            Some(only) if recordings.is_empty() => only,
            last => {
                let all: Vec<Self> = recordings.into_iter().chain(last).collect();
                let length = all.iter().map(|r| r.samples.len()).min().unwrap_or(0);
                let sample = |i| all.iter().map(|r| r.step * f32::from(r.samples[i])).sum();
                Self::of_samples(&(0..length).map(sample).collect::<Vec<f32>>())
            }
        }
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(SAMPLE_RATE_HZ)
    }

    /// Number of whole frames.
    pub fn frames(&self) -> usize {
        self.powers.len()
    }

    /// Mean square of the mel magnitudes over some frames; frames after the end are left out.
    pub fn power(&self, frames: std::ops::Range<usize>) -> f32 {
        let end = frames.end.min(self.powers.len());
        let powers = &self.powers[frames.start.min(end)..end];
        powers.iter().sum::<f32>() / powers.len().max(1) as f32
    }

    /// Mean square of the samples in the middle of a frame, over 10 ms; 0 after the end.
    pub fn middle_power(&self, frame: usize) -> f32 {
        let start = frame * HOP_SAMPLES + (FRAME_SAMPLES - MIDDLE_SAMPLES) / 2;
        let end = (start + MIDDLE_SAMPLES).min(self.samples.len());
        let middle = &self.samples[start.min(end)..end];
        let square = |x: &i16| f32::from(*x).powi(2);
        self.step.powi(2) * middle.iter().map(square).sum::<f32>() / MIDDLE_SAMPLES as f32
    }

    /// Adds the samples from index `from` on to `sum`; none after the end.
    pub fn add_to(&self, from: usize, sum: &mut [f32]) {
        let samples = &self.samples[from.min(self.samples.len())..];
        for (sum, &sample) in sum.iter_mut().zip(samples) {
            *sum += self.step * f32::from(sample);
        }
    }

    /// The same recording, its amplitude times `gain`.
    #[must_use]
    pub fn with_gain(mut self, gain: f32) -> Self {
        self.step *= gain;
        self.powers
            .iter_mut()
            .for_each(|power| *power *= gain * gain);
        self
    }

    /// The recording as bytes for the cache.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.step.to_le_bytes().to_vec();
        bytes.extend((self.samples.len() as u64).to_le_bytes());
        bytes.extend(self.samples.iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(self.powers.iter().flat_map(|x| x.to_le_bytes()));
        bytes
    }

    /// The recording that [`Self::to_bytes`] has written; `None` if the bytes are not complete.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
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

/// A recording as part of a mix.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// Start of the first frame in hops; fractions are allowed. Frames after the end repeat the last one.
    pub place: f32,
    /// Playback speed as of a tape: a factor for all frequencies.
    pub speed: f32,
    /// A factor for the amplitude.
    pub gain: f32,
}

impl<'a> Layer<'a> {
    /// The recording unchanged.
    pub fn plainly(recording: &'a Recording, place: f32) -> Self {
        Self {
            recording,
            place,
            speed: 1.0,
            gain: 1.0,
        }
    }

    /// Mean power (square of the mel magnitudes) over `span` frames.
    pub fn power(&self, span: usize) -> f32 {
        let start = self.place as usize;
        self.gain.powi(2) * self.recording.power(start..start + span)
    }

    /// The samples of `frames` frames, each `stretch` hops after the one before, and up to `lead_samples` before them.
    /// Frames overlap, but every sample is read once.
    fn passage(&self, frames: usize, stretch: f32, lead_samples: usize) -> Passage {
        let hop_samples = HOP_SAMPLES as f32 * stretch / self.speed;
        let span = (frames.saturating_sub(1) as f32 * hop_samples).round() as usize;
        let samples = &self.recording.samples;
        let frame_span = (FRAME_SAMPLES as f32 * self.speed).ceil() as usize;
        let start = (self.place * HOP_SAMPLES as f32).round() as usize;
        let start = start.min(samples.len().saturating_sub(frame_span));
        let lead_samples = lead_samples.min((start as f32 / self.speed) as usize);
        let start = start - (lead_samples as f32 * self.speed) as usize;
        let required = lead_samples + span + FRAME_SAMPLES;
        let gain = self.gain * self.recording.step;
        let samples = if self.speed == 1.0 {
            let samples = samples[start..].iter().take(required);
            samples.map(|&x| gain * f32::from(x)).collect()
        } else {
            // Interpolation needs the sample before.
            at_speed(
                &samples[start.saturating_sub(1)..],
                self.speed,
                gain,
                required,
            )
        };
        Passage {
            samples,
            lead_samples,
            hop_samples,
        }
    }
}

/// Samples of a layer from its first frame on, and the distance of frames in them.
struct Passage {
    samples: Vec<f32>,
    /// Samples before the first frame.
    lead_samples: usize,
    hop_samples: f32,
}

impl Passage {
    /// Adds a frame of this index to `frame`, from the nearest whole sample on; after the end, the last frame.
    fn add_to(&self, index: usize, frame: &mut [f32; FRAME_SAMPLES]) {
        let last = self.samples.len().saturating_sub(FRAME_SAMPLES);
        let start = self.lead_samples + (index as f32 * self.hop_samples).round() as usize;
        let start = start.min(last);
        for (sum, sample) in frame.iter_mut().zip(&self.samples[start..]) {
            *sum += sample;
        }
    }
}

/// Up to `required` samples at another speed, interpolated; the first is the second of `samples`.
fn at_speed(samples: &[i16], speed: f32, gain: f32, required: usize) -> Vec<f32> {
    // Places in fixed point, with 32 bits for the fraction: faster than rounding a float for each.
    let step = (f64::from(speed) * PART) as u64;
    let places = (samples.len().saturating_sub(3) as u64) << 32;
    let count = required.min(places.div_ceil(step) as usize);
    let mut resampled = vec![0.0; count];
    let mut place = 0u64;
    for block in resampled.chunks_mut(BLOCK) {
        // Fetch first, compute second: the arithmetic of a block is vectorised.
        let mut around = [[0.0; BLOCK]; 4];
        let mut parts = [0.0; BLOCK];
        for i in 0..block.len() {
            let whole = (place >> 32) as usize;
            for (around, &sample) in around.iter_mut().zip(&samples[whole..whole + 4]) {
                around[i] = f32::from(sample);
            }
            parts[i] = (place as u32 >> 8) as f32 * (256.0 / PART as f32);
            place = place.wrapping_add(step);
        }
        let [a, b, c, d] = &around;
        for (i, sample) in block.iter_mut().enumerate() {
            *sample = gain * between([a[i], b[i], c[i], d[i]], parts[i]);
        }
    }
    resampled
}

/// Samples that are computed together.
const BLOCK: usize = 32;
/// Fractions of a sample in a place's fixed point.
const PART: f64 = (1u64 << 32) as f64;

/// The value between the second and the third of four samples, on the cubic with their slopes (Catmull &
/// Rom, "A class of local interpolating splines", 1974).
fn between([a, b, c, d]: [f32; 4], part: f32) -> f32 {
    let slope = c - a;
    let bend = 2.0 * a - 5.0 * b + 4.0 * c - d;
    let twist = 3.0 * (b - c) + d - a;
    b + 0.5 * part * (slope + part * (bend + part * twist))
}

/// The mel magnitudes of the sum of several layers: `frames` frames, each `stretch` hops after the one
/// before.
pub fn magnitudes_of_sum<'a>(
    log_mel: &mut LogMel,
    layers: impl IntoIterator<Item = Layer<'a>>,
    frames: usize,
    stretch: f32,
) -> Vec<Frame> {
    magnitudes_of_changed(log_mel, layers, frames, stretch, 0, |_| ())
}

/// The same after `change` has changed the samples of each layer in place. It gets up to `lead_samples` samples before
/// the first frame too, whose sound may reach into it.
pub fn magnitudes_of_changed<'a>(
    log_mel: &mut LogMel,
    layers: impl IntoIterator<Item = Layer<'a>>,
    frames: usize,
    stretch: f32,
    lead_samples: usize,
    mut change: impl FnMut(&mut [f32]),
) -> Vec<Frame> {
    let changed = |layer: Layer| {
        let mut passage = layer.passage(frames, stretch, lead_samples);
        change(&mut passage.samples);
        passage
    };
    let passages: Vec<Passage> = layers.into_iter().map(changed).collect();
    let magnitudes = |index| {
        let mut frame = [0.0; FRAME_SAMPLES];
        for passage in &passages {
            passage.add_to(index, &mut frame);
        }
        log_mel.magnitude_frame(&frame)
    };
    (0..frames).map(magnitudes).collect()
}
