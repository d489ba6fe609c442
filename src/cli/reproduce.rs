//! `vocald reproduce`: trains and measures the networks of the paper's tables on its corpora, and
//! prints its figures beside ours.

mod output;
mod work;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{anyhow, bail};

use crate::cli::Usage;
use crate::cli::corpora_options::Sources;
use crate::cli::interrupt::stop_flag;
use crate::cli::precision::PrecisionName;
use crate::cli::reproduce::output::Tell;
use crate::cli::reproduce::work::{Failure, Work};
use crate::cli::stdout::print;
use crate::cli::train::{INTERRUPTED, set_threads};
use crate::corpora::load::look;
use crate::inference::cores;
use crate::reproduction::paper;
use crate::reproduction::paper::{COLUMNS, ROWS};
use crate::reproduction::plan::{Training, Wishes, cheapest_first};
use crate::reproduction::status::Status;
use crate::reproduction::tables::Entry;
use crate::training::experiment::{Experiment, Precision};
use crate::training::fit::{Outcome, loader_threads};

/// Faults of a corpus that are told in a table; all of them are told by `train`.
const TOLD_FAULTS: usize = 3;

/// Train and measure the networks of the paper's tables on its corpora.
///
/// Prints the paper's tables 2 (accuracy) and 3 (parameters, minutes a training) with its figures
/// beside ours. Each training has its own folder; given again, the command goes on where it was.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Folder for the trainings, a folder each [default: ~/.cache/vocald/reproduce]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Train on these only: mir1k, jamendo, rwc, jrm
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    corpus: Vec<String>,
    /// Train these only: scnn, bilstm, se_resnet-14 and so on
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    architecture: Vec<String>,
    /// A training for each of these seeds
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        default_value = "1"
    )]
    seeds: Vec<u64>,
    /// What the convolutions of a training step compute in: float32, or bfloat16, faster where the
    /// processor has instructions for it [default: as a training was begun, or else float32]
    #[arg(long, value_enum)]
    precision: Option<PrecisionName>,
    /// CPU threads of a training step [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Threads that draw windows [default: 1, or for a GPU all cores but one]
    #[arg(long, value_name = "N")]
    loader_threads: Option<usize>,
    /// Keep the tables as a page of Markdown, written anew after every training
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Train and measure nothing: the tables as they are, and what would be done, in its order
    #[arg(long)]
    dry_run: bool,
    /// Fewer epochs than the recipe; the tables say so
    #[arg(long, value_name = "N", hide = true, value_parser = at_least_one)]
    max_epochs: Option<usize>,
    /// Shorter epochs than the recipe; the tables say so
    #[arg(long, value_name = "N", hide = true, value_parser = at_least_one)]
    epoch_batches: Option<usize>,
}

const EXAMPLES: &str = "\
Examples:
  vocald reproduce --data DIR --report reproduction.md     everything for which there is data
  vocald reproduce --data DIR --corpus mir1k --architecture scnn,se_resnet-14 --seeds 1,2,3
  vocald reproduce --data DIR --dry-run                    what there is, and what would be done";

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".into()),
        Ok(n) => Ok(n),
        Err(_) => Err("it is not a number".into()),
    }
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let columns = chosen(&args.corpus, COLUMNS.len(), paper::column)?;
    let rows = chosen(&args.architecture, ROWS.len(), paper::row)?;
    let device = args.sources.device()?;
    set_threads(args.threads)?;
    let wishes = Wishes {
        precision: args.precision.map(Precision::from),
        max_epochs: args.max_epochs,
        epoch_batches: args.epoch_batches,
    };
    let corpora = Corpora::look(&args.sources.data)?;
    for &column in &columns {
        if let Some(why) = &corpora.missing[column] {
            eprintln!("{} is not there: {why}", COLUMNS[column].title);
        }
    }
    let trainings = trainings(&args.seeds, &wishes, &run_folder(args.run)?)?;
    let mut entries: Vec<Entry> = trainings.iter().map(entry).collect();
    let mut due = Vec::new();
    for (place, entry) in entries.iter_mut().enumerate() {
        let Status::Open(why) = &mut entry.standing else {
            continue;
        };
        if let Some(missing) = &corpora.missing[entry.column] {
            why.clone_from(missing);
        } else if columns.contains(&entry.column) && rows.contains(&entry.row) {
            due.push(place);
        } else {
            *why += ", not asked for";
        }
    }
    let tell = Tell::new(&wishes, args.report.as_deref());
    // A report that cannot be written is better known now than after a night.
    tell.report(&entries)?;
    if args.dry_run {
        let titles = due.iter().map(|&place| trainings[place].title() + "\n");
        let titles = match due.is_empty() {
            true => "nothing\n".to_owned(),
            false => titles.collect(),
        };
        return print(&format!(
            "{}\nTo do, in this order\n{titles}",
            tell.text(&entries)
        ));
    }

    let work = Work {
        sources: &args.sources,
        device,
        threads: args.threads.unwrap_or_else(cores),
        loader_threads: args
            .loader_threads
            .unwrap_or_else(|| loader_threads(device)),
        stop: &*stop_flag()?,
    };
    let mut night = Night {
        corpora,
        trainings,
        entries,
        failed: 0,
    };
    let ended = night.go_through(&due, &work, &tell)?;
    tell.report(&night.entries)?;
    print(&tell.text(&night.entries))?;
    if ended == Outcome::Interrupted {
        bail!(INTERRUPTED);
    }
    let missing = &night.corpora.missing;
    if columns.iter().all(|&column| missing[column].is_some()) {
        bail!(
            "no corpus can be trained on; --data names the folder that holds mir1k, jamendo and rwc"
        );
    }
    match night.failed {
        0 => Ok(()),
        n => bail!("{n} of {} trainings failed", due.len()),
    }
}

