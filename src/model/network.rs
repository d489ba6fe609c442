//! The network of an [`Architecture`], whichever that is, with its weights.

use tch::{Device, IndexOp, Kind, Tensor};

use crate::frontend::{Features, MEL_BANDS};
use crate::model::architecture::{Architecture, Family, INPUT, Role, Slot, member_prefix};
use crate::model::bilstm::BiLstm;
use crate::model::layers::{Weights, linear};
use crate::model::scnn::Scnn;
use crate::model::se_resnet::SeResNet;

/// First values of a network that is to be trained: He's normal initialisation for what
/// precedes a rectifier, zero for its biases, one for scales; PyTorch's uniform one for recurrent
/// layers. libtorch's seed decides the draw.
pub fn initial_weights(architecture: Architecture) -> Weights {
    let options = (Kind::Float, Device::Cpu);
    let value = |slot: &Slot| match slot.role {
        Role::Convolution | Role::Linear => {
            // Fan-out for convolutions keeps the gradient's size through the depth (He et al. 2015).
            let fan: i64 = match slot.role {
                Role::Convolution => slot.shape[0] * slot.shape[2] * slot.shape[3],
                _ => slot.shape[1],
            };
            Tensor::randn(&slot.shape, options) * (2.0 / fan as f64).sqrt()
        }
        Role::Recurrent(units) => {
            let most = (units as f64).sqrt().recip();
            Tensor::rand(&slot.shape, options) * (2.0 * most) - most
        }
        Role::Bias | Role::NormMean => Tensor::zeros(&slot.shape, options),
        Role::NormWeight | Role::NormVariance => Tensor::ones(&slot.shape, options),
    };
    architecture
        .slots()
        .iter()
        .map(|slot| (slot.name.clone(), value(slot)))
        .collect()
}

/// A network. It shares its tensors with the [`Weights`] it was made from.
pub struct Network {
    architecture: Architecture,
    first: Member,
    /// The rest of a committee.
    others: Vec<Member>,
    /// Whether a window is for one of them alone.
    alternating: bool,
}

struct Member {
    /// From the committee's normalisation of each band to the member's own.
    input: Option<[Tensor; 2]>,
    body: Body,
}

enum Body {
    SeResNet(SeResNet),
    Scnn(Scnn),
    BiLstm(BiLstm),
}

impl Network {
    /// `weights` must hold every slot of the architecture, as a read checkpoint and
    /// [`initial_weights`] do.
    pub fn new(architecture: Architecture, weights: &Weights) -> Self {
        let family = architecture.family;
        let alone = || Member {
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
        let is_committee = architecture.members > 1;
        Self {
            architecture,
            first: if is_committee { member(0) } else { alone() },
            others: (1..architecture.members).map(member).collect(),
            alternating: false,
        }
    }

    /// The same, its members taking turns where they are asked about a stream
    /// ([`Network::probabilities_of_stream`]).
    pub fn alternating(self, alternating: bool) -> Self {
        Self { alternating, ..self }
    }

    /// What it looks at.
    pub fn features(&self) -> Features {
        self.architecture.features()
    }

    /// The shape of its input, for so many windows.
    pub fn input_shape(&self, windows: usize) -> [i64; 4] {
        let frames = self.features().frames() as i64;
        [windows as i64, 1, frames, MEL_BANDS as i64]
    }

    /// Logits, windows × answers × 2, of an input of [`Network::input_shape`]; sequences may be shorter,
    /// and have fewer answers then. In training the normalisation uses the batch and updates its
    /// running statistics, and what is dropped out is drawn by libtorch's generator. `x` may be
    /// bfloat16; the logits are float.
    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let horizons = self.architecture.horizons as i64;
        let mut logits = self.first.forward(x, horizons, train);
        for member in &self.others {
            logits += member.forward(x, horizons, train);
        }
        match self.others.len() {
            0 => logits,
            // The mean of logits has the mean of log odds.
            others => logits / (1 + others) as f64,
        }
    }

    /// Probability of voice, windows × answers.
    pub fn probabilities(&self, x: &Tensor) -> Tensor {
        voice(&self.forward(x, false))
    }

    /// The same for windows of streams, each with its number in its own. Members that take turns answer to every
    /// so many-th window, alone.
    pub fn probabilities_of_stream(&self, x: &Tensor, numbers: &[u64]) -> Tensor {
        if !self.alternating {
            return self.probabilities(x);
        }
        let members = 1 + self.others.len() as u64;
        let horizons = self.architecture.horizons as i64;
        let answer = |member: &Member, x: &Tensor| voice(&member.forward(x, horizons, false));
        let mut answers = Tensor::empty([x.size()[0], horizons], (Kind::Float, x.device()));
        for (place, member) in std::iter::once(&self.first).chain(&self.others).enumerate() {
            let numbered = numbers.iter().enumerate();
            let own = numbered.filter(|(_, number)| **number % members == place as u64);
            let own: Vec<i64> = own.map(|(row, _)| row as i64).collect();
            if own.is_empty() {
                continue;
            }
            // As it always is live, with one stream: nothing is to be sorted.
            if own.len() == numbers.len() {
                return answer(member, x);
            }
            let rows = Tensor::from_slice(&own).to_device(x.device());
            let windows = x.index_select(0, &rows);
            // Their values lie one after the other in either order, as in `Member::forward`.
            let windows = windows.as_strided(windows.size(), x.stride(), None::<i64>);
            let _ = answers.index_copy_(0, &rows, &answer(member, &windows));
        }
        answers
    }

    /// The same function with every batch normalisation folded into its layer.
    pub fn fold(self) -> Self {
        Self {
            first: self.first.fold(),
            others: self.others.into_iter().map(Member::fold).collect(),
            ..self
        }
    }
}

impl Member {
    fn forward(&self, x: &Tensor, horizons: i64, train: bool) -> Tensor {
        match &self.input {
            Some([weight, bias]) => {
                let own = (x * weight + bias).contiguous();
                // One channel lies the same way in either order; layers go by the strides to choose theirs.
                let own = own.as_strided(x.size(), x.stride(), None::<i64>);
                self.body.forward(&own, horizons, train)
            }
            None => self.body.forward(x, horizons, train),
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

    fn forward(&self, x: &Tensor, horizons: i64, train: bool) -> Tensor {
        match self {
            Self::SeResNet(network) => network.forward(x, train).reshape([-1, horizons, 2]),
            Self::Scnn(network) => network.forward(x, train).reshape([-1, horizons, 2]),
            Self::BiLstm(network) => network.forward(x, train),
        }
    }

    fn fold(self) -> Self {
        match self {
            Self::SeResNet(network) => Self::SeResNet(network.fold()),
            Self::Scnn(network) => Self::Scnn(network.fold()),
            // It has no normalisation.
            Self::BiLstm(network) => Self::BiLstm(network),
        }
    }
}

/// The probability of voice by these logits.
fn voice(logits: &Tensor) -> Tensor {
    logits.softmax(-1, Kind::Float).i((.., .., 1))
}

/// A committee member's weights, by the names they have in a network that answers alone.
fn own_weights(weights: &Weights, member: usize) -> Weights {
    let prefix = member_prefix(member);
    let own = weights
        .iter()
        .filter_map(|(name, weight)| Some((name.strip_prefix(&prefix)?, weight)));
    own.map(|(name, weight)| (name.to_owned(), weight.shallow_clone()))
        .collect()
}
