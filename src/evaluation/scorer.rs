//! Probabilities of whole tracks.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use tch::Device;

use crate::corpora::{Corpus, SeparatedTrack, Track};
use crate::decision::{OverlapAverage, SpeechOutput};
use crate::evaluation::grid::Grid;
use crate::evaluation::levels::{Levels, magnitudes};
use crate::evaluation::metrics::Confusion;
use crate::frontend::window::frame_time_s;
use crate::frontend::{
    Features, HOP_SAMPLES, LOG_FLOOR, MEL_BANDS, WINDOW_HOP_FRAMES, WindowLength,
};
use crate::inference::engine::MAX_BATCH;
use crate::inference::forward_pass::ForwardPass;
use crate::inference::sequences::{at_time, frame_probabilities};
use crate::inference::{ComputePrecision, PrecisionError};
use crate::model::{Checkpoint, Network, Normalisation};

/// Windows in one forward pass: 6 MB; larger batches are no faster on a CPU.
const BATCH_WINDOWS: usize = 64;
/// Threads on a GPU. Each has its own copy of the network in the GPU's memory.
const MAX_GPU_THREADS: usize = 8;

/// The probabilities and labels of a track, for each horizon and window.
pub struct ScoredTrack {
    /// Name of the track.
    pub name: String,
    /// The input features of the network.
    pub features: Features,
    /// `[horizon][window]`.
    pub horizons: Vec<Vec<ScoredWindow>>,
    /// The second output, if the checkpoint has it.
    pub speech: Option<SpeechScores>,
}

/// The probabilities of speech of a track, with its labels.
pub struct SpeechScores {
    /// `[horizon][window]`: the probability that somebody speaks, and whether the label says so.
    pub horizons: Vec<Vec<ScoredWindow>>,
    /// `[horizon][window]`: the probability of voice without suppression by speech.
    pub voice_alone: Vec<Vec<f32>>,
}

/// The probability of voice in the frame of a horizon, after overlap averaging and suppression by speech if the checkpoint
/// uses them, and the label of that frame.
pub type ScoredWindow = (f32, Option<bool>);

impl ScoredTrack {
    /// The frames of the decisions at a horizon.
    pub fn grid(&self, horizon_frames: u32) -> Grid {
        Grid::new(self.features, horizon_frames)
    }

    /// Whether all probabilities are numbers. Those of a network whose sums grow too large are not.
    pub fn is_finite(&self) -> bool {
        let speech = self.speech.iter().flat_map(|speech| &speech.horizons);
        let mut windows = self.horizons.iter().chain(speech).flatten();
        windows.all(|(p, _)| p.is_finite())
    }

    /// The probabilities and labels of the labelled windows at a horizon index.
    pub fn labelled(&self, horizon: usize) -> impl Iterator<Item = (f32, bool)> {
        let windows = self.horizons[horizon].iter();
        windows.filter_map(|&(p, voice)| Some((p, voice?)))
    }

    /// The probabilities of speech and labels of the windows with a label for it, at a horizon index.
    pub fn labelled_speech(&self, horizon: usize) -> impl Iterator<Item = (f32, bool)> {
        let windows = self.speech.iter().flat_map(move |s| &s.horizons[horizon]);
        windows.filter_map(|&(p, speech)| Some((p, speech?)))
    }

    /// Decisions on all windows against the labels at a horizon index. Windows without a label do not count.
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

/// Scores tracks with a checkpoint.
pub struct TrackScorer {
    /// One per thread: two threads on one forward pass wait for each other more than they compute.
    networks: Vec<Scorer>,
    features: Features,
    normalisation: Normalisation,
    horizons_frames: Vec<u32>,
    /// Of a new stream; each track uses a clone.
    overlap: OverlapAverage,
    speech: Option<SpeechOutput>,
    device: Device,
    stride: usize,
    /// Of every so many windows the first is scored; the others' frames are filled.
    every: usize,
}

impl TrackScorer {
    /// Scores `threads` tracks at a time in float32, on a GPU at most 8: it serves one thread after the other, but the
    /// threads compute their spectrograms in parallel.
    pub fn new(checkpoint: &Checkpoint, device: Device, threads: usize) -> Self {
        match Self::with_precision(checkpoint, device, ComputePrecision::Float32, threads) {
            Ok(scorer) => scorer,
            Err(_) => unreachable!("float32 is possible everywhere"),
        }
    }

