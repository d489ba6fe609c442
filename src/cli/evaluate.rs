//! `vocald evaluate`: a checkpoint measured on an experiment's corpora or on a folder of labelled recordings.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

use crate::cli::Usage;
use crate::cli::choice::choice;
use crate::cli::corpus_options::CorpusOptions;
use crate::cli::counts;
use crate::cli::label_options::LabelOptions;
use crate::cli::progress::{Reading, scoring};
use crate::cli::stdout::print;
use crate::config::DecisionConfig;
use crate::corpora::load::{Coverage, load_labelled};
use crate::corpora::reader::with_distinct_names;
use crate::corpora::{Corpus, FeatureCache, Split};
use crate::evaluation::collar::COLLAR_S;
use crate::evaluation::reference_system::ReferenceSystem;
use crate::evaluation::scores;
use crate::evaluation::stress::Folders;
use crate::frontend::Features;
use crate::inference::engine::named;
use crate::inference::{ComputePrecision, cores};
use crate::model_shelf::ModelFile;
use crate::reporting::measure::Evaluation;
use crate::reporting::{report, summary};
use crate::training::experiment::Experiment;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Experiment with corpora (a file, see config/experiments, or a built-in name such as paper-mir1k), or a
    /// folder of recordings with labels beside each, NAME.lab, NAME.txt (Audacity), NAME.csv and others
    #[arg(value_name = "EXPERIMENT|FOLDER")]
    data_set: PathBuf,
    /// Split of the experiment's corpora [default: test]
    #[arg(long, value_parser = splits())]
    split: Option<Split>,
    /// Measure the labelled parts of tracks whose labels leave parts open; onsets and offsets of these tracks
    /// are not counted
    #[arg(long)]
    partly_labelled: bool,
    /// Folder with another system's labels (in any label format, for every track), measured alongside
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,
    /// Every figure is also reported without the decisions this close to a labelled change, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = COLLAR_S, value_parser = seconds)]
    collar: f64,
    /// Tracks scored at the same time [default: all cores]
    #[arg(long, value_name = "N", value_parser = counts::threads::<NonZeroUsize>)]
    threads: Option<NonZeroUsize>,
    /// Checkpoint [default: the built-in one]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Model")]
    model: Option<ModelFile>,
    /// Report in detail on the longest horizon with at most this look-ahead, in seconds [default: from the
    /// checkpoint]
    #[arg(long, value_name = "SECONDS", help_heading = "Model")]
    lookahead: Option<f64>,
    /// Precision of the network: float32, bfloat16 (weights of half the size), float16 (half the time; needs
    /// AVX512-FP16 or a GPU), or auto (as `run` chooses)
    #[arg(long, default_value = "float32", help_heading = "Model")]
    precision: ComputePrecision,
    /// Score every N-th window only and fill the frames between, as `detect --every N`; at most 8
    #[arg(long, value_name = "N", default_value = "1", value_parser = counts::every::<NonZeroUsize>, help_heading = "Model")]
    every: NonZeroUsize,
    /// Also test artificial tones, silence and noise, and the tracks at other levels
    #[arg(long, help_heading = "Stress tests")]
    stress: bool,
    /// With --stress: folder of speech, reported for each sub-folder
    #[arg(
        long,
        value_name = "DIR",
        requires = "stress",
        help_heading = "Stress tests"
    )]
    speech: Option<PathBuf>,
    /// With --stress: folder of music without singing, reported for each sub-folder
    #[arg(
        long,
        value_name = "DIR",
        requires = "stress",
        help_heading = "Stress tests"
    )]
    music: Option<PathBuf>,
    /// Folder for report.html, report.md and report.json, with plots and the sound of the worst moments
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    report: Option<PathBuf>,
    /// Folder for the probability and label of every window, one CSV file per track
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    scores: Option<PathBuf>,
    /// Print the report as JSON instead of tables
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    labels: LabelOptions,
    #[command(flatten)]
    corpora: CorpusOptions,
}

const EXAMPLES: &str = "\
The thresholds are the checkpoint's own; nothing is chosen on the measured recordings.

Examples:
  vocald evaluate songs/ --report out/                    songs with labels beside them
  vocald evaluate songs/ --partly-labelled                only the labelled parts
  vocald evaluate songs/ --reference other-labels/        compare with another system
  vocald evaluate songs/ --stress --music instrumentals/  false alarms on music without singing
  vocald evaluate config/experiments/live-14/08-outputs.toml --data DIR --split test";

/// A duration of at least 0 s.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text
        .parse::<f64>()
        .ok()
        .filter(|s| s.is_finite() && *s >= 0.0);
    seconds.ok_or_else(|| "seconds are required, 0 or more".into())
}

