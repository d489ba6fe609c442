//! One training step: forward and backward pass, Adam, running average of the weights.

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

/// One training step: the network, the parameters that are trained, and the teacher.
pub struct TrainStep {
    network: Network,
    /// The trained parameters.
    trained: FlatParams,
    /// All parameters are trained, or else outputs only.
    whole: bool,
    teacher: Option<Teacher>,
    /// Rows of the output layer that must not change, as views of the parameters, with their values.
    frozen: Vec<(Tensor, Tensor)>,
}

impl TrainStep {
    /// Trains every tensor of `weights` that requires a gradient. `weights` are those of a whole network and
    /// are changed in place.
    pub fn new(architecture: Architecture, weights: &FlatParams) -> Self {
        let is_trained = |name: &str| weights.parts()[name].requires_grad();
        Self {
            network: Network::new(architecture, weights.parts()),
            trained: weights.leading(is_trained),
            whole: true,
            teacher: None,
            frozen: Vec::new(),
        }
    }

    /// The same step with a teacher.
    #[must_use]
    pub fn with_teacher(self, teacher: Option<Teacher>) -> Self {
        Self { teacher, ..self }
    }

    /// The same step for the outputs at these places among the horizons only. The rest of the network is in
    /// inference mode, so its running statistics do not change either.
    #[must_use]
    pub fn only_outputs(mut self, trained: &[usize]) -> Self {
        self.whole = false;
        self.trained = self.trained.leading(|name| name.starts_with(HEAD));
        for tensor in self.trained.parts().values() {
            let horizons = (tensor.size()[0] / 2) as usize;
            let others = (0..horizons).filter(|index| !trained.contains(index));
            self.frozen.extend(others.map(|index| {
                let rows = tensor.detach().narrow(0, 2 * index as i64, 2);
                let values = rows.copy();
                (rows, values)
            }));
        }
        self
    }

    /// Takes one step of the optimiser and returns the loss before it.
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
        let pairs = logits.reshape([-1, 2]);
        let mut loss = against_labels(&pairs, &labels, training.label_smoothing);
        if let Some(teacher) = &self.teacher {
            loss = teacher.loss(loss, &logits, &input);
        }
        adam.step(&self.trained, &loss, learning_rate);
        for (rows, values) in &self.frozen {
            rows.shallow_clone().copy_(values);
        }
        loss.double_value(&[])
    }
}

/// Mean cross-entropy of logits (rows × 2) against labels from 0 (no voice, or no speech) to 1; negative ones do not count.
/// `smoothing` is spread evenly over both classes.
pub(super) fn against_labels(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Tensor {
    let counts = labels.ge(0.0).to_kind(Kind::Float);
    let voice = labels.clamp(0.0, 1.0) * (1.0 - smoothing) + smoothing / 2.0;
    let targets = Tensor::stack(&[1.0 - &voice, voice], -1);
    let log_p = logits.to_kind(Kind::Float).log_softmax(-1, Kind::Float);
    let losses = -(targets * log_p).sum_dim_intlist(-1, false, Kind::Float);
    (losses * &counts).sum(Kind::Float) / counts.sum(Kind::Float).clamp_min(1.0)
}

/// Moves the running average of the parameters and running statistics by 1 - `decay`. The first steps use a
/// smaller decay, so that the random initial weights soon lose their influence.
pub(super) fn update_average(state: &State, decay: f64) {
    let steps = state.adam.steps as f64;
    let decay = decay.min(steps / (steps + 10.0));
    tch::no_grad(|| {
        let mut average = state.average.whole().shallow_clone();
        let _ = average.lerp_(state.weights.whole(), 1.0 - decay);
    });
}