    /// The same with another precision of the weights.
    ///
    /// # Errors
    /// The network cannot be computed so on `device`.
    pub fn with_precision(
        checkpoint: &Checkpoint,
        device: Device,
        precision: ComputePrecision,
        threads: usize,
    ) -> Result<Self, PrecisionError> {
        let threads = match device {
            Device::Cpu => threads.max(1),
            _ => threads.clamp(1, MAX_GPU_THREADS),
        };
        Ok(Self {
            networks: (0..threads)
                .map(|_| Scorer::new(checkpoint, device, precision))
                .collect::<Result<_, _>>()?,
            features: checkpoint.architecture.features(),
            normalisation: checkpoint.normalisation.clone(),
            horizons_frames: checkpoint.metadata.horizons_frames.clone(),
            overlap: checkpoint.metadata.new_overlap_average(),
            speech: checkpoint.metadata.speech.clone(),
            device,
            stride: 1,
            every: 1,
        })
    }

    /// The input features of the checkpoint.
    pub fn features(&self) -> Features {
        self.features
    }

    /// Scores only every `stride`-th window of a track. Overlap averaging then has no neighbouring windows and no
    /// effect.
    #[must_use]
    pub fn with_stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Scores only the first of every `every` windows and fills the frames of the others, as `detect --every` does.
    #[must_use]
    pub fn with_every(self, every: NonZeroUsize) -> Self {
        Self {
            every: every.get(),
            ..self
        }
    }

    /// Scores a corpus at the recorded levels, stems mixed. `done` receives the number of frames of each finished track.
    pub fn score_corpus(
        &mut self,
        corpus: &Corpus,
        done: &(dyn Fn(usize) + Sync),
    ) -> Vec<ScoredTrack> {
        let tracks = corpus.tracks.iter();
        let jobs: Vec<_> = tracks.map(|t| (t, Levels::AS_RECORDED)).collect();
        self.score(&jobs, done)
    }

