//! Checkpoints of a training: after an epoch, and finished with operating points.

use std::path::Path;

use tch::Device;

use crate::corpora::Corpus;
use crate::decision::{OperatingPoint, SpeechOutput};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::scorer::{ScoredTrack, TrackScorer, pooled};
use crate::evaluation::speech_search;
use crate::evaluation::threshold_search;
use crate::evaluation::threshold_search::Aim;
use crate::inference::cores;
use crate::model::layers::Weights;
use crate::model::metadata::FORMAT_VERSION;
use crate::model::{
    Architecture, Checkpoint, CheckpointError, FrontendSettings, Metadata, Normalisation,
};
use crate::training::experiment::Experiment;

/// A checkpoint of these weights with placeholder operating points and without figures.
pub fn checkpoint(
    experiment: &Experiment,
    architecture: Architecture,
    weights: &Weights,
    normalisation: &Normalisation,
) -> Checkpoint {
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        name: experiment.name.clone(),
        architecture: architecture.family.name().into(),
        depth: architecture.family.depth(),
        members: architecture.members,
        alternating: false,
        frontend: FrontendSettings::of_features(architecture.features()),
        level: normalisation.level,
        horizons_frames: experiment.horizons_frames.clone(),
        overlap_averaging: experiment.overlap_averaging,
        operating_points: vec![OperatingPoint::around(0.5); experiment.horizons_frames.len()],
        speech: architecture.speech.then(|| SpeechOutput {
            operating_points: vec![OperatingPoint::around(0.5); experiment.horizons_frames.len()],
            suppression: None,
        }),
        default_horizon_frames: experiment.default_horizon_frames(),
        trained_on: experiment
            .corpus
            .iter()
            .filter(|c| c.weight > 0.0)
            .map(|c| format!("{:?} ({})", c.kind, c.root.display()))
            .collect(),
        figures: Default::default(),
        license: experiment.license.clone(),
    };
    let weights = weights
        .iter()
        .map(|(name, w)| (name.clone(), w.shallow_clone()))
        .collect();
    Checkpoint {
        metadata,
        architecture,
        normalisation: normalisation.clone(),
        weights,
    }
}

/// A choice of thresholds, with the published decisions on the data that it was made on.
pub struct Choice {
    /// The horizon, in frames.
    pub horizon_frames: u32,
    /// The checkpoint's thresholds and their decisions.
    pub before: (OperatingPoint, Confusion),
    /// The chosen ones and theirs.
    pub after: (OperatingPoint, Confusion),
}

/// [`choose_and_write`] without the choices.
///
/// # Errors
/// If the file cannot be written.
pub fn finish(
    checkpoint: Checkpoint,
    valid: &[Corpus],
    aim: Aim,
    device: Device,
    out: &Path,
) -> Result<Metadata, CheckpointError> {
    Ok(choose_and_write(checkpoint, valid, aim, device, out)?.0)
}

/// Scores a checkpoint on validation data, chooses an operating point for each horizon by `aim`, records the
/// accuracies, and what concerns speech if it has that output, and writes the checkpoint to `out`.
///
/// # Errors
/// If the file cannot be written.
pub fn choose_and_write(
    mut checkpoint: Checkpoint,
    valid: &[Corpus],
    aim: Aim,
    device: Device,
    out: &Path,
) -> Result<(Metadata, Vec<Choice>), CheckpointError> {
    let scored = score(&mut checkpoint, valid, device);
    let horizons = checkpoint.metadata.horizons_frames.clone();
    let mut choices = Vec::new();
    for (h, &horizon_frames) in horizons.iter().enumerate() {
        let before = checkpoint.metadata.operating_points[h];
        let point = threshold_search::choose(&scored, h, aim);
        let with_decisions = |point| (point, threshold_search::published(&scored, h, &point));
        choices.push(Choice {
            horizon_frames,
            before: with_decisions(before),
            after: with_decisions(point),
        });
        checkpoint.metadata.operating_points[h] = point;
        for (corpus, tracks) in valid.iter().zip(&scored) {
            let accuracy = Confusion::at(point.threshold, pooled(tracks, h)).accuracy();
            let name = format!(
                "valid/{}/horizon_{horizon_frames}/accuracy_raw",
                corpus.name
            );
            checkpoint.metadata.figures.insert(name, accuracy);
        }
    }
    speech_search::choose(&mut checkpoint.metadata, &scored);
    checkpoint.write(out)?;
    Ok((checkpoint.metadata, choices))
}

/// The same for the output for speech alone: operating points and figures of voice stay as they are.
///
/// # Errors
/// If the file cannot be written.
pub fn finish_speech(
    mut checkpoint: Checkpoint,
    valid: &[Corpus],
    device: Device,
    out: &Path,
) -> Result<Metadata, CheckpointError> {
    let scored = score(&mut checkpoint, valid, device);
    speech_search::choose(&mut checkpoint.metadata, &scored);
    checkpoint.write(out)?;
    Ok(checkpoint.metadata)
}

/// Scores the tracks of each corpus. Where there is speech, its suppression of voice is to be chosen anew: it is removed.
fn score(checkpoint: &mut Checkpoint, valid: &[Corpus], device: Device) -> Vec<Vec<ScoredTrack>> {
    let mut labels = valid.iter().flat_map(|c| &c.tracks).flat_map(|t| &t.speech);
    if let Some(speech) = &mut checkpoint.metadata.speech
        && labels.any(|speech| *speech == Some(true))
    {
        speech.suppression = None;
    }
    let mut scorer = TrackScorer::new(checkpoint, device, cores());
    let corpora = valid.iter();
    corpora
        .map(|corpus| scorer.score_corpus(corpus, &|_| ()))
        .collect()
}
