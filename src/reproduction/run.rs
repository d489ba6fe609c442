//! All trainings of the tables: which are due, and one after the other.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tch::Device;

use crate::corpora::load::check_layout;
use crate::corpora::reader::CorpusReader;
use crate::corpora::{CorpusSettings, Split};
use crate::reproduction::ReproductionError;
use crate::reproduction::measure::measure;
use crate::reproduction::paper::{COLUMNS, ROWS};
use crate::reproduction::plan::{Training, Wishes, cheapest_first};
use crate::reproduction::status::{Status, TestResult};
use crate::reproduction::tables::Entry;
use crate::training::TrainContext;
use crate::training::experiment::Experiment;
use crate::training::fit::Outcome;
use crate::training::run::{RunError, RunObserver, TrainingData, checkpoint_path, train};

/// Problems of a corpus that a table shows; `train` reports all of them.
const SHOWN_PROBLEMS: usize = 3;

/// Receives the progress of the trainings.
pub trait Monitor {
    /// A training begins or resumes, the one of this number (from 1) of so many. `status` is how far it is.
    fn training(&mut self, training: &Training, number: usize, of: usize, status: &str);
    /// A corpus is about to be read.
    fn reading(&mut self, split: Split, corpus: &CorpusSettings);
    /// The corpora have been read; the returned observer receives the epochs.
    fn observer(&mut self, experiment: &Experiment) -> Box<dyn RunObserver>;
    /// Test tracks of so many frames are about to be scored; the returned function receives the frames of
    /// each scored track.
    fn testing(&mut self, frames: usize) -> Box<dyn Fn(usize) + Sync>;
    /// A corpus cannot be read or a training failed, in one sentence or several lines.
    fn problem(&mut self, text: &str);
    /// An entry has changed.
    ///
    /// # Errors
    /// The changed tables cannot be written; this ends the run.
    fn changed(&mut self, entries: &[Entry]) -> std::io::Result<()>;
}

/// What the trainings run on.
pub struct Resources<'a> {
    /// Where corpora and features are.
    pub reader: &'a CorpusReader,
    /// The device of the steps and of scoring.
    pub device: Device,
    /// Tracks scored at the same time.
    pub threads: usize,
    /// Threads that draw windows.
    pub loader_threads: usize,
    /// Set from outside to end the run after the current step.
    pub stop: &'a AtomicBool,
}

/// All trainings of the tables and their results.
pub struct Reproduction {
    trainings: Vec<Training>,
    /// Of each training, in the same order.
    entries: Vec<Entry>,
    /// Why the corpus of each column cannot be trained on, if so.
    missing: [Option<String>; COLUMNS.len()],
    /// Places of the trainings to run, the cheapest first.
    due: Vec<usize>,
}

/// Why a training did not get to its result.
enum Unfinished {
    /// The corpus cannot be read: no other training on it will do better.
    Data(String),
    Training(String),
}

impl Reproduction {
    /// Looks through the corpora below `data` and the trainings below `run`. Due are those of the given
    /// `columns` (places in [`COLUMNS`]) and `rows` (places in [`ROWS`]) that have a corpus and no result.
    ///
    /// # Errors
    /// One of the paper's experiments is not valid with these settings.
    pub fn plan(
        columns: &[usize],
        rows: &[usize],
        seeds: &[u64],
        wishes: &Wishes,
        data: &Path,
        run: &Path,
    ) -> Result<Self, ReproductionError> {
        let missing = missing_corpora(data)?;
        let trainings = trainings(seeds, wishes, run)?;
        let mut entries: Vec<Entry> = trainings.iter().map(entry).collect();
        let mut due = Vec::new();
        for (place, entry) in entries.iter_mut().enumerate() {
            let Status::Open(why) = &mut entry.standing else {
                continue;
            };
            if let Some(missing) = &missing[entry.column] {
                why.clone_from(missing);
            } else if columns.contains(&entry.column) && rows.contains(&entry.row) {
                due.push(place);
            } else {
                *why += ", not selected";
            }
        }
        Ok(Self {
            trainings,
            entries,
            missing,
            due,
        })
    }

    /// The rows of the tables.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Why the corpus of a column (a place in [`COLUMNS`]) cannot be trained on, if so.
    #[must_use]
    pub fn missing(&self, column: usize) -> Option<&str> {
        self.missing[column].as_deref()
    }

    /// The trainings to run, in their order.
    pub fn due(&self) -> impl ExactSizeIterator<Item = &Training> {
        self.due.iter().map(|&place| &self.trainings[place])
    }

