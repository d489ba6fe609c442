//! Adam (Kingma & Ba 2015) with L2 weight decay, written out so that its state can be kept
//! in a file and a training resumed exactly.

use tch::{Kind, Tensor};

use crate::training::flat_params::{FlatParams, one_row};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Below this no weight moves any more, and its inverse would soon leave the range of 32 bits.
const LEAST_RATE: f64 = 1e-20;

pub struct Adam {
    /// Running means of the gradients and of their squares, by the names of the weights.
    pub mean: FlatParams,
    pub square: FlatParams,
    pub steps: u64,
    weight_decay: f64,
}

impl Adam {
    /// For the weights in `trained`, all with a gradient.
    pub fn new(trained: &FlatParams, weight_decay: f64) -> Self {
        Self::resumed(trained.zeros_like(), trained.zeros_like(), 0, weight_decay)
    }

    /// As it was after so many steps.
    pub fn resumed(mean: FlatParams, square: FlatParams, steps: u64, weight_decay: f64) -> Self {
        Self {
            mean,
            square,
            steps,
            weight_decay,
        }
    }

    /// Moves the weights against the gradients of `loss`: those it was made for, or the first of them.
    /// No gradient is left behind: what the next step computes is its own, and need not be added to anything.
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
            // A number on the device itself: one that comes from the CPU would be waited for.
            let decay = Tensor::full([1], self.weight_decay, (Kind::Float, loss.device()));
            let mut gradients = gradients.addcmul(weights, &decay);
            let _ = mean.lerp_(&gradients, 1.0 - BETA1);
            let _ = square.lerp_(&gradients.square_(), 1.0 - BETA2);
            if rate < LEAST_RATE {
                return;
            }
            // The gradients' memory now takes what the mean is divided by.
            let mut size = gradients;
            let _ = square.sqrt_out(&size);
            let _ = size.g_mul_scalar_(-1.0 / (rate * square_correction));
            let _ = size.g_add_scalar_(-EPSILON / rate);
            let _ = weights.shallow_clone().addcdiv_(&mean, &size);
        });
    }
}
