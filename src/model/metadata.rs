//! The description in a checkpoint file, and its validation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decision::overlap_average::{MIN_ALTERNATING_HORIZON_FRAMES, MIN_HORIZON_FRAMES};
use crate::decision::{ModelHorizons, OperatingPoint, OverlapAverage, PointError, SpeechOutput};
use crate::frontend::Features;
use crate::model::architecture::Architecture;
use crate::model::family::{Family, FamilyError};
use crate::model::frontend_settings::FrontendSettings;
use crate::model::normalisation::LevelMode;

/// The version of the file format that this program reads and writes.
pub const FORMAT_VERSION: u32 = 1;
/// Largest ensemble; each member costs as much time as a single network.
pub const MAX_MEMBERS: usize = 16;

/// Everything needed to use the weights as they were trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// A short name, as `live-14`.
    pub name: String,
    /// `se_resnet`, `scnn` or `bilstm`.
    pub architecture: String,
    /// Layers of `se_resnet`: 14, 18, 34, 50, 101, 152 or 200. The other architectures have a single depth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Networks in the ensemble, whose log odds are averaged: 1 to [`MAX_MEMBERS`].
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub members: usize,
    /// Evaluate the members of the ensemble in turn, one per window, instead of all on every window. This costs one
    /// forward pass per window; overlap averaging then combines the members.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alternating: bool,
    /// Settings of the frontend in training.
    pub frontend: FrontendSettings,
    /// Whether windows are brought to a common level.
    #[serde(default, skip_serializing_if = "LevelMode::is_absolute")]
    pub level: LevelMode,
    /// For each output the distance of its frame from the window's last frame, in frames, the largest first.
    /// `bilstm` predicts every frame of a recording and has one horizon: the distance from a frame to the last sound
    /// that contributes to its prediction.
    pub horizons_frames: Vec<u32>,
    /// Whether decisions use the average over all windows that predict a frame ([`OverlapAverage`]) instead of the
    /// newest window alone. The operating points are valid for this choice only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overlap_averaging: bool,
    /// One for each horizon.
    pub operating_points: Vec<OperatingPoint>,
    /// The second output, probabilities of speech for the same horizons; `None` for a network of voice alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechOutput>,
    /// The default horizon.
    pub default_horizon_frames: u32,
    /// Training data.
    pub trained_on: Vec<String>,
    /// Measured figures; the name states the figure and the data.
    pub figures: BTreeMap<String, f64>,
    /// SPDX identifier or name of the licence of the weights.
    pub license: String,
}

fn one() -> usize {
    1
}

fn is_one(members: &usize) -> bool {
    *members == 1
}

/// The first rule that a checkpoint's metadata break. The message is half a sentence, to follow the checkpoint's name.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetadataError {
    /// Another version of the format.
    #[error("is of format {0}, and this vocald reads {FORMAT_VERSION}")]
    Format(u32),
    /// An unknown network.
    #[error("names {0}")]
    Family(#[from] FamilyError),
    /// An impossible ensemble size.
    #[error("is an ensemble of {0}; 1 to {MAX_MEMBERS} members are possible")]
    Members(usize),
    /// Alternating members of a single network, or without windows.
    #[error(
        "has alternating members, which needs several members and an architecture with windows"
    )]
    Alternating,
    /// The second output without windows.
    #[error("has an output for speech, which needs an architecture with windows")]
    Speech,
    /// Another frontend.
    #[error("was trained behind a frontend with other numbers than this one")]
    Frontend,
    /// A common level for windows, without windows.
    #[error("requires windows of one level, but its input is whole recordings")]
    Level,
    /// Horizons that the network cannot have.
    #[error("lists horizons {horizons:?}, not {expected}")]
    Horizons {
        /// The horizons in the metadata, in frames.
        horizons: Vec<u32>,
        /// What is possible, for people.
        expected: String,
    },
    /// Overlap averaging with nothing to average.
    #[error("requires overlap averaging, but has only one horizon")]
    OverlapAveraging,
    /// A default that is none of the horizons.
    #[error("has {default} as default horizon, but only {horizons:?}")]
    DefaultHorizon {
        /// The default, in frames.
        default: u32,
        /// The horizons, in frames.
        horizons: Vec<u32>,
    },
    /// Too few or too many operating points.
    #[error("does not hold one operating point for each horizon")]
    PointCount,
    /// An invalid operating point.
    #[error("has an impossible operating point: {0}")]
    Point(#[from] PointError),
}

