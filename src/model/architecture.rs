//! The architecture of a network: family, ensemble size, horizons, and from these its tensors.
//!
//! Input of every network: windows × 1 × frames × 80 normalised values. The family determines the number of frames and
//! the features. Output: windows × outputs × 2 logits, no voice and voice, with one output per horizon or per frame. A
//! network with the second output has as many outputs again behind them: no speech and speech, per horizon.

use std::fmt;

use crate::frontend::{Features, MEL_BANDS};
use crate::model::family::Family;
use crate::model::param_spec::{HEAD, ParamSpec, ParamSpecs};
use crate::model::{bilstm, scnn};

/// The name of the layer that leads from an ensemble's normalisation to a member's own: a factor and a summand for
/// each band.
pub const INPUT: &str = "input";

/// Networks of the same architecture have weights of the same names and shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    /// The family of each member.
    pub family: Family,
    /// Networks in the ensemble, whose log odds are averaged; 1 for a single network.
    pub members: usize,
    /// Number of horizons.
    pub horizons: usize,
    /// Whether there is a probability of speech for each horizon beside that of voice.
    pub speech: bool,
}

/// For people: `se_resnet of depth 14`, `an ensemble of 2: se_resnet of depth 14`.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.members > 1 {
            write!(f, "an ensemble of {}: ", self.members)?;
        }
        self.family.fmt(f)
    }
}

impl Architecture {
    /// The input features.
    pub fn features(&self) -> Features {
        self.family.features()
    }

    /// Outputs for each window, or for each sequence of full length: voice for each horizon, then speech likewise.
    pub fn outputs(&self) -> usize {
        match self.features() {
            Features::Mel(_) => self.horizons * (1 + usize::from(self.speech)),
            Features::SeparatedMel => self.features().frames(),
        }
    }

    /// Every tensor of the network, in a fixed order.
    pub fn param_specs(&self) -> Vec<ParamSpec> {
        if self.members <= 1 {
            return self.member_specs().into_vec();
        }
        let of_member = |member: usize| {
            let mut input = ParamSpecs::default();
            input.affine(INPUT, MEL_BANDS as i64);
            let specs = input.into_vec().into_iter();
            let specs = specs.chain(self.member_specs().into_vec());
            specs.map(move |spec| ParamSpec {
                name: member_prefix(member) + &spec.name,
                ..spec
            })
        };
        (0..self.members).flat_map(of_member).collect()
    }

    /// The tensors of a single network.
    fn member_specs(&self) -> ParamSpecs {
        let mut specs = ParamSpecs::default();
        let features = match self.family {
            Family::SeResNet(depth) => depth.add_specs(&mut specs),
            Family::Scnn => scnn::add_specs(&mut specs),
            Family::BiLstm => bilstm::add_specs(&mut specs),
        };
        let groups = 1 + i64::from(self.speech);
        specs.linear(HEAD, 2 * groups * self.horizons as i64, features);
        specs
    }

    /// Number of trained values.
    pub fn parameters(&self) -> usize {
        let specs = self.param_specs().into_iter();
        let trained = specs.filter(|spec| spec.role.is_trained());
        trained
            .map(|spec| spec.shape.iter().product::<i64>() as usize)
            .sum()
    }
}

/// The prefix of the tensor names of an ensemble's member, counted from 0.
pub fn member_prefix(member: usize) -> String {
    format!("members.{member}.")
}
