//! A network of any [`Architecture`] with its weights.

use tch::{Device, IndexOp, Kind, Tensor};

use crate::frontend::{Features, MEL_BANDS};
use crate::model::architecture::{Architecture, INPUT, member_prefix};
use crate::model::bilstm::BiLstm;
use crate::model::family::Family;
use crate::model::layers::{Weights, linear};
use crate::model::param_spec::{ParamSpec, Role};
use crate::model::scnn::Scnn;
use crate::model::se_resnet::SeResNet;

/// Initial weights for training: He's normal initialisation for convolutions and dense layers (He et al. 2015), zero for
/// biases, one for scales, PyTorch's uniform initialisation for recurrent layers. libtorch's seed determines the draw.
pub fn initial_weights(architecture: Architecture) -> Weights {
    let options = (Kind::Float, Device::Cpu);
    let value = |spec: &ParamSpec| match spec.role {
        Role::Convolution | Role::Linear => {
            // Fan-out keeps the size of the gradient through the depth (He et al. 2015).
            let fan: i64 = match spec.role {
                Role::Convolution => spec.shape[0] * spec.shape[2] * spec.shape[3],
                _ => spec.shape[1],
            };
            Tensor::randn(&spec.shape, options) * (2.0 / fan as f64).sqrt()
        }
        Role::Recurrent(units) => {
            let bound = (units as f64).sqrt().recip();
            Tensor::rand(&spec.shape, options) * (2.0 * bound) - bound
        }
        Role::Bias | Role::NormMean => Tensor::zeros(&spec.shape, options),
        Role::NormWeight | Role::NormVariance => Tensor::ones(&spec.shape, options),
    };
    architecture
        .param_specs()
        .iter()
        .map(|spec| (spec.name.clone(), value(spec)))
        .collect()
}

/// A network or an ensemble of networks. It shares its tensors with the [`Weights`] it was made from.
pub struct Network {
    architecture: Architecture,
    first: Member,
    /// The other members of an ensemble.
    others: Vec<Member>,
    /// Whether each window is processed by one member, in turn.
    alternating: bool,
}

struct Member {
    /// Factor and summand of each band, from the ensemble's normalisation to the member's own.
    input: Option<[Tensor; 2]>,
    body: Body,
}

enum Body {
    SeResNet(SeResNet),
    Scnn(Scnn),
    BiLstm(BiLstm),
}

impl Network {
    /// A network in which all members process every window.
    ///
    /// # Panics
    ///
    /// A tensor of the architecture is missing in `weights`. Those of a checkpoint and [`initial_weights`] are complete.
    pub fn new(architecture: Architecture, weights: &Weights) -> Self {
        let family = architecture.family;
        let single = || Member {
            input: None,
            body: Body::new(family, weights),
        };
        let member = |number: usize| {
            let own = own_weights(weights, number);
            Member {
                input: Some(linear(&own, INPUT)),
                body: Body::new(family, &own),
            }
        };
        let is_ensemble = architecture.members > 1;
        Self {
            architecture,
            first: if is_ensemble { member(0) } else { single() },
            others: (1..architecture.members).map(member).collect(),
            alternating: false,
        }
    }

    /// The same network, with or without alternating members in [`Network::probabilities_of_stream`].
    #[must_use]
    pub fn alternating(self, alternating: bool) -> Self {
        Self {
            alternating,
            ..self
        }
    }

    /// The input features.
    pub fn features(&self) -> Features {
        self.architecture.features()
    }

    /// The shape of the input for this many windows or sequences: windows × 1 × frames × 80.
    pub fn input_shape(&self, windows: usize) -> [i64; 4] {
        let frames = self.features().frames() as i64;
        [windows as i64, 1, frames, MEL_BANDS as i64]
    }