/// All trainings, and what has become of them.
struct Night {
    corpora: Corpora,
    trainings: Vec<Training>,
    /// Of each training, in the same order.
    entries: Vec<Entry>,
    failed: usize,
}

impl Night {
    /// Trains and measures those that are due, one after the other; what fails does not stop the
    /// others.
    fn go_through(&mut self, due: &[usize], work: &Work, tell: &Tell) -> anyhow::Result<Outcome> {
        for (number, &place) in due.iter().enumerate() {
            if work.stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Interrupted);
            }
            let (training, entry) = (&self.trainings[place], &mut self.entries[place]);
            let missing = &mut self.corpora.missing[entry.column];
            let Status::Open(why) = &mut entry.standing else {
                continue;
            };
            if let Some(missing) = missing {
                why.clone_from(missing);
                continue;
            }
            let title = training.title();
            eprintln!("{title} ({} of {}): {why}", number + 1, due.len());
            match work.finish(training) {
                Ok(Some(result)) => entry.standing = Status::Measured(Box::new(result)),
                Ok(None) => {
                    *entry = self::entry(training);
                    return Ok(Outcome::Interrupted);
                }
                Err(Failure::Data(fault)) => {
                    eprintln!("{fault:#}");
                    *why = shortly(&format!("{fault:#}"));
                    *missing = Some(why.clone());
                }
                Err(Failure::Training(fault)) => {
                    eprintln!("{title} failed: {fault:#}");
                    *why = format!("failed: {fault:#}");
                    self.failed += 1;
                }
            }
            tell.report(&self.entries)?;
        }
        Ok(Outcome::Finished)
    }
}

/// Every training of the tables, the cheapest first.
fn trainings(seeds: &[u64], wishes: &Wishes, run: &Path) -> anyhow::Result<Vec<Training>> {
    let mut seeds = seeds.to_vec();
    seeds.sort_unstable();
    seeds.dedup();
    let mut trainings = Vec::new();
    for column in 0..COLUMNS.len() {
        for row in (0..ROWS.len()).filter(|&row| ROWS[row].family().is_ok()) {
            for &seed in &seeds {
                let training = Training::new(column, row, seed, wishes, run);
                trainings.push(training.map_err(|e| anyhow!(e))?);
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
        standing: Status::of(training).unwrap_or_else(Status::Open),
    }
}

/// The places that names stand for; all places where no name is given.
fn chosen(
    names: &[String],
    all: usize,
    place: impl Fn(&str) -> Result<usize, String>,
) -> anyhow::Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..all).collect());
    }
    let places: Result<Vec<usize>, String> = names.iter().map(|name| place(name)).collect();
    Ok(places.map_err(Usage)?)
}

/// Why the corpus of each column cannot be trained on, if so.
struct Corpora {
    missing: [Option<String>; COLUMNS.len()],
}

impl Corpora {
    fn look(data: &Path) -> anyhow::Result<Self> {
        let mut missing = [const { None }; COLUMNS.len()];
        for (column, missing) in COLUMNS.iter().zip(&mut missing) {
            let experiment = Experiment::built_in(column.experiment)?;
            let corpora = experiment.corpus.iter();
            let faults: Vec<String> = corpora
                .filter_map(|settings| look(settings, data).err())
                .map(|fault| shortly(&fault.faults.join("\n")))
                .collect();
            *missing = (!faults.is_empty()).then(|| faults.join("; "));
        }
        Ok(Self { missing })
    }
}

/// The first lines of many.
fn shortly(faults: &str) -> String {
    let lines: Vec<&str> = faults.lines().map(str::trim).collect();
    let told = lines[..lines.len().min(TOLD_FAULTS)].join("; ");
    match lines.len().saturating_sub(TOLD_FAULTS) {
        0 => told,
        more => format!("{told}; and {more} more"),
    }
}

fn run_folder(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match (given, std::env::home_dir()) {
        (Some(folder), _) => Ok(folder),
        (None, Some(home)) => Ok(home.join(".cache/vocald/reproduce")),
        (None, None) => bail!("there is no home folder to keep trainings in; give --run"),
    }
}
