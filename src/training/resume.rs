//! What a training begins with: the state in its folder, or a fresh one.

use crate::model::network::initial_weights;
use crate::model::{Architecture, Normalisation};
use crate::training::adam::Adam;
use crate::training::experiment::Experiment;
use crate::training::experiment::identity::{fixed_part, other_settings};
use crate::training::fit::TrainContext;
use crate::training::flat_params::FlatParams;
use crate::training::sampler::Sampler;
use crate::training::state::{Progress, State};

/// A fresh state, or the one in the folder, which must be of the same experiment and teacher. The error is a
/// sentence.
pub(super) fn begin(
    experiment: &Experiment,
    architecture: Architecture,
    sampler: &Sampler,
    setting: &TrainContext,
) -> Result<State, String> {
    let path = TrainContext::state_path(setting.folder);
    let mut state = if path.exists() {
        let state = State::read(&path, architecture, experiment, setting.device)?;
        if let Some(differences) = other_settings(&state.progress.experiment, experiment) {
            return Err(format!(
                "{} belongs to an experiment with other settings ({differences}); \
                 give another --run folder, or remove this one",
                setting.folder.display()
            ));
        }
        same_teacher(&state.progress, setting)?;
        state
    } else {
        fresh(experiment, architecture, sampler, setting)?
    };
    let learnt = state.adam.mean.parts();
    state.weights.learn(|name| learnt.contains_key(name));
    Ok(state)
}

/// The state before the first step: random weights, or those of a checkpoint with its
/// normalisation of the bands, which they were learnt behind.
fn fresh(
    experiment: &Experiment,
    architecture: Architecture,
    sampler: &Sampler,
    setting: &TrainContext,
) -> Result<State, String> {
    let training = &experiment.training;
    let (weights, normalisation) = match setting.start_from {
        Some(start)
            if (start.architecture, &start.metadata.horizons_frames)
                != (architecture, &experiment.horizons_frames) =>
        {
            return Err(
                "the checkpoint to start from is of another network or other horizons".into(),
            );
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
            return Err(
                "training.only_horizons_frames leaves everything else as the checkpoint to start from has it; \
                 name one (--start-from)"
                    .into(),
            );
        }
        None => {
            tch::manual_seed(training.seed as i64);
            (
                initial_weights(architecture),
                sampler.normalisation(experiment.level, training.seed),
            )
        }
    };
    let copied = || FlatParams::network(architecture, &weights, setting.device);
    let learnt = FlatParams::learnt(architecture, &weights, setting.device);
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
            teacher: taught_by(setting),
        },
    })
}

fn taught_by(setting: &TrainContext) -> Option<String> {
    setting.teacher.map(|teacher| teacher.metadata.name.clone())
}

/// Half a training by one teacher and half by another would be neither's. That there is one where one is asked
/// for is checked with the teacher.
fn same_teacher(progress: &Progress, setting: &TrainContext) -> Result<(), String> {
    match (&progress.teacher, taught_by(setting)) {
        (Some(first), Some(now)) if *first != now => Err(format!(
            "the training in {} learns from {first}, not from {now}: name that checkpoint (--teacher), or give \
             another --run folder",
            setting.folder.display()
        )),
        _ => Ok(()),
    }
}
