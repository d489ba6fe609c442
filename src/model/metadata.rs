//! What a checkpoint says of itself, and the checks that it means what this program does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decision::OperatingPoint;
use crate::decision::OverlapAverage;
use crate::frontend;
use crate::frontend::separated_mel as separated;
use crate::frontend::separation::{ALPHA, GAMMA, ITERATIONS};
use crate::frontend::{Features, WindowLength};
use crate::model::architecture::{Architecture, Family};
use crate::model::normalisation::LevelMode;

/// The version of the file format this program reads and writes.
pub const FORMAT_VERSION: u32 = 1;
/// Each member of a committee takes as long as a network that answers alone.
pub const MAX_MEMBERS: usize = 16;

/// The numbers of the frontend that a network was trained behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontendNumbers {
    pub sample_rate_hz: u32,
    pub frame_samples: usize,
    pub hop_samples: usize,
    pub mel_bands: usize,
    pub mel_min_hz: f64,
    pub mel_max_hz: f64,
    /// Of magnitudes; where the sound is separated, of energies.
    pub log_floor: f32,
    pub window_frames: usize,
    pub window_hop_frames: usize,
    /// Where the sound is separated first; half the bands are then of each part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation: Option<SeparationNumbers>,
}

/// The numbers of the separation in two stages. The second has the frontend's frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeparationNumbers {
    pub first_frame_samples: usize,
    pub first_hop_samples: usize,
    pub gamma: f32,
    pub alpha: f32,
    pub iterations: usize,
}

impl FrontendNumbers {
    /// Those of the frontend that gives these features.
    pub fn behind(features: Features) -> Self {
        match features {
            Features::Mel(window) => Self::of(window),
            Features::SeparatedMel => Self {
                sample_rate_hz: separated::SEPARATED_RATE_HZ,
                frame_samples: separated::SECOND_FRAME_SAMPLES,
                hop_samples: separated::SEPARATED_HOP_SAMPLES,
                mel_bands: frontend::MEL_BANDS,
                mel_min_hz: separated::PART_MIN_HZ,
                mel_max_hz: separated::PART_MAX_HZ,
                log_floor: separated::ENERGY_FLOOR,
                window_frames: separated::SEQUENCE_FRAMES,
                window_hop_frames: separated::SEQUENCE_HOP_FRAMES,
                separation: Some(SeparationNumbers {
                    first_frame_samples: separated::FIRST_FRAME_SAMPLES,
                    first_hop_samples: separated::FIRST_FRAME_SAMPLES / 2,
                    gamma: GAMMA,
                    alpha: ALPHA,
                    iterations: ITERATIONS,
                }),
            },
        }
    }

    /// Those of this program's frontend, for a network that looks at such windows.
    pub fn of(window: WindowLength) -> Self {
        Self {
            sample_rate_hz: frontend::SAMPLE_RATE_HZ,
            frame_samples: frontend::FRAME_SAMPLES,
            hop_samples: frontend::HOP_SAMPLES,
            mel_bands: frontend::MEL_BANDS,
            mel_min_hz: frontend::MEL_MIN_HZ,
            mel_max_hz: frontend::MEL_MAX_HZ,
            log_floor: frontend::LOG_FLOOR,
            window_frames: window.frames(),
            window_hop_frames: frontend::WINDOW_HOP_FRAMES,
            separation: None,
        }
    }
}

