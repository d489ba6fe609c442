//! Experiments: the corpora, the network and every setting of a training, in a TOML file.

mod augmentation;
mod error;
mod extends;
pub mod identity;
mod missing;
mod named;
pub mod of_folder;
pub mod reference;
mod training;

use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::corpora::{CorpusKind, CorpusSettings};
use crate::evaluation::threshold_search::Aim;
use crate::frontend::Features;
use crate::model::SE_RESNET;
use crate::model::{Architecture, Family, LevelMode};
pub use crate::training::experiment::augmentation::Augmentation;
pub use crate::training::experiment::error::{ExperimentError, SettingError};
pub use crate::training::experiment::extends::ExtendsError;
use crate::training::experiment::named::NAMED;
pub use crate::training::experiment::training::{Precision, Training};
use crate::training::sampler::Targets;

/// Settings of a training.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Name of the checkpoint.
    pub name: String,
    /// Network: `se_resnet`, `scnn` or `bilstm`.
    #[serde(default = "se_resnet")]
    pub architecture: String,
    /// Layers of `se_resnet`: 14, 18, 34, 50, 101, 152 or 200. The other networks have a single depth.
    #[serde(default)]
    pub depth: Option<u32>,
    /// Level of the input: `relative` brings every window to one level first.
    #[serde(default)]
    pub level: LevelMode,
    /// Horizons of the network's outputs: frames before the last one of the window, the largest first. Unless
    /// given, the frame at the window's centre. `bilstm` labels every frame and has none.
    #[serde(default)]
    pub horizons_frames: Vec<u32>,
    /// Horizon that is published by default. Unless given, the largest.
    #[serde(default)]
    pub default_horizon_frames: Option<u32>,
    /// Average the predictions of all windows so far for a frame, at this and at shorter horizons, instead of
    /// using the newest window's alone.
    #[serde(default)]
    pub overlap_averaging: bool,
    /// A second output beside voice: for each horizon the probability that somebody speaks.
    #[serde(default)]
    pub speech: bool,
    /// Criterion of the thresholds on validation data: `accuracy`, `even` or `balanced`.
    #[serde(default)]
    pub operating_point: Aim,
    /// Licence that the data allow the checkpoint, by SPDX identifier or name.
    pub license: String,
    /// How weights are fitted.
    pub training: Training,
    /// How windows are varied.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// Where windows come from.
    pub corpus: Vec<CorpusSettings>,
}

fn se_resnet() -> String {
    SE_RESNET.into()
}

