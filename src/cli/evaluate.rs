//! `vocald evaluate`: measures a checkpoint on one split of an experiment's corpora, or on a folder
//! of labelled sound.

mod scores;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Usage;
use crate::cli::corpora_options::Sources;
use crate::cli::stdout::print;
use crate::config::DecisionConfig;
use crate::corpora::feature_cache::FeatureCache;
use crate::corpora::load::{Coverage, load_labelled};
use crate::corpora::{Corpus, Split};
use crate::decision::Horizon;
use crate::evaluation::curves::curves;
use crate::evaluation::figures::{Measured, figures, rival_figures, rival_scores};
use crate::evaluation::reference_system::ReferenceSystem;
use crate::evaluation::scorer::{TrackScorer, pooled};
use crate::evaluation::songs::{ranked, shown, songs};
use crate::evaluation::stress;
use crate::evaluation::stress::Folders;
use crate::frontend::{HOP_SAMPLES, SAMPLE_RATE_HZ};
use crate::inference::cores;
use crate::inference::engine::built_in;
use crate::model::Checkpoint;
use crate::reporting::report::{CorpusAbout, Method, Model, REPORT_VERSION, Report};
use crate::reporting::{MelPicture, report, tables};
use crate::training::experiment::Experiment;

/// Measure a checkpoint on labelled sound.
///
/// The thresholds are the checkpoint's own, chosen on validation; nothing is chosen here.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// An experiment that names corpora (a file, see config/experiments, or paper-mir1k and the like),
    /// or a folder of sound files with NAME.lab, Audacity's NAME.txt or NAME.csv beside each NAME.ogg
    #[arg(value_name = "EXPERIMENT|FOLDER")]
    data_set: PathBuf,
    #[command(flatten)]
    sources: Sources,
    /// Which part of the experiment's corpora [default: test]
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// The checkpoint [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Look closely at the longest horizon that hears no more than this beyond the moment it speaks
    /// of [default: the checkpoint's own]
    #[arg(long, value_name = "SECONDS")]
    lookahead: Option<f64>,
    /// Measure tracks whose labels leave parts of them open, where there are labels; their onsets and
    /// offsets are not counted
    #[arg(long)]
    partly_labelled: bool,
    /// Measure another detector's labels too: a folder with a .lab, .txt or .csv for every track
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Write report.html, report.md and report.json, with plots, to this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Write the probability and the label of every window to this folder, a CSV file a track
    #[arg(long, value_name = "DIR")]
    scores: Option<PathBuf>,
    /// Also test made tones, silence and noise, and the tracks at other levels
    #[arg(long)]
    stress: bool,
    /// With --stress: a folder of speech; each sub-folder is reported for itself
    #[arg(long, value_name = "DIR", requires = "stress")]
    speech: Option<PathBuf>,
    /// With --stress: a folder of music without a voice; each sub-folder is reported for itself
    #[arg(long, value_name = "DIR", requires = "stress")]
    music: Option<PathBuf>,
    /// The report as JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Tracks scored at the same time [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

