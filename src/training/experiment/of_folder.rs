//! An experiment for a folder that has none: defaults, the split, and a file with comments to edit.

use std::path::{Path, PathBuf};

use toml::Value;

use crate::corpora::folder::SongFolder;
use crate::corpora::song_split::SongSplit;
use crate::corpora::{Corpus, CorpusKind, CorpusSettings};
use crate::model::{Checkpoint, Depth, Family, LevelMode};
use crate::training::experiment::{Experiment, ExperimentError};

/// The default network: small enough to train on a CPU.
const NETWORK: Family = Family::SeResNet(Depth::D14);
/// Horizons of the default network, one window step apart, so that overlap averaging uses them all.
const HORIZONS_FRAMES: [u32; 8] = [39, 34, 29, 24, 19, 14, 9, 4];
/// The published one: 0.15 s.
const DEFAULT_HORIZON_FRAMES: u32 = 9;
const BATCH_WINDOWS: usize = 64;
/// Windows a minute, one every 71 ms.
const WINDOWS_PER_MINUTE: f64 = 840.0;
/// Fewest and most steps of an epoch; more would hide how the training goes on.
const EPOCH_BATCHES: [usize; 2] = [2, 500];

/// What an experiment for a folder is made of.
pub struct FolderExperiment {
    /// Name of the experiment: that of the folder.
    pub name: String,
    /// The corpus with its split.
    pub corpus: CorpusSettings,
    network: Network,
}

/// Settings that the network decides.
struct Network {
    family: Family,
    /// Empty: as the family has it.
    horizons_frames: Vec<u32>,
    default_horizon_frames: u32,
    overlap_averaging: bool,
    level: LevelMode,
    learning_rate: f64,
    license: Option<String>,
}

/// A folder whose name or a song's cannot stand in an experiment.
#[derive(Debug, thiserror::Error)]
#[error("{} is not valid UTF-8, which an experiment needs; rename it", .0.display())]
pub struct NotUtf8(PathBuf);

impl FolderExperiment {
    /// Defaults for a folder: of `family`, or of the checkpoint that training starts from.
    ///
    /// # Errors
    /// If a path is not UTF-8.
    pub fn new(
        songs: SongFolder,
        split: &SongSplit,
        family: Option<Family>,
        start: Option<&Checkpoint>,
    ) -> Result<Self, NotUtf8> {
        let not_utf8 = |path: &Path| path.to_str().is_none();
        let mut places = songs.songs.iter().map(|song| &song.place);
        let root = songs.settings.root.canonicalize();
        let root = root.unwrap_or_else(|_| songs.settings.root.clone());
        if let Some(path) = places.find(|path| not_utf8(path)) {
            return Err(NotUtf8(path.clone()));
        }
        if not_utf8(&root) {
            return Err(NotUtf8(root));
        }
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        let name = if name.is_empty() {
            "songs".into()
        } else {
            name
        };
        let suffix = family.map_or(String::new(), |family| format!("-{}", family.short_name()));
        Ok(Self {
            name: format!("{name}{suffix}"),
            corpus: CorpusSettings {
                valid: split.valid.clone(),
                test: split.test.clone(),
                root,
                ..songs.settings
            },
            network: match start {
                Some(start) => Network::of_checkpoint(start),
                None => Network::new(family.unwrap_or(NETWORK)),
            },
        })
    }

    /// The experiment for this much sound to train on.
    ///
    /// # Errors
    /// If the settings do not fit each other.
    pub fn experiment(&self, train: &[Corpus]) -> Result<Experiment, ExperimentError> {
        let path = PathBuf::from(format!("{}.toml", self.name));
        Experiment::from_text(&path, self.text(train))
    }