impl Experiment {
    /// Reads a file with everything that it extends, or the built-in experiment of that name if there is no
    /// such file.
    ///
    /// # Errors
    /// If a file cannot be read or parsed, or a setting has an impossible value.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        if let Some(name) = path.to_str()
            && !path.exists()
            && NAMED.iter().any(|named| named.name == name)
        {
            return Self::built_in(name);
        }
        extends::resolve(path, |path| std::fs::read_to_string(path))?.checked(path)
    }

    /// Reads the text of a file that is not written yet.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_text(path: &Path, text: String) -> Result<Self, ExperimentError> {
        let read = |at: &Path| match at == path {
            true => Ok(text.clone()),
            false => std::fs::read_to_string(at),
        };
        extends::resolve(path, read)?.checked(path)
    }

    /// The built-in experiment of this name, whatever files there are.
    ///
    /// # Errors
    /// If there is no such experiment.
    pub fn built_in(name: &str) -> Result<Self, ExperimentError> {
        let none = || io::Error::from(io::ErrorKind::NotFound);
        let named = NAMED.iter().find(|named| named.name == name);
        let named = named.ok_or_else(|| ExperimentError::Unreadable {
            path: name.into(),
            reason: none(),
        })?;
        let path = Path::new(named.file);
        let read = |path: &Path| named::text(path).ok_or_else(none);
        extends::resolve(path, read)?.checked(path)
    }

    /// The experiment with the horizons of its network, if its settings are possible.
    fn checked(mut self, path: &Path) -> Result<Self, ExperimentError> {
        self.complete()
            .map_err(|problem| ExperimentError::Setting {
                path: path.into(),
                problem,
            })?;
        Ok(self)
    }

    fn complete(&mut self) -> Result<(), SettingError> {
        let family = self.family()?;
        if self.horizons_frames.is_empty() {
            self.horizons_frames = vec![family.features().default_horizon_frames()];
        }
        self.validate()
    }

    fn family(&self) -> Result<Family, SettingError> {
        Ok(Family::named(&self.architecture, self.depth)?)
    }

    /// The same experiment with another network, whose name is added to the experiment's.
    ///
    /// If its only horizon is the centre of the window, the new one is too. An epoch covers the same amount of
    /// recordings.
    ///
    /// # Errors
    /// If the network cannot be trained with the other settings.
    pub fn with_family(mut self, family: Family) -> Result<Self, SettingError> {
        let (before, after) = (self.family()?.features(), family.features());
        // A window trains one frame, so one is drawn for every 71 ms of sound. A sequence trains every frame, so
        // as many sequences would be the same sound 24 times over. One for every half sequence puts each frame
        // into two of them, in either half.
        let share = before.hop_s() / after.hop_s();
        let batches = (self.training.epoch_batches as f64 * share).round();
        self.training.epoch_batches = (batches as usize).max(1);
        if self.horizons_frames == [before.default_horizon_frames()] {
            self.horizons_frames = vec![after.default_horizon_frames()];
            let default = self.default_horizon_frames;
            self.default_horizon_frames = default.map(|_| self.horizons_frames[0]);
        }
        self.architecture = family.name().into();
        self.depth = family.depth();
        self.name += "-";
        self.name += &family.short_name();
        self.validate()?;
        Ok(self)
    }

    /// The horizon that is published by default, in frames.
    pub fn default_horizon_frames(&self) -> u32 {
        let largest = self.horizons_frames.first().copied();
        self.default_horizon_frames.or(largest).unwrap_or_default()
    }

    /// The network to train.
    ///
    /// # Errors
    /// If no network has this architecture and depth, which [`read`](Self::read) has checked.
    pub fn architecture(&self) -> Result<Architecture, SettingError> {
        Ok(Architecture {
            family: self.family()?,
            members: 1,
            horizons: self.horizons_frames.len(),
            speech: self.speech,
        })
    }

    /// The indices of the outputs to train; `None` if the whole network is trained.
    pub fn trained_outputs(&self) -> Option<Vec<usize>> {
        let Training {
            only_horizons_frames: only,
            only_speech,
            ..
        } = &self.training;
        if only.is_empty() && !only_speech {
            return None;
        }
        let horizons = self.horizons_frames.iter().enumerate();
        let horizons = horizons.filter(|(_, horizon)| only.is_empty() || only.contains(horizon));
        let indices: Vec<usize> = horizons.map(|(index, _)| index).collect();
        let of_speech = indices
            .iter()
            .map(|index| self.horizons_frames.len() + index);
        let of_speech: Vec<usize> = of_speech.filter(|_| self.speech).collect();
        Some(match only_speech {
            true => of_speech,
            false => [indices, of_speech].concat(),
        })
    }

    /// The outputs that labels are drawn for.
    pub fn targets(&self) -> Targets {
        match (self.speech, self.training.only_speech) {
            (false, _) => Targets::Voice,
            (true, false) => Targets::VoiceAndSpeech,
            (true, true) => Targets::Speech,
        }
    }

    fn validate(&self) -> Result<(), SettingError> {
        let features = self.family()?.features();
        let horizons = &self.horizons_frames;
        if horizons.is_empty()
            || !horizons.is_sorted_by(|a, b| a > b)
            || !horizons.iter().all(|&h| features.reach(h))
        {
            return Err(SettingError::Horizons {
                horizons: horizons.clone(),
                expected: features.allowed_horizons(),
            });
        }
        if !horizons.contains(&self.default_horizon_frames()) {
            return Err(SettingError::DefaultHorizon);
        }
        if self.overlap_averaging && horizons.len() < 2 {
            return Err(SettingError::OverlapAveraging);
        }
        let mut only = self.training.only_horizons_frames.iter();
        if let Some(&other) = only.find(|h| !horizons.contains(h)) {
            return Err(SettingError::OnlyHorizons(other));
        }
        if self.speech && features == Features::SeparatedMel {
            return Err(SettingError::Speech {
                network: self.architecture.clone(),
            });
        }
        if self.training.only_speech && !self.speech {
            return Err(SettingError::OnlySpeech);
        }
        self.training.validate()?;
        self.augmentation.validate()?;
        let mut shares = self.corpus.iter().filter_map(|c| c.voice_share);
        if let Some(share) = shares.find(|s| !(0.0..=1.0).contains(s)) {
            return Err(SettingError::VoiceShare(share));
        }
        if features == Features::SeparatedMel {
            self.uses_recorded_mixes()?;
        }
        let weights = || self.corpus.iter().map(|c| c.weight);
        if !weights().all(|w| w.is_finite() && w >= 0.0) || !weights().any(|w| w > 0.0) {
            return Err(SettingError::Weights);
        }
        Ok(())
    }

    /// Refuses settings that mix or change sound after its separation, which is of the recorded mix.
    fn uses_recorded_mixes(&self) -> Result<(), SettingError> {
        let network = self.architecture.clone();
        if !self.level.is_absolute() {
            return Err(SettingError::RelativeLevel { network });
        }
        if let Some(key) = self.augmentation.first_on_mel_bands() {
            return Err(SettingError::AugmentedRecordings { key, network });
        }
        let alone = |c: &&CorpusSettings| {
            c.weight > 0.0 && matches!(c.kind, CorpusKind::Solo | CorpusKind::LeadInstruments)
        };
        match self.corpus.iter().find(alone) {
            Some(corpus) => Err(SettingError::MixedRecordings {
                root: corpus.root.clone(),
                network,
            }),
            None => Ok(()),
        }
    }
}
