//! Scores whole tracks.

use std::sync::atomic::{AtomicUsize, Ordering};

use tch::{Device, Tensor};

use crate::corpora::feature_cache::{SeparatedTrack, frame_time_s};
use crate::corpora::recording::{Frame, Heard, magnitudes_of_sum};
use crate::corpora::{Corpus, Sound, Track};
use crate::decision::OverlapAverage;
use crate::evaluation::grid::Grid;
use crate::evaluation::metrics::Confusion;
use crate::frontend::mel::band_of_hz;
use crate::frontend::{
    Features, HOP_SAMPLES, LOG_FLOOR, LogMel, MEL_BANDS, WINDOW_HOP_FRAMES, WindowLength,
};
use crate::inference::sequences::{at_time, frame_probabilities};
use crate::model::checkpoint::float_values;
use crate::model::layers::channels_last;
use crate::model::{Checkpoint, Network, Normalisation};

/// Windows in one forward pass: as fast as any on a CPU, and 6 MB.
const BATCH_WINDOWS: usize = 64;
/// Each has the network in the GPU's memory once more.
const MOST_GPU_THREADS: usize = 8;

/// The probabilities of a track: for each horizon, a pair a window.
pub struct ScoredTrack {
    pub name: String,
    /// What the network looked at.
    pub features: Features,
    /// `[horizon][window]`.
    pub horizons: Vec<Vec<ScoredWindow>>,
}

/// The probability of a voice in the frame that a horizon speaks of, by the consensus of all windows so
/// far where the checkpoint asks for that, and whether there is one, where a label says.
pub type ScoredWindow = (f32, Option<bool>);

impl ScoredTrack {
    /// The frames that a horizon's decisions speak of.
    pub fn grid(&self, horizon_frames: u32) -> Grid {
        Grid::new(self.features, horizon_frames)
    }

    /// The windows of a horizon whose label is known.
    pub fn labelled(&self, horizon: usize) -> impl Iterator<Item = (f32, bool)> {
        let windows = self.horizons[horizon].iter();
        windows.filter_map(|&(p, voice)| Some((p, voice?)))
    }

    /// Decisions, one a window, against the labels of a horizon where there are any.
    pub fn confusion(&self, horizon: usize, decided: &[bool]) -> Confusion {
        let mut confusion = Confusion::default();
        for (&voice, (_, label)) in decided.iter().zip(&self.horizons[horizon]) {
            if let Some(label) = label {
                confusion.count(voice, *label);
            }
        }
        confusion
    }
}

/// How loud the parts of a track are when it is scored, as factors. A recording that was separated as
/// a whole has no parts: only `gain` changes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    pub voice: f32,
    pub accompaniment: f32,
    /// Of the whole, finished mixes included.
    pub gain: f32,
    /// Nothing above this is heard, as after a telephone or a codec.
    pub treble_up_to_hz: Option<f32>,
}

impl Levels {
    /// A mix as it is, and the mean of two stems, as a mono version of their file would hold.
    pub const AS_RECORDED: Self = Self {
        voice: 0.5,
        accompaniment: 0.5,
        gain: 1.0,
        treble_up_to_hz: None,
    };

    pub fn with_gain_db(db: f32) -> Self {
        Self {
            gain: 10f32.powf(db / 20.0),
            ..Self::AS_RECORDED
        }
    }
}

/// A checkpoint made ready to score many tracks.
pub struct TrackScorer {
    /// One a thread: two threads on one pass wait for each other more than they compute.
    networks: Vec<Network>,
    features: Features,
    normalisation: Normalisation,
    horizons_frames: Vec<u32>,
    /// A fresh one, to be cloned.
    overlap: OverlapAverage,
    device: Device,
    stride: usize,
}

impl TrackScorer {
    /// A GPU computes for one thread after the other, but each takes its own tracks' spectra.
    pub fn new(checkpoint: &Checkpoint, device: Device, threads: usize) -> Self {
        let threads = match device {
            Device::Cpu => threads.max(1),
            _ => threads.clamp(1, MOST_GPU_THREADS),
        };
        Self {
            networks: (0..threads).map(|_| checkpoint.network(device)).collect(),
            features: checkpoint.architecture.features(),
            normalisation: checkpoint.normalisation.clone(),
            horizons_frames: checkpoint.metadata.horizons_frames.clone(),
            overlap: checkpoint.metadata.new_overlap_average(),
            device,
            stride: 1,
        }
    }

    /// What the checkpoint looks at.
    pub fn features(&self) -> Features {
        self.features
    }

    /// The same, looking at every `stride`-th window of a track only; a consensus of windows finds
    /// none beside them then, and each stands for itself.
    pub fn with_stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Scores the windows of a corpus as it was recorded, stems mixed; `done` is told the frames of
    /// each track.
    pub fn score_corpus(
        &mut self,
        corpus: &Corpus,
        done: &(dyn Fn(usize) + Sync),
    ) -> Vec<ScoredTrack> {
        let tracks = corpus.tracks.iter();
        let jobs: Vec<_> = tracks.map(|t| (t, Levels::AS_RECORDED)).collect();
        self.score(&jobs, done)
    }

