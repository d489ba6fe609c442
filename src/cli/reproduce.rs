//! `vocald reproduce`: the paper's tables, with the networks trained and measured here beside its figures.

mod output;

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use indicatif::ProgressBar;

use crate::cli::corpus_options::{CorpusOptions, cache_folder};
use crate::cli::interrupt::stop_flag;
use crate::cli::progress::{Reading, scoring};
use crate::cli::reproduce::output::Output;
use crate::cli::stdout::print;
use crate::cli::train::terminal::Terminal;
use crate::cli::train::{INTERRUPTED, set_threads};
use crate::cli::{Usage, choice, counts};
use crate::corpora::{CorpusSettings, Split};
use crate::inference::cores;
use crate::reproduction::paper;
use crate::reproduction::paper::{COLUMNS, PaperError, ROWS};
use crate::reproduction::plan::{Training, Wishes};
use crate::reproduction::run::{Monitor, Reproduction, Resources};
use crate::reproduction::tables::Entry;
use crate::stderr;
use crate::training::experiment::{Experiment, Precision};
use crate::training::fit::{Outcome, loader_threads};
use crate::training::run::RunObserver;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folder of the trainings, one folder each [default: $XDG_CACHE_HOME/vocald/reproduce or
    /// ~/.cache/vocald/reproduce]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Markdown file to write the tables to, after every training
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print the tables and the trainings to do, and train nothing
    #[arg(long)]
    dry_run: bool,
    /// Corpora to train on, separated by commas: mir1k, jamendo, rwc, jrm [default: all]
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Training"
    )]
    corpus: Vec<String>,
    /// Networks to train, separated by commas: scnn, bilstm, se_resnet-14 and so on [default: all]
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Training"
    )]
    architecture: Vec<String>,
    /// Seeds, separated by commas; one training for each
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        default_value = "1",
        help_heading = "Training"
    )]
    seeds: Vec<u64>,
    /// Precision of a training step's convolutions; bfloat16 is faster on processors with AVX512-BF16 or AMX
    /// and on GPUs [default: that of the training to resume, or float32]
    #[arg(long, value_parser = choice::precision(), help_heading = "Training")]
    precision: Option<Precision>,
    /// CPU threads of a training step [default: all cores]
    #[arg(long, value_name = "N", value_parser = counts::threads::<usize>, help_heading = "Training")]
    threads: Option<usize>,
    /// Threads that draw windows [default: 1, or for a GPU all cores but one]
    #[arg(long, value_name = "N", value_parser = counts::threads::<usize>, help_heading = "Training")]
    loader_threads: Option<usize>,
    /// Fewer epochs than the recipe; the tables say so
    #[arg(long, value_name = "N", value_parser = counts::at_least_one, help_heading = "Training")]
    max_epochs: Option<usize>,
    /// Shorter epochs than the recipe; the tables say so
    #[arg(long, value_name = "N", value_parser = counts::at_least_one, help_heading = "Training")]
    epoch_batches: Option<usize>,
    #[command(flatten)]
    corpora: CorpusOptions,
}

const EXAMPLES: &str = "\
Prints the paper's tables 2 (accuracy) and 3 (parameters, minutes of training) with its figures beside those \
measured here. The same command resumes an interrupted run.

Examples:
  vocald reproduce --data DIR --report reproduction.md     all networks on all corpora in DIR
  vocald reproduce --data DIR --corpus mir1k --architecture scnn,se_resnet-14 --seeds 1,2,3
  vocald reproduce --data DIR --dry-run                    results so far and trainings to do";

