//! `vocald train FOLDER`: the experiment of a folder of songs, new or from an earlier training.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::atomic_file;
use crate::cli::Usage;
use crate::cli::train::Args;
use crate::corpora::Corpus;
use crate::corpora::folder::SongFolder;
use crate::corpora::song_split::{SongSplit, Unit};
use crate::model::{Checkpoint, Family};
use crate::stderr;
use crate::training::experiment::Experiment;
use crate::training::experiment::of_folder::FolderExperiment;
use crate::training::run::TrainingData;

/// The experiment's file in the folder of a training.
const EXPERIMENT: &str = "experiment.toml";
/// Less to train on is unlikely to make a better network than the shipped ones.
const LITTLE_MINUTES: f64 = 60.0;

/// Where the settings of a training come from.
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub enum Folder {
    /// The songs of a folder, for the first time.
    New(NewFolder),
    /// A file that an earlier training of the folder wrote.
    Known(PathBuf),
    /// An experiment that the user names.
    Described,
}

/// A folder of songs without an experiment.
pub struct NewFolder {
    pub settings: FolderExperiment,
    split: SongSplit,
    has_start: bool,
}

impl Folder {
    /// Finds the songs of a folder, or the file of an earlier training.
    pub fn find(
        args: &Args,
        family: Option<Family>,
        start: Option<&Checkpoint>,
    ) -> anyhow::Result<Self> {
        if family.is_some() && start.is_some() {
            let fault = "--start-from gives the network of a folder's experiment; leave out --architecture and --depth";
            return Err(Usage(fault.into()).into());
        }
        let songs = SongFolder::find(&args.data_set, args.labels.settings())?;
        let split = SongSplit::choose(&songs.songs);
        let split = split.map_err(|e| anyhow!("{}: {e}", args.data_set.display()))?;
        let settings = FolderExperiment::new(songs, &split, family, start)?;
        let file = args.folder(&settings.name).join(EXPERIMENT);
        if file.exists() {
            let known = Experiment::read(&file)?;
            let labels = args.labels.settings();
            if !labels.is_default() && known.corpus.iter().any(|corpus| corpus.labels != labels) {
                let file = file.display();
                let fault =
                    format!("{file} reads labels otherwise; edit it, or give another --run folder");
                return Err(Usage(fault).into());
            }
            stderr::line(format_args!(
                "settings of an earlier training of the folder: {}",
                file.display()
            ));
            return Ok(Self::Known(file));
        }
        let has_start = start.is_some();
        Ok(Self::New(NewFolder {
            settings,
            split,
            has_start,
        }))
    }

    /// Prints how to measure and use the checkpoint of a folder.
    pub fn print_next_steps(&self, folder: &Path, experiment: &Experiment, checkpoint: &Path) {
        if matches!(self, Self::Described) {
            return;
        }
        let has_test = experiment
            .corpus
            .iter()
            .any(|corpus| !corpus.test.is_empty());
        let split = if has_test { "" } else { " --split valid" };
        let (file, model) = (folder.join(EXPERIMENT), checkpoint.display());
        stderr::line(format_args!(
            "measure it:  vocald evaluate {}{split} --model {model}\nuse it:      vocald run --model {model}",
            file.display()
        ));
    }
}

impl NewFolder {
    /// Writes the experiment, and says how the songs are split.
    pub fn write(&self, folder: &Path, data: &TrainingData) -> anyhow::Result<()> {
        let file = folder.join(EXPERIMENT);
        let unwritable = || format!("the experiment cannot be written to {}", file.display());
        std::fs::create_dir_all(folder).with_context(unwritable)?;
        atomic_file::write(&file, self.settings.text(&data.train)).with_context(unwritable)?;
        let [train, valid, test] = self.split.songs;
        let by = match self.split.unit {
            Unit::Named => "by the folders that are named for it",
            Unit::Folder => "by folder",
            Unit::Artist => "by artist, from the file names",
            Unit::Song => "by song, since neither folders nor file names tell artists",
        };
        let testing = if test > 0 {
            format!(", {test} for testing")
        } else {
            String::new()
        };
        stderr::line(format_args!(
            "{}: {train} songs for training, {valid} for validation{testing}, split {by}; settings in {}",
            self.settings.corpus.root.display(),
            file.display()
        ));
        let minutes: f64 = data.train.iter().map(Corpus::minutes).sum();
        if minutes < LITTLE_MINUTES && !self.has_start {
            stderr::line(format_args!(
                "{minutes:.1} minutes are little to train on from random weights; --start-from live-14 --run OTHER begins \
                 with a shipped network, and `vocald calibrate` only chooses thresholds"
            ));
        }
        Ok(())
    }
}