    /// The text of the experiment's file.
    pub fn text(&self, train: &[Corpus]) -> String {
        let network = &self.network;
        let minutes: f64 = train.iter().map(Corpus::minutes).sum();
        let windows = minutes * WINDOWS_PER_MINUTE;
        let [least, most] = EPOCH_BATCHES;
        let epoch_batches = (windows as usize / BATCH_WINDOWS).clamp(least, most);
        let mut text = format!(
            "# Made by `vocald train` for the folder below. Edit it as you like: the same command then uses it as it is.\n\
             # docs/experiment-keys.md documents every key.\n\n\
             name = {}\n\
             # The licence that your recordings leave the checkpoint; vocald cannot know it.\n\
             license = {}\n\
             architecture = {}\n",
            quoted(&self.name),
            quoted(network.license.as_deref().unwrap_or("unknown")),
            quoted(network.family.name()),
        );
        if let Some(layers) = network.family.depth() {
            text += &format!("depth = {layers}\n");
        }
        if !network.level.is_absolute() {
            text += "level = \"relative\"\n";
        }
        if !network.horizons_frames.is_empty() {
            text += &format!(
                "# How far from the newest frame decisions are; the default one is published.\n\
                 horizons_frames = {:?}\ndefault_horizon_frames = {}\noverlap_averaging = {}\n",
                network.horizons_frames, network.default_horizon_frames, network.overlap_averaging,
            );
        }
        text += &format!(
            "\n[training]\nseed = 1\nbatch_windows = {BATCH_WINDOWS}\n\
             # A window for every 71 ms of the songs, between {least} and {most} steps.\n\
             epoch_batches = {epoch_batches}\n\
             max_epochs = 40\n\
             # Training ends when validation has not improved for this long.\n\
             patience_epochs = 6\n\
             learning_rate = {:e}\nlearning_rate_epochs = 10\nlearning_rate_factor = 0.4\n\
             weight_decay = 1e-4\n",
            network.learning_rate
        );
        text + self.augmentation() + &self.corpus_text()
    }

    /// Mild changes, which keep few songs from being learnt by heart.
    fn augmentation(&self) -> &'static str {
        match (self.network.family, self.corpus.kind) {
            // Its input is recordings as they are.
            (Family::BiLstm, _) => "",
            (_, CorpusKind::Stems) => {
                "\n[augmentation]\nstretch = 0.15\nshift_bands = 2.0\ngain_db = 9.0\nequaliser_db = 8.0\n\
                 mask_fraction = 0.2\nremix_fraction = 0.3\nswap_fraction = 0.15\nbalance_db = [-8.0, 8.0]\n"
            }
            _ => {
                "\n[augmentation]\nstretch = 0.15\nshift_bands = 2.0\ngain_db = 9.0\nequaliser_db = 8.0\n\
                 mask_fraction = 0.2\n"
            }
        }
    }

    fn corpus_text(&self) -> String {
        let corpus = &self.corpus;
        let list = |entries: &[String]| {
            let lines = entries
                .iter()
                .map(|entry| format!("  {},\n", quoted(entry)));
            format!("[\n{}]\n", lines.collect::<String>())
        };
        let mut text = format!(
            "\n[[corpus]]\nkind = {}\nroot = {}\nweight = 1.0\n\
             # Parts without a label are neither trained nor measured on.\npartly_labelled = true\n",
            quoted(corpus.kind.name()),
            quoted(&corpus.root.to_string_lossy()),
        );
        text += &format!(
            "# Songs, or folders of songs, that choose the best epoch and the thresholds.\nvalid = {}",
            list(&corpus.valid)
        );
        if !corpus.test.is_empty() {
            text += &format!(
                "# Songs that are kept for `vocald evaluate`.\ntest = {}",
                list(&corpus.test)
            );
        }
        if !corpus.labels.is_default() {
            let labels = toml::to_string(&corpus.labels).unwrap_or_default();
            text += &format!("\n[corpus.labels]\n{labels}");
        }
        text
    }
}

impl Network {
    fn new(family: Family) -> Self {
        let horizons_frames = match family {
            Family::SeResNet(_) => HORIZONS_FRAMES.to_vec(),
            Family::Scnn | Family::BiLstm => Vec::new(),
        };
        Self {
            family,
            horizons_frames,
            default_horizon_frames: DEFAULT_HORIZON_FRAMES,
            overlap_averaging: true,
            level: LevelMode::default(),
            learning_rate: 1e-3,
            license: None,
        }
    }

    /// The same network, changed slowly.
    fn of_checkpoint(start: &Checkpoint) -> Self {
        let metadata = &start.metadata;
        Self {
            family: start.architecture.family,
            horizons_frames: metadata.horizons_frames.clone(),
            default_horizon_frames: metadata.default_horizon_frames,
            overlap_averaging: metadata.overlap_averaging,
            level: metadata.level,
            learning_rate: 2e-4,
            license: Some(metadata.license.clone()),
        }
    }
}

fn quoted(text: &str) -> String {
    Value::String(text.into()).to_string()
}
