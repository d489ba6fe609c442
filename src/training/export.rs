//! Checkpoints of a training: after an epoch, and finished with operating points.

use std::path::Path;

use tch::Device;

use crate::corpora::Corpus;
use crate::decision::OperatingPoint;
use crate::evaluation::metrics::Confusion;
use crate::evaluation::scorer::{TrackScorer, pooled};
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
/// accuracies, and writes the checkpoint to `out`.
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
    let mut scorer = TrackScorer::new(&checkpoint, device, cores());
    let horizons = checkpoint.metadata.horizons_frames.clone();
    let scored: Vec<_> = valid
        .iter()
        .map(|corpus| scorer.score_corpus(corpus, &|_| ()))
        .collect();
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
    checkpoint.write(out)?;
    Ok((checkpoint.metadata, choices))
}
