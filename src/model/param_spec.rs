//! Names, shapes and purposes of the tensors that a network has.

/// The name of the output layer: two rows for each horizon, no voice and voice; with the second output as many rows
/// behind them, no speech and speech.
pub const HEAD: &str = "head";

/// Purpose of a tensor. It determines the initial value and whether the tensor is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Weight of a convolution: outputs × inputs × height × width.
    Convolution,
    /// Weight of a dense layer: outputs × inputs.
    Linear,
    /// Weight or bias of an LSTM with this many units.
    Recurrent(i64),
    /// Bias of a dense layer or a normalisation.
    Bias,
    /// Scale of a normalisation.
    NormWeight,
    /// Running mean of a batch normalisation.
    NormMean,
    /// Running variance of a batch normalisation.
    NormVariance,
}

impl Role {
    /// Whether the optimiser changes the tensor. Running statistics are collected instead.
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::NormMean | Self::NormVariance)
    }
}

/// A tensor that a network of some architecture must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamSpec {
    /// Layer and part, separated by dots: `stages.0.1.conv1.weight`.
    pub name: String,
    /// Size of each dimension.
    pub shape: Vec<i64>,
    /// Purpose.
    pub role: Role,
}

impl ParamSpec {
    /// Whether it belongs to the output layer ([`HEAD`]).
    pub fn is_of_head(&self) -> bool {
        self.name.rsplit('.').nth(1) == Some(HEAD)
    }
}

/// Collects the tensors of a network, layer after layer.
#[derive(Default)]
pub(super) struct ParamSpecs(Vec<ParamSpec>);

impl ParamSpecs {
    pub fn into_vec(self) -> Vec<ParamSpec> {
        self.0
    }

    fn add(&mut self, name: String, shape: &[i64], role: Role) {
        self.0.push(ParamSpec {
            name,
            shape: shape.to_vec(),
            role,
        });
    }

    /// A convolution (outputs, inputs, height, width) and its normalisation.
    pub fn convolution(&mut self, place: &str, conv: &str, norm: &str, shape: [i64; 4]) {
        self.add(format!("{place}.{conv}.weight"), &shape, Role::Convolution);
        self.norm(&format!("{place}.{norm}"), shape[0]);
    }

    /// A dense layer without a bias, and its normalisation.
    pub fn normed_linear(&mut self, place: &str, out_features: i64, in_features: i64) {
        let shape = [out_features, in_features];
        self.add(format!("{place}.linear.weight"), &shape, Role::Linear);
        self.norm(&format!("{place}.norm"), out_features);
    }

    fn norm(&mut self, place: &str, channels: i64) {
        self.affine(place, channels);
        for (part, role) in [
            ("running_mean", Role::NormMean),
            ("running_var", Role::NormVariance),
        ] {
            self.add(format!("{place}.{part}"), &[channels], role);
        }
    }

    /// A factor and a summand for each channel.
    pub fn affine(&mut self, place: &str, channels: i64) {
        for (part, role) in [("weight", Role::NormWeight), ("bias", Role::Bias)] {
            self.add(format!("{place}.{part}"), &[channels], role);
        }
    }

    /// One direction of an LSTM layer: the matrices of its input and of its state, and a bias for each. The rows of
    /// the four gates follow each other in PyTorch's order.
    pub fn lstm(&mut self, place: &str, inputs: i64, units: i64) {
        let role = Role::Recurrent(units);
        self.add(format!("{place}.weight_ih"), &[4 * units, inputs], role);
        self.add(format!("{place}.weight_hh"), &[4 * units, units], role);
        for bias in ["bias_ih", "bias_hh"] {
            self.add(format!("{place}.{bias}"), &[4 * units], role);
        }
    }

    /// A dense layer with a bias.
    pub fn linear(&mut self, place: &str, out_features: i64, in_features: i64) {
        self.add(
            format!("{place}.weight"),
            &[out_features, in_features],
            Role::Linear,
        );
        self.add(format!("{place}.bias"), &[out_features], Role::Bias);
    }
}