    /// Scores the windows of every track, in their order; `done` is told the frames of each. The
    /// numbers do not depend on how many threads there are.
    pub fn score(
        &mut self,
        tracks: &[(&Track, Levels)],
        done: &(dyn Fn(usize) + Sync),
    ) -> Vec<ScoredTrack> {
        let look = Look {
            normalisation: &self.normalisation,
            horizons_frames: &self.horizons_frames,
            overlap: &self.overlap,
            stride: self.stride,
            device: self.device,
        };
        let next = AtomicUsize::new(0);
        let (next, look) = (&next, &look);
        let work = move |network: &mut Network| {
            tch::set_num_threads(1);
            let mut scored = Vec::new();
            while let Some((index, &(track, levels))) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                tracks.get(index).map(|job| (index, job))
            } {
                let track_scored = tch::no_grad(|| look.score(network, track, levels));
                scored.push((index, track_scored));
                done(track.frames());
            }
            scored
        };
        let mut scored: Vec<(usize, ScoredTrack)> = std::thread::scope(|scope| {
            let networks = self.networks.iter_mut();
            let workers: Vec<_> = networks.map(|n| scope.spawn(move || work(n))).collect();
            let results = workers.into_iter().map(|worker| match worker.join() {
                Ok(scored) => scored,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            results.flatten().collect()
        });
        scored.sort_by_key(|(index, _)| *index);
        scored.into_iter().map(|(_, track)| track).collect()
    }
}

/// What a network looks at in a track, and where.
struct Look<'a> {
    normalisation: &'a Normalisation,
    horizons_frames: &'a [u32],
    overlap: &'a OverlapAverage,
    stride: usize,
    device: Device,
}

impl Look<'_> {
    fn score(&self, network: &Network, track: &Track, levels: Levels) -> ScoredTrack {
        let features = network.features();
        let horizons = match (features, &track.separated) {
            (Features::Mel(window), _) => self.score_windows(network, window, track, levels),
            (Features::SeparatedMel, Some(separated)) => {
                vec![self.score_recording(network, separated, track, levels)]
            }
            // It was read for another network: nothing is known of it.
            (Features::SeparatedMel, None) => vec![Vec::new()],
        };
        ScoredTrack {
            name: track.name.clone(),
            features,
            horizons,
        }
    }

    fn score_recording(
        &self,
        network: &Network,
        separated: &SeparatedTrack,
        track: &Track,
        levels: Levels,
    ) -> Vec<ScoredWindow> {
        // The separation is the same at any level, and energies go with its square.
        let gain = levels.gain * levels.gain;
        let energies: Vec<f32> = separated.energies().iter().map(|e| e * gain).collect();
        let p = frame_probabilities(network, self.normalisation, &energies, self.device);
        let frames = (0..track.frames()).step_by(self.stride * WINDOW_HOP_FRAMES);
        let scored = frames.map(|frame| (at_time(&p, frame_time_s(frame)), track.voice[frame]));
        scored.collect()
    }

    fn score_windows(
        &self,
        network: &Network,
        window: WindowLength,
        track: &Track,
        levels: Levels,
    ) -> Vec<Vec<ScoredWindow>> {
        let log = |value: f32| value.max(LOG_FLOOR).ln();
        let log_mel: Vec<f32> = magnitudes(track, levels).flatten().map(log).collect();
        let starts: Vec<usize> = (0..)
            .map(|n| n * self.stride * WINDOW_HOP_FRAMES)
            .take_while(|start| start + window.frames() <= track.frames())
            .collect();
        let mut horizons = vec![Vec::with_capacity(starts.len()); self.horizons_frames.len()];
        let mut overlap = self.overlap.clone();
        for batch in starts.chunks(BATCH_WINDOWS) {
            let mut windows = vec![0.0; batch.len() * window.values()];
            for (start, values) in batch.iter().zip(windows.chunks_exact_mut(window.values())) {
                let log_mel = &log_mel[start * MEL_BANDS..][..window.values()];
                self.normalisation.apply(log_mel, values);
            }
            let input = Tensor::from_slice(&windows)
                .reshape(network.input_shape(batch.len()))
                .to_device(self.device);
            // Counted as they are looked at, so that a stride leaves no member out.
            let numbers: Vec<u64> = batch
                .iter()
                .map(|start| (start / WINDOW_HOP_FRAMES / self.stride) as u64)
                .collect();
            let rows = network.probabilities_of_stream(&channels_last(&input), &numbers);
            let rows = float_values(&rows);
            for (row, start) in rows.chunks_exact(self.horizons_frames.len()).zip(batch) {
                let row = overlap.push((start * HOP_SAMPLES) as u64, row);
                for ((out, &p), &h) in horizons.iter_mut().zip(&row).zip(self.horizons_frames) {
                    out.push((p, track.voice[start + window.frame_at(h)]));
                }
            }
        }
        horizons
    }
}

/// Every scored and labelled window of a horizon, track after track.
pub fn pooled<'a>(
    tracks: impl IntoIterator<Item = &'a ScoredTrack>,
    horizon: usize,
) -> Vec<(f32, bool)> {
    tracks
        .into_iter()
        .flat_map(|t| t.labelled(horizon))
        .collect()
}

/// The mel magnitudes of a track at these levels, frame after frame.
pub fn magnitudes(track: &Track, levels: Levels) -> impl Iterator<Item = Frame> {
    let parts = match &track.sound {
        Sound::Mix(whole) | Sound::Solo(whole) | Sound::Speech(whole) => {
            vec![(whole, levels.gain)]
        }
        Sound::Stems {
            voice,
            accompaniment,
        } => vec![
            (voice, levels.gain * levels.voice),
            (accompaniment, levels.gain * levels.accompaniment),
        ],
    };
    let heard = levels.treble_up_to_hz.map_or(MEL_BANDS, |hz| {
        band_of_hz(f64::from(hz)).clamp(0.0, MEL_BANDS as f64) as usize
    });
    let mut log_mel = LogMel::new();
    (0..track.frames()).map(move |frame| {
        let at_frame = parts.iter().map(|&(part, gain)| Heard {
            gain,
            ..Heard::plainly(part, frame as f32)
        });
        let mut bands = magnitudes_of_sum(&mut log_mel, at_frame, 1, 1.0)[0];
        bands[heard..].fill(0.0);
        bands
    })
}
