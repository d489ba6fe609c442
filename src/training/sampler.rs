//! Drawing training windows: a corpus by its weight, a track by its length, a place in it, and a new mix if
//! the voice is separate from its accompaniment.

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::corpora::recording::{magnitudes_of_changed, magnitudes_of_sum};
use crate::corpora::{Corpus, Track};
use crate::frontend::{
    Features, HOP_SAMPLES, LOG_FLOOR, LogMel, MEL_BANDS, SAMPLE_RATE_HZ, WindowLength,
};
use crate::model::MIN_STD;
use crate::model::{Family, LevelMode, Normalisation};
use crate::training::acoustics::{Acoustics, Filter};
use crate::training::augment;
use crate::training::error::SamplerError;
use crate::training::experiment::Augmentation;
use crate::training::mixing::Mixing;
use crate::training::sequences;

/// Places that are tried for a window with (or without) a voice; a corpus may have none.
pub(super) const PLACE_TRIES: u32 = 16;
/// A label that the loss ignores.
pub const UNLABELLED: f32 = -1.0;
/// Windows for the mean and standard deviation of the bands.
const NORMALISATION_WINDOWS: u64 = 4000;

/// The random numbers of one window; they do not depend on the thread that draws it.
pub fn window_rng(seed: u64, epoch: u64, window: u64) -> Xoshiro256PlusPlus {
    let mut root =
        Xoshiro256PlusPlus::seed_from_u64(seed ^ epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let key: u64 = root.random();
    Xoshiro256PlusPlus::seed_from_u64(key.wrapping_add(window))
}

/// The tracks of a corpus.
pub(super) struct Pool<'a> {
    weight_sum: f64,
    pub voice_share: Option<f64>,
    tracks: Vec<&'a Track>,
    /// Running sum of frames, each track included.
    frame_sums: Vec<usize>,
}

impl<'a> Pool<'a> {
    /// Draws a track, with a probability in proportion to its length.
    pub fn pick_track(&self, rng: &mut Xoshiro256PlusPlus) -> &'a Track {
        let frames = self.frame_sums.last().copied().unwrap_or(1);
        let frame = rng.random_range(0..frames.max(1));
        let index = self.frame_sums.partition_point(|&sum| sum <= frame);
        self.tracks[index.min(self.tracks.len() - 1)]
    }
}

/// The outputs that labels are drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    /// Voice, for each horizon.
    Voice,
    /// Voice, then speech.
    VoiceAndSpeech,
    /// The same without labels of voice.
    Speech,
}

/// Draws windows or sequences from corpora in memory.
pub struct Sampler<'a> {
    pools: Vec<Pool<'a>>,
    mixing: Mixing<'a>,
    features: Features,
    /// The frames of a window or sequence that have an output.
    label_frames: Vec<usize>,
    /// Frames on either side of a change over which its label is soft.
    soft_frames: usize,
    filter: Filter,
    targets: Targets,
}

impl<'a> Sampler<'a> {
    /// A sampler for a network family and its horizons (frames, the largest first).
    ///
    /// # Errors
    /// If a corpus with a weight has no tracks, lacks separated features that the family uses, or there is no
    /// speech to mix in.
    pub fn new(
        corpora: &'a [Corpus],
        augmentation: &Augmentation,
        family: Family,
        horizons_frames: &[u32],
    ) -> Result<Self, SamplerError> {
        let features = family.features();
        let mut pools: Vec<Pool> = Vec::new();
        for corpus in corpora.iter().filter(|c| c.weight > 0.0) {
            if corpus.tracks.is_empty() {
                let corpus = corpus.name.clone();
                return Err(SamplerError::NoTracks { corpus });
            }
            let weight_sum = pools.last().map_or(0.0, |p| p.weight_sum) + corpus.weight;
            let mut sum = 0;
            let mut frame_sums = Vec::new();
            for track in &corpus.tracks {
                if features == Features::SeparatedMel && track.separated.is_none() {
                    return Err(SamplerError::NotSeparated {
                        track: track.name.clone(),
                        corpus: corpus.name.clone(),
                    });
                }
                sum += track.frames();
                frame_sums.push(sum);
            }
            pools.push(Pool {
                weight_sum,
                voice_share: corpus.voice_share,
                tracks: corpus.tracks.iter().collect(),
                frame_sums,
            });
        }
        Ok(Self {
            pools,
            mixing: Mixing::new(corpora, augmentation)?,
            features,
            label_frames: features.predicted_frames(horizons_frames),
            soft_frames: 0,
            filter: Filter::new(),
            targets: Targets::Voice,
        })
    }