const EXAMPLES: &str = "\
Examples:
  vocald evaluate songs/ --report out/                    songs with labels beside them
  vocald evaluate songs/ --partly-labelled                where there are labels
  vocald evaluate songs/ --against other-labels/          beside another detector
  vocald evaluate songs/ --stress --music instrumentals/  what should not be called voice
  vocald evaluate config/experiments/live-14/08-outputs.toml --data DIR --split test";

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SplitName {
    Train,
    Valid,
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Valid => Self::Valid,
            SplitName::Test => Self::Test,
        }
    }
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let is_folder = args.data_set.is_dir();
    if is_folder && args.split.is_some() {
        bail!(Usage(
            "--split is for experiments; a folder is measured as a whole".into()
        ));
    }
    let device = args.sources.device()?;
    let checkpoint = match &args.model {
        Some(path) => Checkpoint::read(path)?,
        None => built_in()?,
    };
    let decision = DecisionConfig {
        lookahead_s: args.lookahead.into(),
        ..DecisionConfig::default()
    };
    let horizon = decision.horizon(&checkpoint.metadata.model_horizons())?;
    let cache = args.sources.cache(checkpoint.architecture.features())?;
    let split = Split::from(args.split.unwrap_or(SplitName::Test));
    let coverage = match args.partly_labelled {
        true => Coverage::InParts,
        false => Coverage::Throughout,
    };
    let corpora = match is_folder {
        true => vec![load_labelled(&args.data_set, &cache, coverage)?],
        false => {
            let experiment = Experiment::read(&args.data_set)?;
            args.sources.load(&experiment, split, &cache)?
        }
    };
    if corpora.is_empty() {
        bail!(
            "no corpus of {} has a {} split",
            args.data_set.display(),
            split.name()
        );
    }
    // A folder is read as it was asked for; an experiment's training tracks may have parts without labels.
    let mut tracks = corpora.iter().flat_map(|corpus| &corpus.tracks);
    let in_parts = tracks.find(|t| t.voice.contains(&None));
    if let (Some(track), Coverage::Throughout) = (in_parts, coverage) {
        bail!(
            "{} is not labelled throughout, so it cannot be measured on without --partly-labelled",
            track.name
        );
    }
    let corpora = named_apart(corpora);
    let rival = read_rival(&args, &corpora)?;
    let folders = match args.stress {
        true => Some(read_folders(&args, &cache)?),
        false => None,
    };

    let threads = args.threads.map_or_else(cores, NonZeroUsize::get);
    let mut scorer = TrackScorer::new(&checkpoint, device, threads);
    let bar = progress(&corpora, folders.as_ref());
    let done = |frames: usize| bar.inc(frames as u64);
    let measured = corpora.iter().map(|corpus| {
        let scored = scorer.score_corpus(corpus, &done);
        let tracks = corpus.tracks.iter().zip(scored);
        tracks.map(|(t, scored)| Measured::new(t, scored)).collect()
    });
    let measured: Vec<Vec<Measured>> = measured.collect();
    let stress = folders.map(|f| stress::stress(&mut scorer, &horizon, &corpora, &f, &done));
    let stress = stress.transpose()?;
    bar.finish_and_clear();

    let mut report = Report {
        v: REPORT_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        model: Model::new(
            &checkpoint.metadata,
            checkpoint.architecture.parameters(),
            &horizon,
        ),
        data: args.data_set.display().to_string(),
        split: (!is_folder).then(|| split.name().to_owned()),
        against: rival.as_ref().map(|r| r.name.clone()),
        method: Method::current(),
        corpora: corpora.iter().map(about).collect(),
        figures: Vec::new(),
        curves: Vec::new(),
        songs: Vec::new(),
        shown: Vec::new(),
        stress,
    };
    let mut pictures = Vec::new();
    for (corpus, tracks) in corpora.iter().zip(&measured) {
        if let Some(folder) = &args.scores {
            let scored = tracks.iter().map(|t| &t.scored);
            let horizons_frames = &checkpoint.metadata.horizons_frames;
            scores::write(folder, &corpus.name, scored, horizons_frames)?;
        }
        add(
            &mut report,
            &checkpoint,
            &horizon,
            rival.as_ref(),
            &corpus.name,
            tracks,
        )?;
        if args.report.is_some() {
            for shown in &report.shown[pictures.len()..] {
                let track = corpus.tracks.iter().find(|t| t.name == shown.name);
                pictures.extend(track.map(MelPicture::new).transpose()?);
            }
        }
    }
    if let Some(folder) = &args.report {
        report::write(&report, &pictures, folder)
            .with_context(|| format!("the report cannot be written to {}", folder.display()))?;
    }
    print(&match args.json {
        true => serde_json::to_string(&report)? + "\n",
        false => {
            let tables = tables::summary(&report);
            let texts: Vec<String> = tables.iter().map(tables::Table::text).collect();
            texts.join("\n")
        }
    })
}

