//! The start of a training: the state in its folder, or a new one.

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

/// Reads the state in the folder of a training, or makes a new one.
///
/// # Errors
/// If the state cannot be read or is of other settings or another teacher, or the first weights do not fit.
pub(super) fn resume_or_start(
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
        check_teacher(&state.progress, context)?;
        state
    } else {
        new_state(experiment, architecture, sampler, context)?
    };
    let trained = state.adam.mean.parts();
    let is_trained = |name: &str| trained.contains_key(name);
    state.weights.require_gradients(is_trained);
    Ok(state)
}

/// The state before the first step: random weights and a normalisation measured on drawn windows, or those of
/// the checkpoint to start from.
fn new_state(
    experiment: &Experiment,
    architecture: Architecture,
    sampler: &Sampler,
    context: &TrainContext,
) -> Result<State, TrainError> {
    let training = &experiment.training;
    let horizons = &experiment.horizons_frames;
    let (weights, normalisation) = match context.start_from {
        Some(start)
            if (start.architecture, &start.metadata.horizons_frames)
                != (architecture, horizons)
                || training.only_speech && start.normalisation.level != experiment.level =>
        {
            return Err(TrainError::StartMismatch);
        }
        Some(start) => {
            let weights = start.weights.iter();
            let normalisation = Normalisation {
                // May differ from the checkpoint's: the network adapts quickly if it was trained with changes of
                // level.
                level: experiment.level,
                ..start.normalisation.clone()
            };
            (
                weights.map(|(n, w)| (n.clone(), w.copy())).collect(),
                normalisation,
            )
        }
        None if experiment.trained_outputs().is_some() => return Err(TrainError::NoStart),
        None => {
            tch::manual_seed(training.seed as i64);
            (
                initial_weights(architecture),
                sampler.normalisation(experiment.level, training.seed),
            )
        }
    };
    let network = || FlatParams::network(architecture, &weights, context.device);
    let trained = FlatParams::trainable(architecture, &weights, context.device);
    Ok(State {
        weights: network(),
        average: network(),
        adam: Adam::new(&trained, training.weight_decay),
        normalisation,
        progress: Progress {
            experiment: fixed_part(experiment)?,
            epochs_done: 0,
            steps: 0,
            best_loss: None,
            epochs_without_gain: 0,
            stopped_early: false,
            teacher: teacher_name(context),
        },
    })
}

fn teacher_name(context: &TrainContext) -> Option<String> {
    context.teacher.map(|teacher| teacher.metadata.name.clone())
}

/// Refuses another teacher than the one that the training began with. [`Teacher::of_experiment`] checks that
/// there is one.
///
/// [`Teacher::of_experiment`]: crate::training::distillation::Teacher::of_experiment
fn check_teacher(progress: &Progress, context: &TrainContext) -> Result<(), TrainError> {
    match (&progress.teacher, teacher_name(context)) {
        (Some(first), Some(now)) if *first != now => Err(TrainError::OtherTeacher {
            folder: context.folder.into(),
            first: first.clone(),
            now,
        }),
        _ => Ok(()),
    }
}