    /// The same with labels for other outputs; those of speech are for windows.
    #[must_use]
    pub fn with_targets(self, targets: Targets) -> Self {
        Self { targets, ..self }
    }

    /// The same with labels of windows that rise and fall linearly from `seconds` before a change until as long after it.
    #[must_use]
    pub fn with_soft_edges(self, seconds: f64) -> Self {
        let soft_frames =
            (seconds * f64::from(SAMPLE_RATE_HZ) / HOP_SAMPLES as f64).round() as usize;
        Self {
            soft_frames,
            ..self
        }
    }

    /// Values of a window or sequence: frames × 80.
    pub fn values(&self) -> usize {
        self.features.values()
    }

    /// Labels of a window or sequence: one for each output of the network.
    pub fn labels(&self) -> usize {
        match self.targets {
            Targets::Voice => self.label_frames.len(),
            Targets::VoiceAndSpeech | Targets::Speech => 2 * self.label_frames.len(),
        }
    }

    /// Draws a window or sequence: its values before normalisation (frames × 80) and a label for each output.
    /// The buffers must have the lengths [`values`](Self::values) and [`labels`](Self::labels).
    pub fn draw(
        &self,
        log_mel: &mut LogMel,
        rng: &mut Xoshiro256PlusPlus,
        values: &mut [f32],
        labels: &mut [f32],
    ) {
        debug_assert_eq!(values.len(), self.values());
        match self.features {
            Features::Mel(window) => self.draw_window(window, log_mel, rng, values, labels),
            Features::SeparatedMel => sequences::draw(&self.pools, rng, values, labels),
        }
    }

    fn draw_window(
        &self,
        window: WindowLength,
        log_mel: &mut LogMel,
        rng: &mut Xoshiro256PlusPlus,
        values: &mut [f32],
        labels: &mut [f32],
    ) {
        let a = self.mixing.augmentation();
        let stretch = augment::factor(rng, a.stretch);
        let span = (window.frames() as f32 * stretch).ceil() as usize + 1;
        let (track, start) = self.place(stretch, span, rng);
        let mix = self.mixing.mix(track, start, span, rng);
        let layers = mix.layers.iter().copied();

        let acoustics = mix.alone.then(|| Acoustics::draw(a, rng)).flatten();
        let count = window.frames();
        let mut frames = match acoustics {
            None => magnitudes_of_sum(log_mel, layers, count, stretch),
            Some(acoustics) => {
                let lead = acoustics.lead_samples();
                let change = |samples: &mut [f32]| self.filter.apply(&acoustics, samples, rng);
                magnitudes_of_changed(log_mel, layers, count, stretch, lead, change)
            }
        };
        augment::magnitudes(&mut frames, a, rng);
        for (out, value) in values.iter_mut().zip(frames.as_flattened()) {
            *out = value.max(LOG_FLOOR).ln();
        }
        augment::mask(values, a, rng);
        let (of_voice, of_speech) = labels.split_at_mut(self.label_frames.len());
        for (label, &frame) in of_voice.iter_mut().zip(&self.label_frames) {
            *label = match self.voice_around(track, start, frame, stretch) {
                _ if self.targets == Targets::Speech => UNLABELLED,
                Some(_) if !mix.has_voice => 0.0,
                Some(share) => share,
                None => UNLABELLED,
            };
        }
        for (label, &frame) in of_speech.iter_mut().zip(&self.label_frames) {
            let own = track.speech.get(place_of(track, start, frame, stretch));
            let behind = mix
                .background
                .iter()
                .map(|talker| talker.at(frame, stretch));
            *label = match any(behind.chain([own.copied().flatten()])) {
                Some(speech) => f32::from(u8::from(speech)),
                None => UNLABELLED,
            };
        }
    }

