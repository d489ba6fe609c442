//! Which networks there are: what each looks at, which tensors it has, how many parameters.
//!
//! Input of all: windows × 1 × frames × 80 bands, normalised per band; how many frames is the
//! architecture's own. Output of all: windows × horizons × 2 logits, no voice and voice.

use std::fmt;

use super::depth::Depth;
use super::scnn;
use crate::frontend::WindowLength;

/// The names of the architectures in experiments and checkpoints.
pub const SE_RESNET: &str = "se_resnet";
pub const SCNN: &str = "scnn";

/// The kinds of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Squeeze-and-excitation residual networks (Gui et al. 2022).
    SeResNet(Depth),
    /// The convolutional network of Schlüter & Grill (2015).
    Scnn,
}

impl Family {
    /// The family that an experiment or a checkpoint names. The error is what it names wrongly.
    pub fn named(name: &str, depth: Option<u32>) -> Result<Self, String> {
        match (name, depth) {
            (SE_RESNET, Some(layers)) => Depth::from_layers(layers)
                .map(Self::SeResNet)
                .ok_or_else(|| format!("depth {layers}, which {SE_RESNET} does not have")),
            (SE_RESNET, None) => Err(format!("no depth, which {SE_RESNET} needs")),
            (SCNN, None) => Ok(Self::Scnn),
            (SCNN, Some(layers)) => Err(format!("depth {layers}, but {SCNN} has only one")),
            _ => Err(format!(
                "an unknown architecture `{name}`, neither {SE_RESNET} nor {SCNN}"
            )),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::SeResNet(_) => SE_RESNET,
            Self::Scnn => SCNN,
        }
    }

    /// Layers, where the family has several depths.
    pub fn depth(self) -> Option<u32> {
        match self {
            Self::SeResNet(depth) => Some(depth.layers()),
            Self::Scnn => None,
        }
    }

    /// What the network looks at.
    pub fn window(self) -> WindowLength {
        match self {
            Self::SeResNet(_) => WindowLength::FRAMES_80,
            Self::Scnn => WindowLength::FRAMES_115,
        }
    }

    /// Parameters in millions as Gui et al. give them in their table 3.
    pub fn paper_parameters_m(self) -> f64 {
        match self {
            Self::SeResNet(depth) => depth.paper_parameters_m(),
            Self::Scnn => scnn::PAPER_PARAMETERS_M,
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

/// What makes two networks interchangeable: their weights have the same names and shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    pub family: Family,
    pub horizons: usize,
}

impl Architecture {
    pub fn window(&self) -> WindowLength {
        self.family.window()
    }

    /// Every tensor of the network, in a fixed order.
    pub fn slots(&self) -> Vec<Slot> {
        let mut slots = SlotList::default();
        let features = match self.family {
            Family::SeResNet(depth) => depth.add_slots(&mut slots),
            Family::Scnn => scnn::add_slots(&mut slots),
        };
        slots.linear("head", 2 * self.horizons as i64, features);
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

/// What a tensor of the network is for; it decides its first value and whether it is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Convolution,
    Linear,
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

    pub fn linear(&mut self, place: &str, out_features: i64, in_features: i64) {
        self.add(
            format!("{place}.weight"),
            &[out_features, in_features],
            Role::Linear,
        );
        self.add(format!("{place}.bias"), &[out_features], Role::Bias);
    }
}
