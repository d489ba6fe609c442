//! Which networks there are: what each looks at, which tensors it has, how many parameters.
//!
//! Input of all: windows × 1 × frames × 80 values, normalised each; how many frames, and of which
//! features, is the architecture's own. Output of all: windows × answers × 2 logits, no voice and
//! voice; an answer a horizon, or a frame.

use std::fmt;

use crate::frontend::{Features, MEL_BANDS, WindowLength};
use crate::model::depth::Depth;
use crate::model::{bilstm, scnn};

/// The names of the architectures in experiments and checkpoints.
pub const SE_RESNET: &str = "se_resnet";
pub const SCNN: &str = "scnn";
pub const BILSTM: &str = "bilstm";

/// The kinds of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Squeeze-and-excitation residual networks (Gui et al. 2022).
    SeResNet(Depth),
    /// The convolutional network of Schlüter & Grill (2015).
    Scnn,
    /// The recurrent network of Leglaive et al. (2015).
    BiLstm,
}

impl Family {
    /// One of each kind, and every depth.
    pub fn all() -> impl Iterator<Item = Self> {
        let depths = Depth::ALL.into_iter().map(Self::SeResNet);
        depths.chain([Self::Scnn, Self::BiLstm])
    }

    /// The family that an experiment or a checkpoint names. The error is what it names wrongly.
    pub fn named(name: &str, depth: Option<u32>) -> Result<Self, String> {
        match (name, depth) {
            (SE_RESNET, Some(layers)) => Depth::from_layers(layers)
                .map(Self::SeResNet)
                .ok_or_else(|| format!("depth {layers}, which {SE_RESNET} does not have")),
            (SE_RESNET, None) => Err(format!("no depth, which {SE_RESNET} needs")),
            (SCNN, None) => Ok(Self::Scnn),
            (BILSTM, None) => Ok(Self::BiLstm),
            (SCNN | BILSTM, Some(layers)) => {
                Err(format!("depth {layers}, but {name} has only one"))
            }
            _ => Err(format!(
                "an unknown architecture `{name}`, none of {SE_RESNET}, {SCNN} and {BILSTM}"
            )),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::SeResNet(_) => SE_RESNET,
            Self::Scnn => SCNN,
            Self::BiLstm => BILSTM,
        }
    }

    /// Layers, where the family has several depths.
    pub fn depth(self) -> Option<u32> {
        match self {
            Self::SeResNet(depth) => Some(depth.layers()),
            Self::Scnn | Self::BiLstm => None,
        }
    }

    /// What the network looks at.
    pub fn features(self) -> Features {
        match self {
            Self::SeResNet(_) => Features::Mel(WindowLength::FRAMES_80),
            Self::Scnn => Features::Mel(WindowLength::FRAMES_115),
            Self::BiLstm => Features::SeparatedMel,
        }
    }

    /// Parameters in millions as Gui et al. give them in their table 3.
    pub fn paper_parameters_m(self) -> f64 {
        match self {
            Self::SeResNet(depth) => depth.paper_parameters_m(),
            Self::Scnn => scnn::PAPER_PARAMETERS_M,
            Self::BiLstm => bilstm::PAPER_PARAMETERS_M,
        }
    }
}

/// As people say it: `se_resnet of depth 14`, `scnn`.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())?;
        match self.depth() {
            Some(layers) => write!(f, " of depth {layers}"),
            None => Ok(()),
        }
    }
}

/// The name of the last layer's tensors: two rows a horizon, no voice and voice.
pub const HEAD: &str = "head";
/// The name of a committee member's way from the committee's normalisation to its own: a factor and a
/// summand for each band.
pub const INPUT: &str = "input";

/// What makes two networks interchangeable: their weights have the same names and shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    pub family: Family,
    /// How many networks of the family answer: one, or a committee whose mean log odds are the answer.
    pub members: usize,
    pub horizons: usize,
}

/// As people say it: `se_resnet of depth 14`, `a committee of 2: se_resnet of depth 14`.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.members > 1 {
            write!(f, "a committee of {}: ", self.members)?;
        }
        self.family.fmt(f)
    }
}

impl Architecture {
    pub fn features(&self) -> Features {
        self.family.features()
    }