    /// Mean and standard deviation of the bands over drawn windows, after the level mode is applied.
    pub fn normalisation(&self, level: LevelMode, seed: u64) -> Normalisation {
        let plain = Normalisation {
            level,
            mean: [0.0; MEL_BANDS],
            std: [1.0; MEL_BANDS],
        };
        let mut sum = [0.0f64; MEL_BANDS];
        let mut squares = [0.0f64; MEL_BANDS];
        let mut log_mel = LogMel::new();
        let mut drawn = vec![0.0; self.values()];
        let mut values = drawn.clone();
        let mut labels = vec![0.0; self.labels()];
        for window in 0..NORMALISATION_WINDOWS {
            let mut rng = window_rng(seed, u64::MAX, window);
            self.draw(&mut log_mel, &mut rng, &mut drawn, &mut labels);
            plain.apply(&drawn, &mut values);
            for (i, &value) in values.iter().enumerate() {
                sum[i % MEL_BANDS] += f64::from(value);
                squares[i % MEL_BANDS] += f64::from(value).powi(2);
            }
        }
        let count = (NORMALISATION_WINDOWS as usize * self.features.frames()) as f64;
        let mean = sum.map(|s| s / count);
        let std = std::array::from_fn(|band| {
            let variance = squares[band] / count - mean[band].powi(2);
            (variance.max(0.0).sqrt() as f32).max(MIN_STD)
        });
        Normalisation {
            level,
            mean: mean.map(|m| m as f32),
            std,
        }
    }

    /// The label of a frame of a window that starts at the frame `start` of a track: the share of voice in the frames
    /// around it that have a label.
    fn voice_around(&self, track: &Track, start: f32, frame: usize, stretch: f32) -> Option<f32> {
        let place = place_of(track, start, frame, stretch);
        track.voice[place]?;
        let last = track.frames() - 1;
        let around = place.saturating_sub(self.soft_frames)..=(place + self.soft_frames).min(last);
        let (voiced, known) = track.voice[around]
            .iter()
            .flatten()
            .fold((0u32, 0u32), |(voiced, known), &voice| {
                (voiced + u32::from(voice), known + 1)
            });
        Some(voiced as f32 / known as f32)
    }

    /// Draws a track and the first frame of a window in it. The share of voice applies to the first horizon.
    fn place(&self, stretch: f32, span: usize, rng: &mut Xoshiro256PlusPlus) -> (&'a Track, f32) {
        let pool = pick_pool(&self.pools, rng);
        let required = pool.voice_share.map(|share| rng.random_bool(share));
        let mut tries = PLACE_TRIES;
        loop {
            let track = pool.pick_track(rng);
            let start = rng.random_range(0..=track.frames().saturating_sub(span)) as f32;
            let voiced = voiced_at(track, start, self.label_frames[0], stretch);
            tries -= 1;
            if voiced.is_some_and(|v| required.is_none_or(|r| r == v)) || tries == 0 {
                return (track, start);
            }
        }
    }
}

/// Draws a corpus, with a probability in proportion to its weight.
pub(super) fn pick_pool<'p, 'a>(
    pools: &'p [Pool<'a>],
    rng: &mut Xoshiro256PlusPlus,
) -> &'p Pool<'a> {
    let total = pools.last().map_or(0.0, |p| p.weight_sum);
    let place = rng.random_range(0.0..total);
    let pool = pools.iter().find(|p| place < p.weight_sum);
    pool.unwrap_or(&pools[0])
}

/// The label of a frame of a window that starts at the frame `start` of a track.
fn voiced_at(track: &Track, start: f32, frame: usize, stretch: f32) -> Option<bool> {
    track.voice[place_of(track, start, frame, stretch)]
}

/// Whether any of several is true; `None` if none is known to be, and some are unknown.
fn any(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all.reduce(|a, b| match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (None, _) | (_, None) => None,
        (Some(false), Some(false)) => Some(false),
    })
    .flatten()
}

/// The frame of a track that is this frame of a window; after the end, the last one.
fn place_of(track: &Track, start: f32, frame: usize, stretch: f32) -> usize {
    let place = (start + frame as f32 * stretch).round() as usize;
    place.min(track.frames() - 1)
}
