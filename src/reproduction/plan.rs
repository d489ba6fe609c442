//! The trainings of the tables, their folders and their order.

use std::path::{Path, PathBuf};

use crate::reproduction::ReproductionError;
use crate::reproduction::paper::{COLUMNS, ROWS};
use crate::training::TrainContext;
use crate::training::experiment::identity::other_settings;
use crate::training::experiment::{Experiment, Precision};
use crate::training::state::Progress;

/// Time of a training step of 64 windows relative to that of depth 14, on a CPU, in the order of [`ROWS`]. Measured up to
/// depth 50 except for the Bi-LSTM; estimated from the number of layers beyond. It only determines the order of the
/// trainings.
const STEP_COST: [f64; 9] = [2.8, 1.0, 1.0, 1.3, 2.3, 3.7, 7.0, 11.0, 14.0];

/// A training of the tables.
#[derive(Debug, Clone)]
pub struct Training {
    /// Index in [`COLUMNS`].
    pub column: usize,
    /// Index in [`ROWS`].
    pub row: usize,
    /// Settings.
    pub experiment: Experiment,
    /// Folder of its state, log, checkpoints and result.
    pub folder: PathBuf,
}

/// Settings for all trainings that replace those of the paper's recipe.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Default: that of a training in progress, else the experiment's.
    pub precision: Option<Precision>,
    /// Most epochs of a training.
    pub max_epochs: Option<usize>,
    /// Batches in an epoch.
    pub epoch_batches: Option<usize>,
}

impl Training {
    /// The training of a network (index in [`ROWS`]) on a corpus (index in [`COLUMNS`]), in a folder below `run`.
    ///
    /// # Errors
    ///
    /// The program does not have the network, or the experiment is invalid.
    pub fn new(
        column: usize,
        row: usize,
        seed: u64,
        wishes: &Wishes,
        run: &Path,
    ) -> Result<Self, ReproductionError> {
        let (corpus, network) = (&COLUMNS[column], &ROWS[row]);
        let paper = Experiment::built_in(corpus.experiment).map_err(ReproductionError::training)?;
        let mut experiment = paper
            .with_family(network.family()?)
            .map_err(ReproductionError::training)?;
        let settings = &mut experiment.training;
        settings.seed = seed;
        settings.max_epochs = wishes.max_epochs.unwrap_or(settings.max_epochs);
        settings.epoch_batches = wishes.epoch_batches.unwrap_or(settings.epoch_batches);
        let folder = run.join(format!(
            "{}-{}-seed-{seed}",
            corpus.experiment,
            network.name()
        ));
        let mut training = Self {
            column,
            row,
            experiment,
            folder,
        };
        match wishes.precision {
            Some(precision) => training.experiment.training.precision = precision,
            None => training.resume_precision()?,
        }
        Ok(training)
    }

    /// Takes the precision of a training in progress.
    fn resume_precision(&mut self) -> Result<(), ReproductionError> {
        // A state that cannot be read is reported when the training resumes.
        let Ok(Some(progress)) = self.progress() else {
            return Ok(());
        };
        for precision in [Precision::Float32, Precision::Bfloat16] {
            let mut other = self.experiment.clone();
            other.training.precision = precision;
            if other_settings(&progress.experiment, &other).is_none() {
                self.experiment = other;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Its progress; `None` if it has not begun.
    ///
    /// # Errors
    ///
    /// The state cannot be read.
    pub fn progress(&self) -> Result<Option<Progress>, ReproductionError> {
        let path = TrainContext::state_path(&self.folder);
        Progress::read(&path).map_err(ReproductionError::training)
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.experiment.training.seed
    }

    /// For people: `se_resnet-14 on MIR-1K, seed 1`.
    pub fn title(&self) -> String {
        let (column, row) = (&COLUMNS[self.column], &ROWS[self.row]);
        format!("{} on {}, seed {}", row.name(), column.title, self.seed())
    }

    /// Relative time of an epoch.
    fn cost(&self) -> f64 {
        STEP_COST[self.row] * self.experiment.training.epoch_batches as f64
    }
}

/// Orders trainings by cost, with all seeds of a network on a corpus together. A run that is stopped early has then
/// completed as many cells as possible.
pub fn cheapest_first(a: &Training, b: &Training) -> std::cmp::Ordering {
    let costs = a.cost().total_cmp(&b.cost());
    let places = (a.column, a.row, a.seed()).cmp(&(b.column, b.row, b.seed()));
    costs.then(places)
}