    /// Scores tracks at the given levels, and returns them in the same order. `done` receives the number of frames of
    /// each finished track. The numbers do not depend on the number of threads.
    ///
    /// # Panics
    ///
    /// libtorch fails, for instance for lack of GPU memory.
    pub fn score(
        &mut self,
        tracks: &[(&Track, Levels)],
        done: &(dyn Fn(usize) + Sync),
    ) -> Vec<ScoredTrack> {
        let pass = Pass {
            features: self.features,
            normalisation: &self.normalisation,
            horizons_frames: &self.horizons_frames,
            overlap: &self.overlap,
            speech: self.speech.as_ref(),
            stride: self.stride,
            every: self.every,
            device: self.device,
        };
        let next = AtomicUsize::new(0);
        let (next, pass) = (&next, &pass);
        let work = move |network: &mut Scorer| {
            tch::set_num_threads(1);
            let mut scored = Vec::new();
            while let Some((index, &(track, levels))) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                tracks.get(index).map(|job| (index, job))
            } {
                let track_scored = tch::no_grad(|| pass.score(network, track, levels));
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

/// A network of windows, or of whole recordings.
enum Scorer {
    Windows(Box<ForwardPass>, WindowLength),
    Recordings(Network),
}

impl Scorer {
    fn new(
        checkpoint: &Checkpoint,
        device: Device,
        precision: ComputePrecision,
    ) -> Result<Self, PrecisionError> {
        match checkpoint.architecture.features() {
            Features::Mel(window) => {
                let windows = match device {
                    Device::Cpu => MAX_BATCH,
                    _ => BATCH_WINDOWS,
                };
                let forward = ForwardPass::new(checkpoint, device, precision, windows)?;
                Ok(Self::Windows(Box::new(forward), window))
            }
            Features::SeparatedMel => {
                precision.check_whole_recordings()?;
                Ok(Self::Recordings(checkpoint.network(device)))
            }
        }
    }
}

/// Settings of the forward passes over a track.
struct Pass<'a> {
    features: Features,
    normalisation: &'a Normalisation,
    horizons_frames: &'a [u32],
    overlap: &'a OverlapAverage,
    speech: Option<&'a SpeechOutput>,
    stride: usize,
    every: usize,
    device: Device,
}

impl Pass<'_> {
    fn score(&self, network: &mut Scorer, track: &Track, levels: Levels) -> ScoredTrack {
        let (horizons, speech) = match (network, &track.separated) {
            (Scorer::Windows(forward, window), _) => {
                self.score_windows(forward, *window, track, levels)
            }
            (Scorer::Recordings(network), Some(separated)) => {
                let scored = self.score_recording(network, separated, track, levels);
                (vec![scored], None)
            }
            // The track was read for another network.
            (Scorer::Recordings(_), None) => (vec![Vec::new()], None),
        };
        ScoredTrack {
            name: track.name.clone(),
            features: self.features,
            horizons,
            speech,
        }
    }

    fn score_recording(
        &self,
        network: &Network,
        separated: &SeparatedTrack,
        track: &Track,
        levels: Levels,
    ) -> Vec<ScoredWindow> {
        // The separation does not depend on the level; energies are proportional to its square.
        let gain = levels.gain * levels.gain;
        let energies: Vec<f32> = separated.energies().iter().map(|e| e * gain).collect();
        let p = frame_probabilities(network, self.normalisation, &energies, self.device);
        let frames = (0..track.frames()).step_by(self.stride * WINDOW_HOP_FRAMES);
        let scored = frames.map(|frame| (at_time(&p, frame_time_s(frame)), track.voice[frame]));
        scored.collect()
    }

    fn score_windows(
        &self,
        forward: &mut ForwardPass,
        window: WindowLength,
        track: &Track,
        levels: Levels,
    ) -> (Vec<Vec<ScoredWindow>>, Option<SpeechScores>) {
        let log = |value: f32| value.max(LOG_FLOOR).ln();
        let log_mel: Vec<f32> = magnitudes(track, levels).flatten().map(log).collect();
        let starts: Vec<usize> = (0..)
            .map(|n| n * self.stride * WINDOW_HOP_FRAMES)
            .take_while(|start| start + window.frames() <= track.frames())
            .collect();
        let count = self.horizons_frames.len();
        let mut horizons = vec![Vec::with_capacity(starts.len()); count];
        let mut speech = self.speech.map(|_| SpeechScores {
            horizons: horizons.clone(),
            voice_alone: vec![Vec::with_capacity(starts.len()); count],
        });
        let mut overlap = self.overlap.clone();
        let mut overlap_of_speech = self.overlap.clone();
        let suppression = self.speech.and_then(|speech| speech.suppression);
        for batch in starts.chunks(BATCH_WINDOWS * self.every) {
            let inferred: Vec<usize> = batch.iter().copied().step_by(self.every).collect();
            let mut windows = vec![0.0; inferred.len() * window.values()];
            for (start, values) in inferred
                .iter()
                .zip(windows.chunks_exact_mut(window.values()))
            {
                let log_mel = &log_mel[start * MEL_BANDS..][..window.values()];
                self.normalisation.apply(log_mel, values);
            }
            // Only scored windows count, so that a stride leaves no member out.
            let hop_frames = WINDOW_HOP_FRAMES * self.stride * self.every;
            let numbers: Vec<u64> = inferred
                .iter()
                .map(|start| (start / hop_frames) as u64)
                .collect();
            let rows = forward.probabilities(&windows, &numbers);
            let outputs = rows.len() / inferred.len();
            for (place, &start) in batch.iter().enumerate() {
                let start_sample = (start * HOP_SAMPLES) as u64;
                let (voice, talk) = match place % self.every {
                    0 => {
                        let row = &rows[place / self.every * outputs..][..outputs];
                        let (voice, talk) = row.split_at(count);
                        (
                            overlap.push(start_sample, voice),
                            overlap_of_speech.push(start_sample, talk),
                        )
                    }
                    // The first window of a track is scored.
                    _ => (
                        overlap.fill_all(start_sample),
                        overlap_of_speech.fill_all(start_sample),
                    ),
                };
                for (h, &alone) in voice.iter().enumerate() {
                    let frame = start + window.frame_at(self.horizons_frames[h]);
                    let mut p = alone;
                    if let (Some(speech), Some(&talk)) = (&mut speech, talk.get(h)) {
                        p = suppression.map_or(alone, |rule| rule.apply(alone, talk));
                        let label = track.speech.get(frame).copied().flatten();
                        speech.horizons[h].push((talk, label));
                        speech.voice_alone[h].push(alone);
                    }
                    horizons[h].push((p, track.voice[frame]));
                }
            }
        }
        (horizons, speech)
    }
}

/// The probabilities and labels of all labelled windows at a horizon index, track after track.
pub fn pooled<'a>(
    tracks: impl IntoIterator<Item = &'a ScoredTrack>,
    horizon: usize,
) -> Vec<(f32, bool)> {
    tracks
        .into_iter()
        .flat_map(|t| t.labelled(horizon))
        .collect()
}
