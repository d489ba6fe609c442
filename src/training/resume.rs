//! What a training begins with: the state in its folder, or a fresh one.

use crate::model::network::initial_weights;
use crate::model::{Architecture, Normalisation};
use crate::training::adam::Adam;
use crate::training::context::TrainContext;
use crate::training::error::TrainError;
use crate::training::experiment::Experiment;
use crate::training::experiment::identity::{fixed_part, other_settings};
use crate::training::flat_params::FlatParams;
use crate::training::sampler::Sampler;
use crate::training::state::{Progress, State};

/// A fresh state, or the one in the folder, which must be of the same experiment and teacher. The error is a
/// sentence.
pub(super) fn begin(
    experiment: &Experiment,
    architecture: Architecture,
    sampler: &Sampler,
    context: &TrainContext,
) -> Result<State, TrainError> {
    let path = TrainContext::state_path(context.folder);
    let mut state = if path.exists() {
        let state = State::read(&path, architecture, experiment, context.device)?;
        if let Some(differences) = other_settings(&state.progress.experiment, experiment) {
            return Err(TrainError::OtherSettings {
                folder: context.folder.into(),
                differences,
            });
        }
        same_teacher(&state.progress, context)?;
        state
    } else {
        fresh(experiment, architecture, sampler, context)?
    };
    let learnt = state.adam.mean.parts();
    state
        .weights
        .require_gradients(|name| learnt.contains_key(name));
    Ok(state)
}

/// The state before the first step: random weights, or those of a checkpoint with its
/// normalisation of the bands, which they were learnt behind.
fn fresh(
    experiment: &Experiment,
    architecture: Architecture,
    sampler: &Sampler,
    context: &TrainContext,
) -> Result<State, TrainError> {
    let training = &experiment.training;
    let (weights, normalisation) = match context.start_from {
        Some(start)
            if (start.architecture, &start.metadata.horizons_frames)
                != (architecture, &experiment.horizons_frames) =>
        {
            return Err(TrainError::StartMismatch);
        }
        Some(start) => (
            start
                .weights
                .iter()
                .map(|(n, w)| (n.clone(), w.copy()))
                .collect(),
            Normalisation {
                // To be learnt: with gain among the augmentations it is little to learn.
                level: experiment.level,
                ..start.normalisation.clone()
            },
        ),
        None if experiment.learnt_outputs().is_some() => {
            return Err(TrainError::NoStart);
        }
        None => {
            tch::manual_seed(training.seed as i64);
            (
                initial_weights(architecture),
                sampler.normalisation(experiment.level, training.seed),
            )
        }
    };
    let copied = || FlatParams::network(architecture, &weights, context.device);
    let learnt = FlatParams::trainable(architecture, &weights, context.device);
    Ok(State {
        weights: copied(),
        average: copied(),
        adam: Adam::new(&learnt, training.weight_decay),
        normalisation,
        progress: Progress {
            experiment: fixed_part(experiment)?,
            epochs_done: 0,
            steps: 0,
            best_loss: None,
            epochs_without_gain: 0,
            stopped_early: false,
            teacher: taught_by(context),
        },
    })
}

fn taught_by(context: &TrainContext) -> Option<String> {
    context.teacher.map(|teacher| teacher.metadata.name.clone())
}

/// Half a training by one teacher and half by another would be neither's. That there is one where one is asked
/// for is checked with the teacher.
fn same_teacher(progress: &Progress, context: &TrainContext) -> Result<(), TrainError> {
    match (&progress.teacher, taught_by(context)) {
        (Some(first), Some(now)) if *first != now => Err(TrainError::OtherTeacher {
            folder: context.folder.into(),
            first: first.clone(),
            now,
        }),
        _ => Ok(()),
    }
}