    /// Answers for each window or sequence of full length.
    pub fn answers(&self) -> usize {
        match self.features() {
            Features::Mel(_) => self.horizons,
            Features::SeparatedMel => self.features().frames(),
        }
    }

    /// Every tensor of the network, in a fixed order.
    pub fn slots(&self) -> Vec<Slot> {
        if self.members <= 1 {
            return self.member_slots();
        }
        let bands = [MEL_BANDS as i64];
        (0..self.members)
            .flat_map(|member| {
                let mut slots = SlotList::default();
                slots.add(format!("{INPUT}.weight"), &bands, Role::NormWeight);
                slots.add(format!("{INPUT}.bias"), &bands, Role::Bias);
                let of_member = move |slot: Slot| Slot {
                    name: member_prefix(member) + &slot.name,
                    ..slot
                };
                slots
                    .0
                    .into_iter()
                    .chain(self.member_slots())
                    .map(of_member)
            })
            .collect()
    }

    /// Those of one network that answers alone.
    fn member_slots(&self) -> Vec<Slot> {
        let mut slots = SlotList::default();
        let features = match self.family {
            Family::SeResNet(depth) => depth.add_slots(&mut slots),
            Family::Scnn => scnn::add_slots(&mut slots),
            Family::BiLstm => bilstm::add_slots(&mut slots),
        };
        slots.linear(HEAD, 2 * self.horizons as i64, features);
        slots.0
    }

    /// Trained values of the network.
    pub fn parameters(&self) -> usize {
        let trained = self
            .slots()
            .into_iter()
            .filter(|slot| slot.role.is_trained());
        trained
            .map(|slot| slot.shape.iter().product::<i64>() as usize)
            .sum()
    }
}

/// What the names of a committee member's tensors begin with.
pub fn member_prefix(member: usize) -> String {
    format!("members.{member}.")
}

/// What a tensor of the network is for; it decides its first value and whether it is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Convolution,
    Linear,
    /// Of an LSTM of so many units.
    Recurrent(i64),
    Bias,
    NormWeight,
    NormMean,
    NormVariance,
}

impl Role {
    /// Running statistics are gathered, everything else is learnt.
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::NormMean | Self::NormVariance)
    }
}

/// A tensor that a network of some architecture must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub name: String,
    pub shape: Vec<i64>,
    pub role: Role,
}

impl Slot {
    /// Whether it is the last layer's.
    pub fn is_of_head(&self) -> bool {
        self.name.rsplit('.').nth(1) == Some(HEAD)
    }
}

/// The tensors of a network as they are listed.
#[derive(Default)]
pub(super) struct SlotList(Vec<Slot>);

impl SlotList {
    fn add(&mut self, name: String, shape: &[i64], role: Role) {
        self.0.push(Slot {
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

    /// A dense layer without a bias and its normalisation, which has one.
    pub fn normed_linear(&mut self, place: &str, out_features: i64, in_features: i64) {
        let shape = [out_features, in_features];
        self.add(format!("{place}.linear.weight"), &shape, Role::Linear);
        self.norm(&format!("{place}.norm"), out_features);
    }

    fn norm(&mut self, place: &str, channels: i64) {
        for (part, role) in [
            ("weight", Role::NormWeight),
            ("bias", Role::Bias),
            ("running_mean", Role::NormMean),
            ("running_var", Role::NormVariance),
        ] {
            self.add(format!("{place}.{part}"), &[channels], role);
        }
    }

    /// One direction of an LSTM layer: the matrices of its input and of its state, and a bias for
    /// each; the four gates' rows one after the other, as PyTorch orders them.
    pub fn lstm(&mut self, place: &str, inputs: i64, units: i64) {
        let role = Role::Recurrent(units);
        self.add(format!("{place}.weight_ih"), &[4 * units, inputs], role);
        self.add(format!("{place}.weight_hh"), &[4 * units, units], role);
        for bias in ["bias_ih", "bias_hh"] {
            self.add(format!("{place}.{bias}"), &[4 * units], role);
        }
    }

    pub fn linear(&mut self, place: &str, out_features: i64, in_features: i64) {
        self.add(
            format!("{place}.weight"),
            &[out_features, in_features],
            Role::Linear,
        );
        self.add(format!("{place}.bias"), &[out_features], Role::Bias);
    }
}
