//! An experiment: the corpora, the network and every setting of a training, in one TOML file.

mod augmentation;
mod extends;
pub mod identity;
mod missing;
mod named;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::corpora::{CorpusKind, CorpusSettings};
use crate::evaluation::threshold_search::Aim;
use crate::frontend::Features;
use crate::model::SE_RESNET;
use crate::model::{Architecture, Family, LevelMode};
pub use crate::training::experiment::augmentation::Augmentation;
pub use crate::training::experiment::extends::ExtendsError;
use crate::training::experiment::named::NAMED;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The checkpoint's name.
    pub name: String,
    /// `se_resnet`, `scnn` or `bilstm`.
    #[serde(default = "se_resnet")]
    pub architecture: String,
    /// Layers of `se_resnet`; the others have none to choose from.
    #[serde(default)]
    pub depth: Option<u32>,
    /// `relative` brings every window to one level before the network sees it.
    #[serde(default)]
    pub level: LevelMode,
    /// Look-aheads the network learns at once: frames before the window's last, the largest first.
    /// Unless given, the frame at the window's centre. `bilstm` learns every frame and has none.
    #[serde(default)]
    pub horizons_frames: Vec<u32>,
    /// The one that is published unless another is asked for; unless given, the largest.
    #[serde(default)]
    pub default_horizon_frames: Option<u32>,
    /// Decisions average the predictions of all windows so far for a frame, at this and at shorter
    /// look-aheads, instead of the newest window's alone.
    #[serde(default)]
    pub overlap_averaging: bool,
    /// What the thresholds are chosen for on validation: `accuracy`, `even` or `balanced`.
    #[serde(default)]
    pub operating_point: Aim,
    /// The licence the data leaves the checkpoint.
    pub license: String,
    pub training: Training,
    #[serde(default)]
    pub augmentation: Augmentation,
    /// Where windows come from.
    pub corpus: Vec<CorpusSettings>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    pub seed: u64,
    pub batch_windows: usize,
    /// An epoch is this many batches of freshly drawn windows.
    pub epoch_batches: usize,
    pub max_epochs: usize,
    /// Training ends when validation has not improved for this many epochs.
    pub patience_epochs: usize,
    pub learning_rate: f64,
    /// The learning rate is multiplied by `learning_rate_factor` every so many epochs.
    pub learning_rate_epochs: usize,
    pub learning_rate_factor: f64,
    /// The rate rises linearly over the first batches.
    #[serde(default)]
    pub warm_up_batches: usize,
    pub weight_decay: f64,
    #[serde(default)]
    pub label_smoothing: f64,
    /// Share of the loss that is against a teacher's answers (`--teacher`) and not against the labels.
    #[serde(default)]
    pub teacher_share: f64,
    /// Validation and the checkpoint use a running average of the weights, which moves by
    /// 1 - `average_decay` a batch; 0 uses the weights themselves.
    #[serde(default)]
    pub average_decay: f64,
    #[serde(default)]
    pub precision: Precision,
    /// Learns nothing but the outputs at these of `horizons_frames`: more look-aheads for a checkpoint that is
    /// good as it is. Unless given, everything is learnt.
    #[serde(default)]
    pub only_horizons_frames: Vec<u32>,
}

/// What the convolutions of a training step compute in. The weights are always 32-bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    #[default]
    Float32,
    /// Faster where the processor has instructions for it (AVX512-BF16, AMX, GPUs), slower elsewhere.
    Bfloat16,
}

fn se_resnet() -> String {
    SE_RESNET.into()
}

#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    #[error("cannot read the experiment {}: {reason}; there are also {}", path.display(), NAMED.map(|named| named.name).join(", "))]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error("the experiment {}: {fault}", path.display())]
    Faulty { path: PathBuf, fault: String },
    #[error("the experiment {}: {problem}", path.display())]
    Extends {
        path: PathBuf,
        problem: ExtendsError,
    },
}

fn unreadable(path: &Path, reason: io::Error) -> ExperimentError {
    ExperimentError::Unreadable {
        path: path.into(),
        reason,
    }
}

