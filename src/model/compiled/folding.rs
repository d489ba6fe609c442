//! Weights with batch normalisation folded in, in double precision.

use crate::model::compiled::convolution::Kernel;
use crate::model::float_values;
use crate::model::layers::{NORM_EPSILON, Weights};

fn values(weights: &Weights, place: &str, part: &str) -> Vec<f32> {
    float_values(&weights[&format!("{place}.{part}")])
}

/// A layer without a bias, `layer`, and the batch normalisation `norm` after it. `size` is that of its field.
pub(super) fn normed(weights: &Weights, layer: &str, norm: &str, size: [usize; 2]) -> Kernel {
    let mut weight = values(weights, layer, "weight");
    let part = |part: &str| values(weights, norm, part);
    let (scale, shift, mean, variance) = (
        part("weight"),
        part("bias"),
        part("running_mean"),
        part("running_var"),
    );
    let factor = |at: usize| f64::from(scale[at]) / (f64::from(variance[at]) + NORM_EPSILON).sqrt();
    let per_output = weight.len() / scale.len();
    for (at, weights) in weight.chunks_exact_mut(per_output).enumerate() {
        let factor = factor(at);
        for weight in weights {
            *weight = (f64::from(*weight) * factor) as f32;
        }
    }
    let bias = |at: usize| (f64::from(shift[at]) - f64::from(mean[at]) * factor(at)) as f32;
    Kernel {
        bias: (0..scale.len()).map(bias).collect(),
        inputs: per_output / (size[0] * size[1]),
        weight,
        size,
    }
}

/// A dense layer with a bias.
pub(super) fn dense(weights: &Weights, place: &str) -> Kernel {
    let weight = values(weights, place, "weight");
    let bias = values(weights, place, "bias");
    Kernel {
        inputs: weight.len() / bias.len(),
        weight,
        bias,
        size: [1, 1],
    }
}