/// Everything that must hold for the weights to mean what they were trained to mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub format_version: u32,
    /// A short name, as `live-14`.
    pub name: String,
    /// `se_resnet`, `scnn` or `bilstm`.
    pub architecture: String,
    /// Layers of `se_resnet`: 14, 18, 34, 50, 101, 152 or 200. The others have none to
    /// choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Networks whose mean log odds are the answer, 1 to [`MAX_MEMBERS`].
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub members: usize,
    /// Whether each window is for one member alone, the next one's turn, and not for all of them: the work of
    /// one network. What they agree on is then found by the consensus of windows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alternating: bool,
    pub frontend: FrontendNumbers,
    #[serde(default, skip_serializing_if = "LevelMode::is_absolute")]
    pub level: LevelMode,
    /// Distance of each output's frame from the window's last frame, in frames, the largest first.
    /// `bilstm`, which answers for every frame of a recording, has one: the frames that lie between
    /// one and the last sound that has a part in the answer.
    pub horizons_frames: Vec<u32>,
    /// Whether decisions go by what all windows so far have said of a frame
    /// ([`OverlapAverage`]); else by the newest alone. The operating points are for the one or the other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overlap_averaging: bool,
    /// One for each horizon.
    pub operating_points: Vec<OperatingPoint>,
    /// The horizon that is published unless another is asked for.
    pub default_horizon_frames: u32,
    pub trained_on: Vec<String>,
    /// Measured figures, by a name that says what and on which data.
    pub figures: BTreeMap<String, f64>,
    pub license: String,
}

fn one() -> usize {
    1
}

fn is_one(members: &usize) -> bool {
    *members == 1
}

impl Metadata {
    /// Checks every field, and returns the network the weights must fit. The error is the
    /// fault as half a sentence.
    pub fn validate(&self) -> Result<Architecture, String> {
        if self.format_version != FORMAT_VERSION {
            let version = self.format_version;
            return Err(format!(
                "is of format {version}, and this vocald reads {FORMAT_VERSION}"
            ));
        }
        let family = Family::named(&self.architecture, self.depth)
            .map_err(|wrong| format!("names {wrong}"))?;
        if !(1..=MAX_MEMBERS).contains(&self.members) {
            let members = self.members;
            return Err(format!(
                "is a committee of {members}, and 1 to {MAX_MEMBERS} can be asked"
            ));
        }
        let features = family.features();
        if self.alternating && (self.members == 1 || features == Features::SeparatedMel) {
            return Err("has members take turns, which takes several, and windows".into());
        }
        if self.frontend != FrontendNumbers::behind(features) {
            return Err("was trained behind a frontend with other numbers than this one".into());
        }
        if features == Features::SeparatedMel && !self.level.is_absolute() {
            return Err("asks for windows of one level, but hears recordings".into());
        }
        let horizons = &self.horizons_frames;
        let inside = horizons.iter().all(|&h| features.reach(h));
        if horizons.is_empty() || !inside || !horizons.is_sorted_by(|a, b| a > b) {
            return Err(format!(
                "lists horizons {horizons:?}, not {}",
                features.horizons_wanted()
            ));
        }
        if self.overlap_averaging && horizons.len() < 2 {
            return Err("asks for a consensus of horizons, but has only one".into());
        }
        if !horizons.contains(&self.default_horizon_frames) {
            let default = self.default_horizon_frames;
            return Err(format!(
                "has {default} as default horizon, but only {horizons:?}"
            ));
        }
        if self.operating_points.len() != horizons.len() {
            return Err("does not hold one operating point for each horizon".into());
        }
        if let Some(fault) = self
            .operating_points
            .iter()
            .find_map(|point| point.validate().err())
        {
            return Err(format!("has an impossible operating point: {fault}"));
        }
        Ok(Architecture {
            family,
            members: self.members,
            horizons: horizons.len(),
        })
    }

    /// What another part of its training heard, each named once.
    pub fn add_trained_on(&mut self, sources: &[String]) {
        for source in sources {
            if !self.trained_on.contains(source) {
                self.trained_on.push(source.clone());
            }
        }
    }

    /// What combines the answers on one stream's windows; it has heard none yet.
    pub fn new_overlap_average(&self) -> OverlapAverage {
        match self.overlap_averaging {
            true if self.alternating => OverlapAverage::alternating(&self.horizons_frames),
            true => OverlapAverage::new(&self.horizons_frames),
            false => OverlapAverage::none(),
        }
    }

    /// The output that speaks of the frame `horizon_frames` before the window's last.
    pub fn output_of(&self, horizon_frames: u32) -> Option<usize> {
        self.horizons_frames
            .iter()
            .position(|&h| h == horizon_frames)
    }
}
