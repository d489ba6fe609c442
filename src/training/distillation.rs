//! Distillation: training on the outputs of a finished checkpoint, the teacher, beside the labels.

use tch::{Device, Tensor};

use crate::frontend::MEL_BANDS;
use crate::model::layers::channels_last;
use crate::model::{Checkpoint, Network, Normalisation};
use crate::training::experiment::{Experiment, SettingError};

/// The class that libtorch's cross-entropy ignores, which targets of probabilities do not have.
const NO_INDEX: i64 = -100;

/// A teacher that does not fit the experiment.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum TeacherError {
    /// The experiment requires a teacher.
    #[error("training.teacher_share requires a teacher; name its checkpoint (--teacher)")]
    Missing,
    /// The experiment has no use for a teacher.
    #[error("nothing is learnt from {0}: training.teacher_share is 0 or not given")]
    NoShare(String),
    /// Input or outputs of the teacher differ from the experiment's.
    #[error(
        "{teacher} cannot teach this experiment: input, horizons_frames ({horizons:?}) and level must be the same"
    )]
    Mismatch { teacher: String, horizons: Vec<u32> },
    /// A setting of the experiment is impossible.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// A network whose outputs are targets of a training (Hinton, Vinyals & Dean, "Distilling the knowledge in a
/// neural network", 2015, at temperature 1).
///
/// A label is yes or no and may be wrong; the output of a good teacher is a probability. The result of
/// distilling an ensemble to one network is in `config/experiments/live-pair/distilled.toml`.
pub struct Teacher {
    network: Network,
    /// From the student's normalisation of each band to the teacher's.
    factor: Tensor,
    summand: Tensor,
    share: f64,
}

impl Teacher {
    /// The teacher of an experiment; `None` if it has none. `student` is the normalisation of the windows
    /// that [`loss`](Self::loss) will receive.
    ///
    /// # Errors
    /// If the experiment requires a teacher and there is none, or the reverse, or the two do not fit.
    pub fn of_experiment(
        checkpoint: Option<&Checkpoint>,
        experiment: &Experiment,
        student: &Normalisation,
        device: Device,
    ) -> Result<Option<Self>, TeacherError> {
        match checkpoint {
            None if experiment.training.teacher_share > 0.0 => Err(TeacherError::Missing),
            None => Ok(None),
            Some(teacher) => Self::new(teacher, experiment, student, device).map(Some),
        }
    }

    fn new(
        checkpoint: &Checkpoint,
        experiment: &Experiment,
        student: &Normalisation,
        device: Device,
    ) -> Result<Self, TeacherError> {
        let teacher = checkpoint.metadata.name.clone();
        let share = experiment.training.teacher_share;
        if share == 0.0 {
            return Err(TeacherError::NoShare(teacher));
        }
        let architecture = experiment.architecture()?;
        let horizons = &experiment.horizons_frames;
        let own_horizons = &checkpoint.metadata.horizons_frames;
        if (architecture.features(), horizons, student.level)
            != (
                checkpoint.architecture.features(),
                own_horizons,
                checkpoint.normalisation.level,
            )
        {
            return Err(TeacherError::Mismatch {
                teacher,
                horizons: horizons.clone(),
            });
        }
        let change = checkpoint.normalisation.after(student);
        let [factor, summand] = change
            .map(|of_bands: [f32; MEL_BANDS]| Tensor::from_slice(&of_bands).to_device(device));
        Ok(Self {
            network: checkpoint.network(device),
            factor,
            summand,
            share,
        })
    }

    /// The loss with the teacher's share of it. `against_labels` is the loss against the labels, `logits` are
    /// windows × outputs × 2, `windows` are the inputs in the student's normalisation.
    pub fn loss(&self, against_labels: Tensor, logits: &Tensor, windows: &Tensor) -> Tensor {
        let taught = tch::no_grad(|| {
            let own = channels_last(&(windows * &self.factor + &self.summand));
            self.network.probabilities(&own)
        });
        // Speech is taught if both have that output.
        let shared = taught.size()[1].min(logits.size()[1]);
        let taught = taught.narrow(1, 0, shared).flatten(0, -1);
        let logits = logits.narrow(1, 0, shared).reshape([-1, 2]);
        let targets = Tensor::stack(&[1.0 - &taught, taught], -1);
        let mean = tch::Reduction::Mean;
        let against_teacher =
            logits.cross_entropy_loss::<Tensor>(&targets, None, mean, NO_INDEX, 0.0);
        against_labels * (1.0 - self.share) + against_teacher * self.share
    }
}
