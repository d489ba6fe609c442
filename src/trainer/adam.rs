//! Adam (Kingma & Ba 2015) with L2 weight decay, written out so that its state can be kept
//! in a file and a training resumed exactly.

use tch::Tensor;

use crate::model::layers::Weights;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

pub struct Adam {
    /// Running means of the gradients and of their squares, by the names of the weights.
    pub mean: Weights,
    pub square: Weights,
    pub steps: u64,
    weight_decay: f64,
}

impl Adam {
    /// For the weights in `trained`, all with a gradient.
    pub fn new(trained: &Weights, weight_decay: f64) -> Self {
        let zeros = || {
            trained
                .iter()
                .map(|(name, w)| (name.clone(), w.zeros_like().detach()))
        };
        Self {
            mean: zeros().collect(),
            square: zeros().collect(),
            steps: 0,
            weight_decay,
        }
    }

    /// Moves the weights against their gradients, and clears those.
    pub fn step(&mut self, trained: &Weights, learning_rate: f64) {
        self.steps += 1;
        let steps = self.steps.min(i32::MAX as u64) as i32;
        let mean_correction = 1.0 - BETA1.powi(steps);
        let square_correction = (1.0 - BETA2.powi(steps)).sqrt();
        tch::no_grad(|| {
            for (name, weight) in trained {
                let gradient = weight.grad() + weight * self.weight_decay;
                let mean = self.mean.get_mut(name);
                let square = self.square.get_mut(name);
                let (Some(mean), Some(square)) = (mean, square) else {
                    continue;
                };
                let _ = mean.lerp_(&gradient, 1.0 - BETA1);
                let _ = square.lerp_(&gradient.square(), 1.0 - BETA2);
                let size = square.sqrt() / square_correction + EPSILON;
                let mut weight: Tensor = weight.shallow_clone();
                let _ = weight.addcdiv_(&(&*mean * (-learning_rate / mean_correction)), &size);
                weight.zero_grad();
            }
        });
    }
}
