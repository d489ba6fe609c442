//! A finished checkpoint that a training learns from beside its labels.

use tch::{Device, Tensor};

use crate::frontend::MEL_BANDS;
use crate::model::layers::channels_last;
use crate::model::{Checkpoint, Network, Normalisation};
use crate::training::experiment::Experiment;

/// The answers of another network to the windows of a training, as what they should be called: distillation
/// (Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network", 2015, at temperature 1). A label says
/// yes or no and may be wrong; a good teacher says how sure one can be. What came of teaching a committee's answers to one
/// network is in `config/experiments/live-pair/distilled.toml`.
pub struct Teacher {
    network: Network,
    /// From the student's normalisation of each band to the teacher's own.
    factor: Tensor,
    summand: Tensor,
    share: f64,
}

impl Teacher {
    /// The teacher of an experiment that asks for one. `student` is the normalisation of the windows that
    /// will be given. The error is a sentence.
    pub fn asked_for(
        checkpoint: Option<&Checkpoint>,
        experiment: &Experiment,
        student: &Normalisation,
        device: Device,
    ) -> Result<Option<Self>, String> {
        match checkpoint {
            None if experiment.training.teacher_share > 0.0 => Err(
                "training.teacher_share asks for a teacher; name its checkpoint (--teacher)".into(),
            ),
            None => Ok(None),
            Some(teacher) => Self::new(teacher, experiment, student, device).map(Some),
        }
    }

    fn new(
        checkpoint: &Checkpoint,
        experiment: &Experiment,
        student: &Normalisation,
        device: Device,
    ) -> Result<Self, String> {
        let name = &checkpoint.metadata.name;
        let share = experiment.training.teacher_share;
        if share == 0.0 {
            return Err(format!(
                "nothing is learnt from {name}: training.teacher_share is 0 or not given"
            ));
        }
        let (features, own) = (
            experiment.architecture()?.features(),
            checkpoint.architecture.features(),
        );
        let horizons = &experiment.horizons_frames;
        if (features, horizons, student.level)
            != (
                own,
                &checkpoint.metadata.horizons_frames,
                checkpoint.normalisation.level,
            )
        {
            return Err(format!(
                "{name} cannot teach this experiment: what both look at, horizons_frames ({horizons:?}) \
                 and level must be the same"
            ));
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

    /// The loss against the labels, with the share of it that is against the teacher's answers to the same
    /// windows. `logits` are windows and answers × 2.
    pub fn loss(&self, against_labels: Tensor, logits: &Tensor, windows: &Tensor) -> Tensor {
        let voice = tch::no_grad(|| {
            let own = channels_last(&(windows * &self.factor + &self.summand));
            self.network.probabilities(&own).flatten(0, -1)
        });
        let answers = Tensor::stack(&[1.0 - &voice, voice], -1);
        let against_teacher =
            logits.cross_entropy_loss::<Tensor>(&answers, None, tch::Reduction::Mean, -100, 0.0);
        against_labels * (1.0 - self.share) + against_teacher * self.share
    }
}
