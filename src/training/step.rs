//! One step of training: forward, backward, Adam, running average.

use tch::{Device, Kind, Tensor};

use crate::model::HEAD;
use crate::model::layers::channels_last;
use crate::model::{Architecture, Network};
use crate::training::adam::Adam;
use crate::training::distillation::Teacher;
use crate::training::experiment::{Precision, Training};
use crate::training::flat_params::FlatParams;
use crate::training::loader::Batch;
use crate::training::state::State;

/// The network whose weights are being learnt.
pub struct Trained {
    network: Network,
    /// What is learnt.
    weights: FlatParams,
    /// Everything is learnt, or else nothing but outputs.
    whole: bool,
    teacher: Option<Teacher>,
    /// Of the outputs that are not learnt, the rows as they are used and as they shall stay.
    kept: Vec<(Tensor, Tensor)>,
}

impl Trained {
    /// Learns every tensor of `weights` that wants a gradient.
    pub fn new(architecture: Architecture, weights: &FlatParams) -> Self {
        let learnt = |name: &str| weights.parts()[name].requires_grad();
        Self {
            network: Network::new(architecture, weights.parts()),
            weights: weights.leading(learnt),
            whole: true,
            teacher: None,
            kept: Vec::new(),
        }
    }

    /// The same, learning from a teacher too.
    pub fn with_teacher(self, teacher: Option<Teacher>) -> Self {
        Self { teacher, ..self }
    }

    /// The same, learning nothing but the outputs of these horizons, by their places. The rest of the
    /// network is used as it answers, so its statistics do not move either.
    pub fn only_outputs(mut self, learnt: &[usize]) -> Self {
        self.whole = false;
        self.weights = self.weights.leading(|name| name.starts_with(HEAD));
        for tensor in self.weights.parts().values() {
            let horizons = (tensor.size()[0] / 2) as usize;
            let others = (0..horizons).filter(|index| !learnt.contains(index));
            self.kept.extend(others.map(|index| {
                let rows = tensor.detach().narrow(0, 2 * index as i64, 2);
                let as_it_was = rows.copy();
                (rows, as_it_was)
            }));
        }
        self
    }

    /// One step of the optimiser; the loss before it.
    pub fn step(
        &self,
        batch: &Batch,
        training: &Training,
        adam: &mut Adam,
        learning_rate: f64,
        device: Device,
    ) -> f64 {
        let shape = self.network.input_shape(training.batch_windows);
        let input = channels_last(&Tensor::from_slice(&batch.windows).reshape(shape));
        let kind = match training.precision {
            Precision::Float32 => Kind::Float,
            Precision::Bfloat16 => Kind::BFloat16,
        };
        let input = input.to_device(device);
        let labels = Tensor::from_slice(&batch.labels).to_device(device);
        let logits = self.network.forward(&input.to_kind(kind), self.whole);
        let logits = logits.reshape([-1, 2]);
        let mut loss = logits.cross_entropy_loss::<Tensor>(
            &labels,
            None,
            tch::Reduction::Mean,
            -100,
            training.label_smoothing,
        );
        if let Some(teacher) = &self.teacher {
            loss = teacher.loss(loss, &logits, &input);
        }
        adam.step(&self.weights, &loss, learning_rate);
        for (rows, as_it_was) in &self.kept {
            rows.shallow_clone().copy_(as_it_was);
        }
        loss.double_value(&[])
    }
}

/// Moves the running average of the weights, statistics of the normalisation included. It starts
/// short, so that the first, random weights are soon forgotten.
pub fn average(state: &State, decay: f64) {
    let steps = state.adam.steps as f64;
    let decay = decay.min(steps / (steps + 10.0));
    tch::no_grad(|| {
        let mut average = state.average.whole().shallow_clone();
        let _ = average.lerp_(state.weights.whole(), 1.0 - decay);
    });
}
