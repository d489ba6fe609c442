//! The families of networks, by name and depth.

use std::fmt;

use crate::frontend::{Features, WindowLength};
use crate::model::depth::Depth;
use crate::model::{bilstm, scnn};

/// Name of [`Family::SeResNet`] in experiments and checkpoints.
pub const SE_RESNET: &str = "se_resnet";
/// Name of [`Family::Scnn`] in experiments and checkpoints.
pub const SCNN: &str = "scnn";
/// Name of [`Family::BiLstm`] in experiments and checkpoints.
pub const BILSTM: &str = "bilstm";

/// A family of networks; SE-ResNet with its depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Squeeze-and-excitation residual network (Gui et al. 2022).
    SeResNet(Depth),
    /// The convolutional network of Schlüter & Grill (2015).
    Scnn,
    /// The recurrent network of Leglaive et al. (2015).
    BiLstm,
}

/// A name and depth that no family has. The message is a noun phrase, to follow "names".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FamilyError {
    /// SE-ResNet of a depth that the paper does not have.
    #[error("depth {0}, which {SE_RESNET} does not have")]
    UnknownDepth(u32),
    /// SE-ResNet without a depth.
    #[error("no depth, which {SE_RESNET} needs")]
    NoDepth,
    /// A depth for a family that has only one.
    #[error("depth {depth}, but {name} has only one")]
    SingleDepth {
        /// The family.
        name: String,
        /// The depth given.
        depth: u32,
    },
    /// An unknown name.
    #[error("an unknown architecture `{0}`, none of {SE_RESNET}, {SCNN} and {BILSTM}")]
    Unknown(String),
}

impl Family {
    /// Every family, SE-ResNet at every depth.
    pub fn all() -> impl Iterator<Item = Self> {
        let depths = Depth::ALL.into_iter().map(Self::SeResNet);
        depths.chain([Self::Scnn, Self::BiLstm])
    }

    /// The family of this name and depth in layers.
    ///
    /// # Errors
    ///
    /// No family has this name and depth.
    pub fn named(name: &str, depth: Option<u32>) -> Result<Self, FamilyError> {
        match (name, depth) {
            (SE_RESNET, Some(layers)) => Depth::from_layers(layers)
                .map(Self::SeResNet)
                .ok_or(FamilyError::UnknownDepth(layers)),
            (SE_RESNET, None) => Err(FamilyError::NoDepth),
            (SCNN, None) => Ok(Self::Scnn),
            (BILSTM, None) => Ok(Self::BiLstm),
            (SCNN | BILSTM, Some(depth)) => Err(FamilyError::SingleDepth {
                name: name.to_owned(),
                depth,
            }),
            _ => Err(FamilyError::Unknown(name.to_owned())),
        }
    }

    /// The name in experiments and checkpoints.
    pub fn name(self) -> &'static str {
        match self {
            Self::SeResNet(_) => SE_RESNET,
            Self::Scnn => SCNN,
            Self::BiLstm => BILSTM,
        }
    }

    /// What distinguishes it from other networks of one experiment: its depth, or its name.
    pub fn short_name(self) -> String {
        match self.depth() {
            Some(layers) => layers.to_string(),
            None => self.name().to_owned(),
        }
    }

    /// Depth in layers, if the family has several.
    pub fn depth(self) -> Option<u32> {
        match self {
            Self::SeResNet(depth) => Some(depth.layers()),
            Self::Scnn | Self::BiLstm => None,
        }
    }

    /// The input features.
    pub fn features(self) -> Features {
        match self {
            Self::SeResNet(_) => Features::Mel(WindowLength::FRAMES_80),
            Self::Scnn => Features::Mel(WindowLength::FRAMES_115),
            Self::BiLstm => Features::SeparatedMel,
        }
    }

    /// Parameters in millions according to table 3 of Gui et al. (2022).
    pub fn paper_parameters_m(self) -> f64 {
        match self {
            Self::SeResNet(depth) => depth.paper_parameters_m(),
            Self::Scnn => scnn::PAPER_PARAMETERS_M,
            Self::BiLstm => bilstm::PAPER_PARAMETERS_M,
        }
    }
}

/// For people: `se_resnet of depth 14`, `scnn`.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())?;
        match self.depth() {
            Some(layers) => write!(f, " of depth {layers}"),
            None => Ok(()),
        }
    }
}