fn splits() -> impl clap::builder::TypedValueParser<Value = Split> {
    choice(&[Split::Train, Split::Valid, Split::Test].map(|split| (split.name(), split)))
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let is_folder = args.data_set.is_dir();
    if is_folder && args.split.is_some() {
        bail!(Usage(
            "--split is for experiments; a folder is measured as a whole".into()
        ));
    }
    // An unwritable folder is better found now than after the measurement.
    for folder in [&args.report, &args.scores].into_iter().flatten() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    let device = args.corpora.device()?;
    args.precision.check(device)?;
    let checkpoint = named(args.model.as_ref())?;
    let features = checkpoint.architecture.features();
    if args.every.get() > 1 && features == Features::SeparatedMel {
        bail!(Usage(format!(
            "--every applies to networks of windows; {} processes whole recordings",
            checkpoint.metadata.name
        )));
    }
    let decision = DecisionConfig {
        lookahead_s: args.lookahead.into(),
        ..DecisionConfig::default()
    };
    let horizon = decision.horizon(&checkpoint.metadata.model_horizons())?;
    counts::warn_of_held_windows(&checkpoint.metadata, &horizon, args.every.try_into()?);
    let cache = args.corpora.cache(features)?;
    let split = args.split.unwrap_or(Split::Test);
    let corpora = with_distinct_names(read_corpora(&args, is_folder, split, &cache)?);
    let reference = read_reference(&args, &corpora)?;
    let folders = match args.stress {
        true => Some(read_folders(&args, &cache)?),
        false => None,
    };
    let evaluation = Evaluation {
        precision: args.precision,
        every: args.every,
        checkpoint: &checkpoint,
        horizon: &horizon,
        corpora: &corpora,
        reference: reference.as_ref(),
        collar_s: args.collar,
        stress: folders.as_ref(),
    };
    let threads = args.threads.map_or_else(cores, NonZeroUsize::get);
    let bar = scoring(evaluation.frames());
    let done = |frames: usize| bar.inc(frames as u64);
    let mut evaluated = evaluation.run(device, threads, &done)?;
    bar.finish_and_clear();
    evaluated.report.data = args.data_set.display().to_string();
    evaluated.report.split = (!is_folder).then(|| split.name().to_owned());
    // First, so that a full disk does not lose them.
    print(&match args.json {
        true => serde_json::to_string(&evaluated.report)? + "\n",
        false => summary::text(&evaluated.report),
    })?;
    if let Some(folder) = &args.scores {
        let horizons_frames = &checkpoint.metadata.horizons_frames;
        for (place, corpus) in corpora.iter().enumerate() {
            scores::write(
                folder,
                &corpus.name,
                evaluated.scored(place),
                horizons_frames,
            )?;
        }
    }
    if let Some(folder) = &args.report {
        let illustrations = evaluated.illustrations(&corpora)?;
        report::write(&evaluated.report, &illustrations, folder)
            .with_context(|| format!("the report cannot be written to {}", folder.display()))?;
    }
    Ok(())
}

fn read_corpora(
    args: &Args,
    is_folder: bool,
    split: Split,
    cache: &FeatureCache,
) -> anyhow::Result<Vec<Corpus>> {
    let coverage = match args.partly_labelled {
        true => Coverage::InParts,
        false => Coverage::Throughout,
    };
    let corpora = match is_folder {
        true => vec![load_labelled(
            &args.data_set,
            cache,
            coverage,
            &args.labels.settings(),
        )?],
        false => {
            args.labels.refuse_for_experiment()?;
            let corpora = Experiment::read(&args.data_set)?.corpus;
            let mut bar = Reading::new(corpora.len());
            let mut progress = |corpus: &_| bar.next(split, corpus);
            let reader = args.corpora.reader()?;
            reader.read_covered(&corpora, split, cache, coverage, &mut progress)?
        }
    };
    if corpora.is_empty() {
        bail!(
            "no corpus of {} has a {} split",
            args.data_set.display(),
            split.name()
        );
    }
    Ok(corpora)
}

fn read_reference(args: &Args, corpora: &[Corpus]) -> anyhow::Result<Option<ReferenceSystem>> {
    let Some(folder) = &args.reference else {
        return Ok(None);
    };
    let tracks = corpora.iter().flat_map(|corpus| &corpus.tracks);
    let names: Vec<&str> = tracks.map(|t| t.name.as_str()).collect();
    let reference = ReferenceSystem::read(folder, &names, &args.labels.settings());
    Ok(Some(reference.map_err(|e| unusable("--reference", &e))?))
}

fn read_folders(args: &Args, cache: &FeatureCache) -> anyhow::Result<Folders> {
    let given: Vec<(&str, &Path)> = [("speech", &args.speech), ("music", &args.music)]
        .into_iter()
        .filter_map(|(kind, folder)| Some((kind, folder.as_deref()?)))
        .collect();
    Folders::read(&given, cache).map_err(|e| unusable("--speech or --music", &e))
}

fn unusable(option: &str, problems: &[impl ToString]) -> anyhow::Error {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow!("{option} cannot be used:\n  {}", problems.join("\n  "))
}
