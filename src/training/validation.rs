//! Validation of a training's weights after an epoch.

use serde::Serialize;

use crate::evaluation::metrics::{Confusion, auroc, cross_entropy};
use crate::evaluation::scorer::{TrackScorer, pooled};
use crate::model::Architecture;
use crate::training::context::TrainContext;
use crate::training::experiment::Experiment;
use crate::training::export::checkpoint;
use crate::training::sampler::Targets;
use crate::training::state::State;

/// Every such window of a track is scored: one in 0.36 s.
const STRIDE_WINDOWS: usize = 5;

/// Validation of one corpus. All but the loss is for the largest look-ahead.
#[derive(Debug, Clone, Serialize)]
pub struct CorpusReport {
    /// The corpus's name.
    pub name: String,
    /// Mean cross-entropy over the horizons.
    pub loss: f64,
    /// Accuracy at a threshold of 0.5.
    pub accuracy_at_half: f64,
    /// Area under the ROC curve; NaN if only one class occurs.
    pub auroc: f64,
    /// The output for speech on the corpus, if there are labels for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechReport>,
}

/// Validation of the output for speech, by the windows with a label for it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SpeechReport {
    /// Mean cross-entropy over the horizons.
    pub loss: f64,
    /// Accuracy at a threshold of 0.5.
    pub accuracy_at_half: f64,
    /// Area under the ROC curve; NaN if only one class occurs.
    pub auroc: f64,
}

impl CorpusReport {
    /// The mean cross-entropy of the outputs that are trained; `None` without a label for them.
    pub(super) fn trained_loss(&self, targets: Targets) -> Option<f64> {
        let speech = self.speech.map(|speech| speech.loss);
        match targets {
            Targets::Voice => Some(self.loss),
            Targets::VoiceAndSpeech => {
                Some(speech.map_or(self.loss, |speech| f64::midpoint(self.loss, speech)))
            }
            Targets::Speech => speech,
        }
    }
}

/// Scores the averaged weights on every corpus for validation.
pub(super) fn validate(
    experiment: &Experiment,
    architecture: Architecture,
    state: &State,
    context: &TrainContext,
) -> Vec<CorpusReport> {
    let weights = state.average.parts();
    let checkpoint = checkpoint(experiment, architecture, weights, &state.normalisation);
    let threads = tch::get_num_threads().max(1) as usize;
    let scorer = TrackScorer::new(&checkpoint, context.device, threads);
    let mut scorer = scorer.with_stride(STRIDE_WINDOWS);
    let horizons = experiment.horizons_frames.len();
    let report = |corpus: &crate::corpora::Corpus| {
        let tracks = scorer.score_corpus(corpus, &|_| ());
        let losses = (0..horizons).map(|h| cross_entropy(&pooled(&tracks, h)));
        let first = pooled(&tracks, 0);
        let labelled =
            |h: usize| -> Vec<_> { tracks.iter().flat_map(|t| t.labelled_speech(h)).collect() };
        let of_speech = labelled(0);
        let speech = (!of_speech.is_empty()).then(|| SpeechReport {
            loss: (0..horizons)
                .map(|h| cross_entropy(&labelled(h)))
                .sum::<f64>()
                / horizons as f64,
            accuracy_at_half: Confusion::at(0.5, of_speech.iter().copied()).accuracy(),
            auroc: auroc(&of_speech),
        });
        CorpusReport {
            name: corpus.name.clone(),
            loss: losses.sum::<f64>() / horizons as f64,
            accuracy_at_half: Confusion::at(0.5, first.iter().copied()).accuracy(),
            auroc: auroc(&first),
            speech,
        }
    };
    context.valid.iter().map(report).collect()
}
