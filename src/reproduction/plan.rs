//! Which trainings make the tables, where each is kept, and which comes first.

use std::path::{Path, PathBuf};

use crate::reproduction::paper::{COLUMNS, ROWS};
use crate::training::experiment::identity::other_settings;
use crate::training::experiment::{Experiment, Precision};
use crate::training::TrainContext;
use crate::training::state::Progress;

/// Time of a training step of 64 windows against that of depth 14 on a CPU, in the order of
/// [`ROWS`]: measured up to depth 50 but for the Bi-LSTM, beyond it by the layers. Nothing but the
/// order of the trainings hangs on it.
const STEP_COST: [f64; 9] = [2.8, 1.0, 1.0, 1.3, 2.3, 3.7, 7.0, 11.0, 14.0];

/// A training of the tables.
#[derive(Debug, Clone)]
pub struct Training {
    /// Its place in [`COLUMNS`].
    pub column: usize,
    /// Its place in [`ROWS`].
    pub row: usize,
    pub experiment: Experiment,
    /// Where its state, log, checkpoints and result are.
    pub folder: PathBuf,
}

/// What may be asked of all trainings at once.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Unless given, that of a training which was begun, or else the experiment's.
    pub precision: Option<Precision>,
    /// Shorter trainings than the paper's recipe.
    pub max_epochs: Option<usize>,
    pub epoch_batches: Option<usize>,
}

impl Training {
    /// The training of a network (a place in [`ROWS`]) on a corpus (a place in [`COLUMNS`]), kept
    /// below `run`. The error is a sentence.
    pub fn new(
        column: usize,
        row: usize,
        seed: u64,
        wishes: &Wishes,
        run: &Path,
    ) -> Result<Self, String> {
        let (place, network) = (&COLUMNS[column], &ROWS[row]);
        let paper = Experiment::built_in(place.experiment).map_err(|e| e.to_string())?;
        let experiment = paper.with_family(network.family()?);
        let mut experiment = experiment.map_err(|e| e.to_string())?;
        let settings = &mut experiment.training;
        settings.seed = seed;
        settings.max_epochs = wishes.max_epochs.unwrap_or(settings.max_epochs);
        settings.epoch_batches = wishes.epoch_batches.unwrap_or(settings.epoch_batches);
        let folder = run.join(format!(
            "{}-{}-seed-{seed}",
            place.experiment,
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
            None => training.take_up_precision()?,
        }
        Ok(training)
    }

    /// A training that was begun goes on in its own precision.
    fn take_up_precision(&mut self) -> Result<(), String> {
        // What cannot be read is told when it is gone on from.
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

    /// How far it is; nothing where it was not begun. The error is a sentence.
    pub fn progress(&self) -> Result<Option<Progress>, String> {
        Progress::read(&TrainContext::state_path(&self.folder)).map_err(|e| e.to_string())
    }

    pub fn seed(&self) -> u64 {
        self.experiment.training.seed
    }

    /// For people: `se_resnet-14 on MIR-1K, seed 1`.
    pub fn title(&self) -> String {
        let (column, row) = (&COLUMNS[self.column], &ROWS[self.row]);
        format!("{} on {}, seed {}", row.name(), column.title, self.seed())
    }

    /// Of an epoch, against others.
    fn cost(&self) -> f64 {
        STEP_COST[self.row] * self.experiment.training.epoch_batches as f64
    }
}

/// The cheapest first, and all seeds of one network on one corpus together: so that a night that
/// was cut short has made whole cells.
pub fn cheapest_first(a: &Training, b: &Training) -> std::cmp::Ordering {
    let costs = a.cost().total_cmp(&b.cost());
    let places = (a.column, a.row, a.seed()).cmp(&(b.column, b.row, b.seed()));
    costs.then(places)
}