/// Measures a corpus.
fn add(
    report: &mut Report,
    checkpoint: &Checkpoint,
    horizon: &Horizon,
    rival: Option<&ReferenceSystem>,
    corpus: &str,
    tracks: &[Measured],
) -> anyhow::Result<()> {
    let metadata = &checkpoint.metadata;
    report.figures.extend(figures(
        corpus,
        &metadata.name,
        tracks,
        &metadata.horizons_frames,
        &metadata.operating_points,
    )?);
    let scored = pooled(tracks.iter().map(|t| &t.scored), horizon.index);
    report.curves.push(curves(corpus, &metadata.name, &scored));
    if let Some(rival) = rival {
        let (h, frames) = (horizon.index, horizon.frames);
        let row = rival_figures(corpus, rival, tracks, h, frames);
        report.figures.extend(row);
        let scores = rival_scores(rival, tracks, h, frames);
        let of_rival = scores.map(|scores| curves(corpus, &rival.name, &scores));
        report.curves.extend(of_rival);
    }
    let songs = songs(corpus, tracks, horizon, rival)?;
    for (rank, index) in ranked(&songs) {
        let track = shown(corpus, rank, &tracks[index], horizon, rival)?;
        report.shown.push(track);
    }
    report.songs.extend(songs);
    Ok(())
}

fn read_rival(args: &Args, corpora: &[Corpus]) -> anyhow::Result<Option<ReferenceSystem>> {
    let Some(folder) = &args.against else {
        return Ok(None);
    };
    let tracks = corpora.iter().flat_map(|corpus| &corpus.tracks);
    let names: Vec<&str> = tracks.map(|t| t.name.as_str()).collect();
    let rival =
        ReferenceSystem::read(folder, &names).map_err(|faults| all_of("--against", &faults))?;
    Ok(Some(rival))
}

fn read_folders(args: &Args, cache: &FeatureCache) -> anyhow::Result<Folders> {
    let given: Vec<(&str, &Path)> = [("speech", &args.speech), ("music", &args.music)]
        .into_iter()
        .filter_map(|(kind, folder)| Some((kind, folder.as_deref()?)))
        .collect();
    Folders::read(&given, cache).map_err(|faults| all_of("--speech or --music", &faults))
}

fn all_of(option: &str, faults: &[String]) -> anyhow::Error {
    anyhow!(
        "what {option} names cannot be used:\n  {}",
        faults.join("\n  ")
    )
}

/// Corpora of the same kind are numbered, so that each name means one of them.
fn named_apart(mut corpora: Vec<Corpus>) -> Vec<Corpus> {
    let names: Vec<String> = corpora.iter().map(|c| c.name.clone()).collect();
    for (index, corpus) in corpora.iter_mut().enumerate() {
        let same = |n: &&String| **n == names[index];
        if names.iter().filter(same).count() > 1 {
            let number = names[..=index].iter().filter(same).count();
            corpus.name = format!("{} {number}", names[index]);
        }
    }
    corpora
}

fn about(corpus: &Corpus) -> CorpusAbout {
    let frames: usize = corpus.tracks.iter().map(|t| t.frames()).sum();
    let labels = corpus.tracks.iter().flat_map(|t| &t.voice);
    let labels: Vec<bool> = labels.copied().flatten().collect();
    let voiced = labels.iter().filter(|voice| **voice).count();
    CorpusAbout {
        name: corpus.name.clone(),
        tracks: corpus.tracks.len(),
        minutes: (frames * HOP_SAMPLES) as f64 / f64::from(SAMPLE_RATE_HZ) / 60.0,
        labelled_share: labels.len() as f64 / frames as f64,
        voice_share: voiced as f64 / labels.len() as f64,
    }
}

/// A bar over all frames that will be scored; nothing where standard error is no terminal.
fn progress(corpora: &[Corpus], folders: Option<&Folders>) -> ProgressBar {
    let frames = corpora.iter().flat_map(|c| &c.tracks).map(|t| t.frames());
    let stressed = folders.map_or(0, |folders| stress::frames(corpora, folders));
    let bar = ProgressBar::new((frames.sum::<usize>() + stressed) as u64);
    match ProgressStyle::with_template("scoring {bar:40} {percent:>3} %, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