    /// Logits, windows × outputs × 2 (no voice, voice; then no speech, speech), of an input of [`Network::input_shape`]. Shorter sequences have
    /// fewer outputs. In training, normalisation uses the batch and updates its running statistics, and libtorch's
    /// generator draws the dropout. `x` may be bfloat16; the logits are 32-bit floats.
    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let outputs = self.architecture.outputs() as i64;
        let mut logits = self.first.forward(x, outputs, train);
        for member in &self.others {
            logits += member.forward(x, outputs, train);
        }
        match self.others.len() {
            0 => logits,
            // The log odds of the mean are the mean of the log odds.
            others => logits / (1 + others) as f64,
        }
    }

    /// Probabilities, windows × outputs, of an input of [`Network::input_shape`].
    pub fn probabilities(&self, x: &Tensor) -> Tensor {
        positive(&self.forward(x, false))
    }

    /// Probabilities, windows × outputs, for windows of streams. `numbers` holds the number of each window in
    /// its stream: of M alternating members, member m processes the windows whose number is m modulo M.
    pub fn probabilities_of_stream(&self, x: &Tensor, numbers: &[u64]) -> Tensor {
        if !self.alternating {
            return self.probabilities(x);
        }
        let members = 1 + self.others.len() as u64;
        let outputs = self.architecture.outputs() as i64;
        let predict = |member: &Member, x: &Tensor| positive(&member.forward(x, outputs, false));
        let mut all = Tensor::empty([x.size()[0], outputs], (Kind::Float, x.device()));
        for (place, member) in std::iter::once(&self.first).chain(&self.others).enumerate() {
            let numbered = numbers.iter().enumerate();
            let own = numbered.filter(|(_, number)| **number % members == place as u64);
            let own: Vec<i64> = own.map(|(row, _)| row as i64).collect();
            if own.is_empty() {
                continue;
            }
            // A live stream alone: no sorting.
            if own.len() == numbers.len() {
                return predict(member, x);
            }
            let rows = Tensor::from_slice(&own).to_device(x.device());
            let windows = x.index_select(0, &rows);
            // Restores the strides, which decide the memory order of the layers (see `channels_last`).
            let windows = windows.as_strided(windows.size(), x.stride(), None::<i64>);
            let _ = all.index_copy_(0, &rows, &predict(member, &windows));
        }
        all
    }

    /// The same function with every batch normalisation folded into its layer, for inference.
    #[must_use]
    pub fn fold(self) -> Self {
        Self {
            first: self.first.fold(),
            others: self.others.into_iter().map(Member::fold).collect(),
            ..self
        }
    }
}

impl Member {
    fn forward(&self, x: &Tensor, outputs: i64, train: bool) -> Tensor {
        match &self.input {
            Some([weight, bias]) => {
                let own = (x * weight + bias).contiguous();
                // Restores the strides, which decide the memory order of the layers (see `channels_last`).
                let own = own.as_strided(x.size(), x.stride(), None::<i64>);
                self.body.forward(&own, outputs, train)
            }
            None => self.body.forward(x, outputs, train),
        }
    }

    fn fold(self) -> Self {
        Self {
            body: self.body.fold(),
            ..self
        }
    }
}

impl Body {
    fn new(family: Family, weights: &Weights) -> Self {
        match family {
            Family::SeResNet(depth) => Self::SeResNet(SeResNet::new(depth, weights)),
            Family::Scnn => Self::Scnn(Scnn::new(weights)),
            Family::BiLstm => Self::BiLstm(BiLstm::new(weights)),
        }
    }

    fn forward(&self, x: &Tensor, outputs: i64, train: bool) -> Tensor {
        match self {
            Self::SeResNet(network) => network.forward(x, train).reshape([-1, outputs, 2]),
            Self::Scnn(network) => network.forward(x, train).reshape([-1, outputs, 2]),
            Self::BiLstm(network) => network.forward(x, train),
        }
    }

    fn fold(self) -> Self {
        match self {
            Self::SeResNet(network) => Self::SeResNet(network.fold()),
            Self::Scnn(network) => Self::Scnn(network.fold()),
            // There is no normalisation to fold.
            Self::BiLstm(network) => Self::BiLstm(network),
        }
    }
}

/// Probabilities of voice, and behind them of speech if there is that output: windows × outputs, of logits.
pub(super) fn positive(logits: &Tensor) -> Tensor {
    logits.softmax(-1, Kind::Float).i((.., .., 1))
}

/// The weights of a member of an ensemble, under the names of a single network.
pub(super) fn own_weights(weights: &Weights, member: usize) -> Weights {
    let prefix = member_prefix(member);
    let own = weights
        .iter()
        .filter_map(|(name, weight)| Some((name.strip_prefix(&prefix)?, weight)));
    own.map(|(name, weight)| (name.to_owned(), weight.shallow_clone()))
        .collect()
}
