//! Adam (Kingma & Ba, "Adam: a method for stochastic optimization", 2015) with L2 weight decay.
//!
//! libtorch's own does not hand out its state, which must be kept in a file for a training to be resumed
//! exactly.

use tch::{Kind, Tensor};

use crate::training::flat_params::{FlatParams, one_row};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Below this learning rate no weight moves, and the inverse would leave the range of 32-bit floats.
const LEAST_RATE: f64 = 1e-20;

/// The optimiser of a training.
pub struct Adam {
    /// Running means of the gradients, by the names of the weights.
    pub mean: FlatParams,
    /// Running means of the squared gradients, likewise.
    pub square: FlatParams,
    /// Steps so far.
    pub steps: u64,
    weight_decay: f64,
}

impl Adam {
    /// A new optimiser for the weights in `trained`.
    pub fn new(trained: &FlatParams, weight_decay: f64) -> Self {
        Self::resumed(trained.zeros_like(), trained.zeros_like(), 0, weight_decay)
    }

    /// The optimiser of an interrupted training, after `steps` steps.
    pub fn resumed(mean: FlatParams, square: FlatParams, steps: u64, weight_decay: f64) -> Self {
        Self {
            mean,
            square,
            steps,
            weight_decay,
        }
    }

    /// Moves the weights `trained` against the gradients of `loss`. They are those that the optimiser was made
    /// for, or the first of them in memory. No gradient is kept, so the next step need not reset any.
    pub fn step(&mut self, trained: &FlatParams, loss: &Tensor, learning_rate: f64) {
        self.steps += 1;
        let steps = self.steps.min(i32::MAX as u64) as i32;
        let rate = learning_rate / (1.0 - BETA1.powi(steps));
        let square_correction = (1.0 - BETA2.powi(steps)).sqrt();
        let weights = trained.order().iter().map(|name| &trained.parts()[name]);
        let weights: Vec<&Tensor> = weights.collect();
        let gradients = Tensor::run_backward(&[loss], &weights, false, false);
        tch::no_grad(|| {
            let gradients = one_row(&gradients.iter().collect::<Vec<_>>());
            let weights = trained.whole();
            let values = weights.numel() as i64;
            let mut mean = self.mean.whole().narrow(0, 0, values);
            let mut square = self.square.whole().narrow(0, 0, values);
            // A number on the device itself: a transfer from the CPU would stall the GPU.
            let decay = Tensor::full([1], self.weight_decay, (Kind::Float, loss.device()));
            let mut gradients = gradients.addcmul(weights, &decay);
            let _ = mean.lerp_(&gradients, 1.0 - BETA1);
            let _ = square.lerp_(&gradients.square_(), 1.0 - BETA2);
            if rate < LEAST_RATE {
                return;
            }
            // The memory of the gradients is reused for the divisor of the mean.
            let mut size = gradients;
            let _ = square.sqrt_out(&size);
            let _ = size.g_mul_scalar_(-1.0 / (rate * square_correction));
            let _ = size.g_add_scalar_(-EPSILON / rate);
            let _ = weights.shallow_clone().addcdiv_(&mean, &size);
        });
    }
}
