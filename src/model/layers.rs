//! Convolutions and dense layers with batch normalisation, which can be folded into them.

use std::collections::BTreeMap;

use tch::Tensor;

/// PyTorch's default.
pub(super) const NORM_EPSILON: f64 = 1e-5;
/// PyTorch's default.
const NORM_MOMENTUM: f64 = 0.1;

/// The tensors of a network by name, as a checkpoint stores them and the optimiser changes them.
pub type Weights = BTreeMap<String, Tensor>;

/// The same values in channels-last memory order, the fastest for libtorch's CPU convolutions. `x` has four dimensions;
/// others are returned unchanged.
///
/// The strides are set explicitly: with one channel both orders have the same memory layout, and libtorch chooses the
/// order of all following layers by the strides.
pub fn channels_last(x: &Tensor) -> Tensor {
    let size = x.size();
    let [_, channels, height, width] = size[..] else {
        return x.shallow_clone();
    };
    let row = width * channels;
    let strides = [height * row, 1, row, channels];
    let values = x.permute([0, 2, 3, 1]).contiguous();
    values.as_strided(&size, strides, None::<i64>)
}

/// Weight and bias of a dense layer.
pub(super) fn linear(weights: &Weights, place: &str) -> [Tensor; 2] {
    ["weight", "bias"].map(|part| weights[&format!("{place}.{part}")].shallow_clone())
}

/// Scale, shift, running mean and variance of a batch normalisation.
fn norm_tensors(weights: &Weights, norm: &str) -> [Tensor; 4] {
    ["weight", "bias", "running_mean", "running_var"]
        .map(|part| weights[&format!("{norm}.{part}")].shallow_clone())
}

/// A batch normalisation as one factor and one summand for each output.
fn factor_and_bias([scale, shift, mean, variance]: &[Tensor; 4]) -> [Tensor; 2] {
    let factor = scale / (variance + NORM_EPSILON).sqrt();
    let bias = shift - mean * &factor;
    [factor, bias]
}

/// Weight and bias of a convolution or dense layer with the batch normalisation after it inside.
pub(super) fn folded(weights: &Weights, layer: &str, norm: &str) -> [Tensor; 2] {
    let weight = &weights[&format!("{layer}.weight")];
    let [factor, bias] = factor_and_bias(&norm_tensors(weights, norm));
    let mut per_output = vec![1; weight.dim()];
    per_output[0] = -1;
    [weight * factor.reshape(&per_output), bias]
}

/// The step after a layer's weighted sums.
enum Affine {
    /// Batch normalisation: scale, shift, running mean and variance.
    Norm([Tensor; 4]),
    /// The bias that is left when batch normalisation is folded into the layer.
    Folded(Tensor),
}

impl Affine {
    fn new(weights: &Weights, norm: &str) -> Self {
        Self::Norm(norm_tensors(weights, norm))
    }

    /// The bias of the layer itself.
    fn bias(&self) -> Option<&Tensor> {
        match self {
            Self::Norm(_) => None,
            Self::Folded(bias) => Some(bias),
        }
    }

    /// Normalises, in training by the batch, whose statistics update the running ones.
    fn normalise(&self, y: Tensor, train: bool) -> Tensor {
        match self {
            Self::Folded(_) => y,
            Self::Norm([scale, shift, mean, variance]) => y.batch_norm(
                Some(scale),
                Some(shift),
                Some(mean),
                Some(variance),
                train,
                NORM_MOMENTUM,
                NORM_EPSILON,
                true,
            ),
        }
    }

    /// The factor of each output for the layer's weights, and the bias that is left. `None` if it is folded already.
    fn fold(&self) -> Option<(Tensor, Self)> {
        let Self::Norm(norm) = self else {
            return None;
        };
        let [factor, bias] = factor_and_bias(norm);
        Some((factor, Self::Folded(bias)))
    }
}

/// Zero padding before a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// Half the kernel, whose size must be odd: without a stride the map keeps its size.
    Same,
    /// None.
    Valid,
}

/// A convolution without a bias, followed by batch normalisation.
pub(super) struct Convolution {
    weight: Tensor,
    affine: Affine,
    stride: i64,
    padding: Padding,
}

impl Convolution {
    pub fn new(weights: &Weights, conv: &str, norm: &str, stride: i64, padding: Padding) -> Self {
        Self {
            weight: weights[&format!("{conv}.weight")].shallow_clone(),
            affine: Affine::new(weights, norm),
            stride,
            padding,
        }
    }

    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let padding = match self.padding {
            Padding::Same => self.weight.size()[2] / 2,
            Padding::Valid => 0,
        };
        let weight = self.weight.to_kind(x.kind());
        let (stride, padding) = ([self.stride; 2], [padding; 2]);
        let y = x.conv2d(&weight, self.affine.bias(), stride, padding, [1, 1], 1);
        self.affine.normalise(y, train)
    }

    /// The same function with the normalisation inside the weights.
    pub fn fold(self) -> Self {
        match self.affine.fold() {
            None => self,
            Some((factor, affine)) => Self {
                weight: channels_last(&(&self.weight * factor.reshape([-1, 1, 1, 1]))),
                affine,
                ..self
            },
        }
    }
}

/// A dense layer without a bias, followed by batch normalisation.
pub(super) struct Dense {
    weight: Tensor,
    affine: Affine,
}

impl Dense {
    pub fn new(weights: &Weights, linear: &str, norm: &str) -> Self {
        Self {
            weight: weights[&format!("{linear}.weight")].shallow_clone(),
            affine: Affine::new(weights, norm),
        }
    }

    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let y = x.linear(&self.weight, self.affine.bias());
        self.affine.normalise(y, train)
    }

    /// The same function with the normalisation inside the weights.
    pub fn fold(self) -> Self {
        match self.affine.fold() {
            None => self,
            Some((factor, affine)) => Self {
                weight: &self.weight * factor.reshape([-1, 1]),
                affine,
            },
        }
    }
}