impl Metadata {
    /// Checks every field, and returns the architecture that the weights must fit.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<Architecture, MetadataError> {
        if self.format_version != FORMAT_VERSION {
            return Err(MetadataError::Format(self.format_version));
        }
        let family = Family::named(&self.architecture, self.depth)?;
        if !(1..=MAX_MEMBERS).contains(&self.members) {
            return Err(MetadataError::Members(self.members));
        }
        let features = family.features();
        if self.alternating && (self.members == 1 || features == Features::SeparatedMel) {
            return Err(MetadataError::Alternating);
        }
        if self.speech.is_some() && features == Features::SeparatedMel {
            return Err(MetadataError::Speech);
        }
        if self.frontend != FrontendSettings::of_features(features) {
            return Err(MetadataError::Frontend);
        }
        if features == Features::SeparatedMel && !self.level.is_absolute() {
            return Err(MetadataError::Level);
        }
        let horizons = &self.horizons_frames;
        let possible = horizons.iter().all(|&h| features.reach(h));
        if horizons.is_empty() || !possible || !horizons.is_sorted_by(|a, b| a > b) {
            return Err(MetadataError::Horizons {
                horizons: horizons.clone(),
                expected: features.allowed_horizons(),
            });
        }
        if self.overlap_averaging && horizons.len() < 2 {
            return Err(MetadataError::OverlapAveraging);
        }
        if !horizons.contains(&self.default_horizon_frames) {
            return Err(MetadataError::DefaultHorizon {
                default: self.default_horizon_frames,
                horizons: horizons.clone(),
            });
        }
        if self.operating_points.len() != horizons.len() {
            return Err(MetadataError::PointCount);
        }
        self.operating_points
            .iter()
            .try_for_each(OperatingPoint::validate)?;
        if let Some(speech) = &self.speech {
            if speech.operating_points.len() != horizons.len() {
                return Err(MetadataError::PointCount);
            }
            speech.validate()?;
        }
        Ok(Architecture {
            family,
            members: self.members,
            horizons: horizons.len(),
            speech: self.speech.is_some(),
        })
    }

    /// Adds training data, without repetitions.
    pub fn add_trained_on(&mut self, sources: &[String]) {
        for source in sources {
            if !self.trained_on.contains(source) {
                self.trained_on.push(source.clone());
            }
        }
    }

    /// The horizons on offer, for the configuration to choose from.
    pub fn model_horizons(&self) -> ModelHorizons<'_> {
        ModelHorizons {
            name: &self.name,
            frames: &self.horizons_frames,
            default_frames: self.default_horizon_frames,
            points: &self.operating_points,
            speech: self.speech.as_ref(),
        }
    }

    /// The shortest horizon that overlap averaging uses, in frames.
    pub fn overlap_min_horizon_frames(&self) -> u32 {
        match self.alternating {
            true => MIN_ALTERNATING_HORIZON_FRAMES,
            false => MIN_HORIZON_FRAMES,
        }
    }

    /// The overlap average for one new stream.
    pub fn new_overlap_average(&self) -> OverlapAverage {
        match self.overlap_averaging {
            true if self.alternating => OverlapAverage::alternating(&self.horizons_frames),
            true => OverlapAverage::new(&self.horizons_frames),
            false => OverlapAverage::only_newest(&self.horizons_frames),
        }
    }
}