impl Experiment {
    /// Reads a file with all that it extends, or takes the experiment of that name inside the program.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        if let Some(name) = path.to_str()
            && !path.exists()
            && NAMED.iter().any(|named| named.name == name)
        {
            return Self::built_in(name);
        }
        extends::resolve(path, |path| std::fs::read_to_string(path))?.checked(path)
    }

    /// The experiment of that name inside the program, whatever files there are.
    pub fn built_in(name: &str) -> Result<Self, ExperimentError> {
        let none = || io::Error::from(io::ErrorKind::NotFound);
        let named = NAMED.iter().find(|named| named.name == name);
        let named = named.ok_or_else(|| unreadable(Path::new(name), none()))?;
        let path = Path::new(named.file);
        let read = |path: &Path| named::text(path).ok_or_else(none);
        extends::resolve(path, read)?.checked(path)
    }

    /// The experiment with what it leaves to its network, if it can be trained.
    fn checked(mut self, path: &Path) -> Result<Self, ExperimentError> {
        let faulty = |fault: String| ExperimentError::Faulty {
            path: path.into(),
            fault,
        };
        let family = self.family().map_err(faulty)?;
        if self.horizons_frames.is_empty() {
            self.horizons_frames = vec![family.features().usual_horizon_frames()];
        }
        self.validate().map_err(faulty)?;
        Ok(self)
    }

    fn family(&self) -> Result<Family, String> {
        Family::named(&self.architecture, self.depth)
            .map_err(|wrong| format!("the experiment names {wrong}"))
    }

    /// The same experiment with another network, whose name is added to its own. Where it labels
    /// only the centre of the windows, it goes on doing so: the centre may be another frame. An
    /// epoch goes on holding as much of the recordings.
    pub fn with_family(mut self, family: Family) -> Result<Self, String> {
        let (before, after) = (self.family()?.features(), family.features());
        // A window is drawn for every 71 ms of sound, since only one frame of it is learnt. Of a
        // sequence every frame is: as many of them would be the same sound 24 times over. One for
        // every half sequence lets each frame come in two of them, in either half.
        let share = before.hop_s() / after.hop_s();
        let batches = (self.training.epoch_batches as f64 * share).round();
        self.training.epoch_batches = (batches as usize).max(1);
        if self.horizons_frames == [before.usual_horizon_frames()] {
            self.horizons_frames = vec![after.usual_horizon_frames()];
            // Given before, given again, and left out where it was left out.
            let given = self.default_horizon_frames.is_some();
            self.default_horizon_frames = given.then_some(self.horizons_frames[0]);
        }
        self.architecture = family.name().into();
        self.depth = family.depth();
        self.name += "-";
        self.name += &match family.depth() {
            Some(layers) => layers.to_string(),
            None => family.name().to_owned(),
        };
        self.validate()?;
        Ok(self)
    }

    /// The horizon that is published unless another is asked for.
    pub fn default_horizon_frames(&self) -> u32 {
        let largest = self.horizons_frames.first().copied();
        self.default_horizon_frames.or(largest).unwrap_or_default()
    }

    /// The network to train.
    pub fn architecture(&self) -> Result<Architecture, String> {
        Ok(Architecture {
            family: self.family()?,
            members: 1,
            horizons: self.horizons_frames.len(),
        })
    }

    /// The places of the outputs that are learnt, where not everything is.
    pub fn learnt_outputs(&self) -> Option<Vec<usize>> {
        let only = &self.training.only_horizons_frames;
        let learnt = self.horizons_frames.iter().enumerate();
        let learnt = learnt.filter(|(_, h)| only.contains(h));
        (!only.is_empty()).then(|| learnt.map(|(index, _)| index).collect())
    }

    fn validate(&self) -> Result<(), String> {
        let features = self.family()?.features();
        let horizons = &self.horizons_frames;
        if horizons.is_empty()
            || !horizons.is_sorted_by(|a, b| a > b)
            || !horizons.iter().all(|&h| features.reach(h))
        {
            return Err(format!(
                "horizons_frames = {horizons:?}: give {}, or leave it out",
                features.horizons_wanted()
            ));
        }
        if !horizons.contains(&self.default_horizon_frames()) {
            return Err("default_horizon_frames must be one of horizons_frames".into());
        }
        if self.overlap_averaging && horizons.len() < 2 {
            return Err("overlap_averaging needs at least two horizons_frames".into());
        }
        let t = &self.training;
        if let Some(other) = t
            .only_horizons_frames
            .iter()
            .find(|h| !horizons.contains(h))
        {
            return Err(format!(
                "training.only_horizons_frames names {other}, which is none of horizons_frames"
            ));
        }
        let counts = [
            ("batch_windows", t.batch_windows),
            ("epoch_batches", t.epoch_batches),
            ("max_epochs", t.max_epochs),
            ("patience_epochs", t.patience_epochs),
            ("learning_rate_epochs", t.learning_rate_epochs),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, n)| *n == 0) {
            return Err(format!("training.{name} must be at least 1"));
        }
        if t.batch_windows < 2 {
            return Err(
                "training.batch_windows must be at least 2, for batch normalisation".into(),
            );
        }
        let rates = [
            ("training.learning_rate", t.learning_rate, 1.0),
            ("training.learning_rate_factor", t.learning_rate_factor, 1.0),
            ("training.weight_decay", t.weight_decay, 1.0),
            ("training.label_smoothing", t.label_smoothing, 0.5),
            ("training.teacher_share", t.teacher_share, 1.0),
            ("training.average_decay", t.average_decay, 0.999_999),
        ];
        if let Some((name, _, most)) = rates
            .into_iter()
            .find(|(_, x, most)| !(0.0..=*most).contains(x))
        {
            return Err(format!("{name} must lie between 0 and {most}"));
        }
        self.augmentation.validate()?;
        if let Some(share) = self
            .corpus
            .iter()
            .filter_map(|c| c.voice_share)
            .find(|s| !(0.0..=1.0).contains(s))
        {
            return Err(format!("voice_share = {share} must lie between 0 and 1"));
        }
        if features == Features::SeparatedMel {
            self.hears_recorded_mixes()?;
        }
        if !self
            .corpus
            .iter()
            .all(|c| c.weight.is_finite() && c.weight >= 0.0)
            || !self.corpus.iter().any(|c| c.weight > 0.0)
        {
            return Err("corpus weights must not be negative, and one must be above 0".into());
        }
        Ok(())
    }

    /// Refuses what would have to be mixed or changed after the separation, which hears the mix.
    fn hears_recorded_mixes(&self) -> Result<(), String> {
        let network = &self.architecture;
        if !self.level.is_absolute() {
            return Err(format!(
                "level = \"relative\" is for windows; {network} hears recordings"
            ));
        }
        if let Some(name) = self.augmentation.first_on_mel_bands() {
            return Err(format!(
                "augmentation.{name} changes mel bands, but {network} hears recordings separated as \
                 they are; take it out"
            ));
        }
        let alone = |c: &&CorpusSettings| {
            c.weight > 0.0 && matches!(c.kind, CorpusKind::Solo | CorpusKind::LeadInstruments)
        };
        if let Some(corpus) = self.corpus.iter().find(alone) {
            return Err(format!(
                "{} is there to be laid over other music, but {network} hears recordings separated \
                 as they are; take it out",
                corpus.root.display()
            ));
        }
        Ok(())
    }
}