pub fn run(args: Args) -> anyhow::Result<()> {
    let columns = places(&args.corpus, COLUMNS.len(), paper::column)?;
    let rows = places(&args.architecture, ROWS.len(), paper::row)?;
    let device = args.corpora.device()?;
    set_threads(args.threads)?;
    let wishes = Wishes {
        precision: args.precision,
        max_epochs: args.max_epochs,
        epoch_batches: args.epoch_batches,
    };
    let folder = cache_folder(args.run, "reproduce", "--run")?;
    let mut reproduction = Reproduction::plan(
        &columns,
        &rows,
        &args.seeds,
        &wishes,
        &args.corpora.data,
        &folder,
    )
    .map_err(|e| anyhow!(e))?;
    for &column in &columns {
        if let Some(why) = reproduction.missing(column) {
            stderr::line(format_args!(
                "{} is not there: {why}",
                COLUMNS[column].title
            ));
        }
    }
    let output = Output::new(&wishes, args.report.as_deref());
    // An unwritable report is better found now than after hours.
    output.write_report(reproduction.entries())?;
    if args.dry_run {
        let titles = match reproduction.due().len() {
            0 => "nothing\n".to_owned(),
            _ => reproduction.due().map(|t| t.title() + "\n").collect(),
        };
        return print(&format!(
            "{}\nTo do, in this order\n{titles}",
            output.text(reproduction.entries())
        ));
    }
    let resources = Resources {
        reader: &args.corpora.reader()?,
        device,
        threads: args.threads.unwrap_or_else(cores),
        loader_threads: args
            .loader_threads
            .unwrap_or_else(|| loader_threads(device)),
        stop: &*stop_flag()?,
    };
    let mut monitor = Terminals {
        output: &output,
        corpora: 0,
        reading: None,
        scoring: ProgressBar::hidden(),
    };
    let (outcome, failed) = reproduction.run(&resources, &mut monitor)?;
    output.write_report(reproduction.entries())?;
    print(&output.text(reproduction.entries()))?;
    if outcome == Outcome::Interrupted {
        bail!(INTERRUPTED);
    }
    let mut missing = columns.iter().map(|&column| reproduction.missing(column));
    if missing.all(|why| why.is_some()) {
        bail!(
            "no corpus can be trained on; --data names the folder that holds mir1k, jamendo and rwc"
        );
    }
    match failed {
        0 => Ok(()),
        n => bail!("{n} of {} trainings failed", reproduction.due().len()),
    }
}

/// The places of names; all places where no name is given.
fn places(
    names: &[String],
    all: usize,
    place: impl Fn(&str) -> Result<usize, PaperError>,
) -> anyhow::Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..all).collect());
    }
    let places: Result<Vec<usize>, _> = names.iter().map(|name| place(name)).collect();
    Ok(places.map_err(|e| Usage(e.to_string()))?)
}

/// Bars and lines on standard error.
struct Terminals<'a> {
    output: &'a Output<'a>,
    /// Corpora of the current training.
    corpora: usize,
    reading: Option<Reading>,
    scoring: ProgressBar,
}

impl Monitor for Terminals<'_> {
    fn training(&mut self, training: &Training, number: usize, of: usize, status: &str) {
        stderr::line(format_args!(
            "{} ({number} of {of}): {status}",
            training.title()
        ));
        self.corpora = training.experiment.corpus.len();
        // Two splits.
        self.reading = Some(Reading::new(2 * self.corpora));
    }

    fn reading(&mut self, split: Split, corpus: &CorpusSettings) {
        let bar = self.reading.take();
        let mut bar = bar.unwrap_or_else(|| Reading::new(self.corpora));
        bar.next(split, corpus);
        self.reading = Some(bar);
    }

    fn observer(&mut self, experiment: &Experiment) -> Box<dyn RunObserver> {
        self.reading = None;
        Box::new(Terminal::new(experiment))
    }

    fn testing(&mut self, frames: usize) -> Box<dyn Fn(usize) + Sync> {
        self.reading = None;
        self.scoring = scoring(frames);
        let bar = self.scoring.clone();
        Box::new(move |frames| bar.inc(frames as u64))
    }

    fn problem(&mut self, text: &str) {
        self.reading = None;
        stderr::line(text);
    }

    fn changed(&mut self, entries: &[Entry]) -> std::io::Result<()> {
        self.scoring.finish_and_clear();
        self.output.write_report(entries)
    }
}