    /// Trains and measures those that are due, one after the other; a failure does not stop the others.
    /// Returns how it ended and how many trainings failed.
    ///
    /// # Errors
    /// [`Monitor::changed`] failed.
    pub fn run(
        &mut self,
        resources: &Resources,
        monitor: &mut dyn Monitor,
    ) -> std::io::Result<(Outcome, usize)> {
        let mut failed = 0;
        for (number, &place) in self.due.iter().enumerate() {
            if resources.stop.load(Ordering::Relaxed) {
                return Ok((Outcome::Interrupted, failed));
            }
            let (training, entry) = (&self.trainings[place], &mut self.entries[place]);
            let missing = &mut self.missing[entry.column];
            let Status::Open(why) = &mut entry.standing else {
                continue;
            };
            if let Some(missing) = missing {
                why.clone_from(missing);
                continue;
            }
            monitor.training(training, number + 1, self.due.len(), why);
            match resources.finish(training, monitor) {
                Ok(Some(result)) => entry.standing = Status::Measured(Box::new(result)),
                Ok(None) => {
                    *entry = self::entry(training);
                    return Ok((Outcome::Interrupted, failed));
                }
                Err(Unfinished::Data(problem)) => {
                    monitor.problem(&problem);
                    *why = shortened(&problem);
                    *missing = Some(why.clone());
                }
                Err(Unfinished::Training(problem)) => {
                    monitor.problem(&format!("{} failed: {problem}", training.title()));
                    *why = format!("failed: {problem}");
                    failed += 1;
                }
            }
            monitor.changed(&self.entries)?;
        }
        Ok((Outcome::Finished, failed))
    }
}

impl Resources<'_> {
    /// Trains, or resumes, and measures; `None` where the training was interrupted.
    fn finish(
        &self,
        training: &Training,
        monitor: &mut dyn Monitor,
    ) -> Result<Option<TestResult>, Unfinished> {
        let experiment = &training.experiment;
        let checkpoint = checkpoint_path(experiment, &training.folder);
        let architecture = experiment.architecture().map_err(failed)?;
        let cache = self.reader.cache(architecture.features()).map_err(failed)?;
        {
            let mut reading = |split, corpus: &CorpusSettings| monitor.reading(split, corpus);
            let data = TrainingData::read(self.reader, experiment, &cache, &mut reading);
            let data = data.map_err(unreadable)?;
            let context = TrainContext {
                train: &data.train,
                valid: &data.valid,
                device: self.device,
                loader_threads: self.loader_threads,
                start_from: None,
                teacher: None,
                folder: &training.folder,
                stop: self.stop,
            };
            let mut observer = monitor.observer(experiment);
            let trained = train(experiment, &context, observer.as_mut(), &checkpoint);
            if trained.map_err(failed)?.is_none() {
                return Ok(None);
            }
        }
        let mut reading = |corpus: &CorpusSettings| monitor.reading(Split::Test, corpus);
        let test = self
            .reader
            .read(&experiment.corpus, Split::Test, &cache, &mut reading)
            .map_err(unreadable)?;
        let tracks = test.iter().flat_map(|corpus| &corpus.tracks);
        let done = monitor.testing(tracks.map(|t| t.frames()).sum());
        let (device, threads) = (self.device, self.threads);
        let result = measure(training, &checkpoint, &test, device, threads, &*done);
        let result = result.map_err(failed)?;
        result.write(&training.folder).map_err(failed)?;
        Ok(Some(result))
    }
}

fn unreadable(error: impl Into<RunError>) -> Unfinished {
    Unfinished::Data(error.into().to_string())
}

fn failed(error: impl std::fmt::Display) -> Unfinished {
    Unfinished::Training(error.to_string())
}

/// Every training of the tables, the cheapest first.
fn trainings(
    seeds: &[u64],
    wishes: &Wishes,
    run: &Path,
) -> Result<Vec<Training>, ReproductionError> {
    let mut seeds = seeds.to_vec();
    seeds.sort_unstable();
    seeds.dedup();
    let mut trainings = Vec::new();
    for column in 0..COLUMNS.len() {
        for row in (0..ROWS.len()).filter(|&row| ROWS[row].family().is_ok()) {
            for &seed in &seeds {
                trainings.push(Training::new(column, row, seed, wishes, run)?);
            }
        }
    }
    trainings.sort_by(cheapest_first);
    Ok(trainings)
}

fn entry(training: &Training) -> Entry {
    Entry {
        column: training.column,
        row: training.row,
        seed: training.seed(),
        standing: Status::of(training).unwrap_or_else(|e| Status::Open(e.to_string())),
    }
}

fn missing_corpora(data: &Path) -> Result<[Option<String>; COLUMNS.len()], ReproductionError> {
    let mut missing = [const { None }; COLUMNS.len()];
    for (column, missing) in COLUMNS.iter().zip(&mut missing) {
        let experiment =
            Experiment::built_in(column.experiment).map_err(ReproductionError::training)?;
        let corpora = experiment.corpus.iter();
        let problems: Vec<String> = corpora
            .filter_map(|settings| check_layout(settings, data).err())
            .map(|error| shortened(&error.problem_lines()))
            .collect();
        *missing = (!problems.is_empty()).then(|| problems.join("; "));
    }
    Ok(missing)
}

/// The first lines of many.
fn shortened(problems: &str) -> String {
    let lines: Vec<&str> = problems.lines().map(str::trim).collect();
    let shown = lines[..lines.len().min(SHOWN_PROBLEMS)].join("; ");
    match lines.len().saturating_sub(SHOWN_PROBLEMS) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
