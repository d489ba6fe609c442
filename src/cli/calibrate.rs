//! `vocald calibrate`: thresholds of a checkpoint, chosen on other recordings.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use crate::cli::choice;
use crate::cli::corpus_options::CorpusOptions;
use crate::cli::label_options::LabelOptions;
use crate::cli::stdout::print;
use crate::corpora::load::{Coverage, load_labelled};
use crate::corpora::{Corpus, Split};
use crate::decision::OperatingPoint;
use crate::evaluation::threshold_search::Aim;
use crate::frontend::window::lookahead_s;
use crate::inference::engine::named;
use crate::model::Metadata;
use crate::model_shelf::ModelFile;
use crate::reporting::tables::Table;
use crate::training::experiment::Experiment;
use crate::training::export::{Choice, choose_and_write};

/// Fewer recordings are warned about.
const ENOUGH_TRACKS: usize = 10;
/// Less voice, or less sound without one, in minutes, is warned about.
const ENOUGH_MINUTES: f64 = 5.0;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Experiment whose validation tracks are used (a file or a built-in name such as paper-mir1k), or a
    /// folder of recordings with labels beside each, NAME.lab, NAME.txt (Audacity), NAME.csv and others
    #[arg(value_name = "EXPERIMENT|FOLDER")]
    data_set: PathBuf,
    /// Checkpoint to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Checkpoint to read [default: the built-in one]
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<ModelFile>,
    /// Quantity to maximise, see below [default: from the experiment, or accuracy]
    #[arg(long, value_parser = choice::aim())]
    aim: Option<Aim>,
    /// Turn on overlap averaging: each frame's log odds are averaged over all windows that cover it. Needs a
    /// checkpoint with several horizons
    #[arg(long)]
    overlap_averaging: bool,
    /// Evaluate one member of an ensemble per window, each in its turn, instead of all members
    #[arg(long)]
    alternating: bool,
    #[command(flatten)]
    labels: LabelOptions,
    #[command(flatten)]
    corpora: CorpusOptions,
}

const EXAMPLES: &str = "\
The weights stay as they are. Do not measure on the recordings that the thresholds were chosen on.

Aims:
  accuracy   share of right decisions over all windows: for music with as much singing as here
  even       mean of that share over the corpora: for an equal mix of them, whatever their lengths
  balanced   mean of the shares on voice and on pauses: for an unknown amount of singing

Examples:
  vocald calibrate rehearsals/ --out ours.safetensors    your own songs with labels beside them
  vocald run --model ours.safetensors                    use the result
  vocald calibrate paper-mir1k --data DIR --out karaoke.safetensors";

pub fn run(args: Args) -> anyhow::Result<()> {
    let device = args.corpora.device()?;
    let mut checkpoint = named(args.model.as_ref())?;
    if args.overlap_averaging && checkpoint.metadata.horizons_frames.len() < 2 {
        bail!(
            "{} has one horizon, but overlap averaging needs several; train with several horizons_frames",
            checkpoint.metadata.name
        );
    }
    checkpoint.metadata.overlap_averaging |= args.overlap_averaging;
    checkpoint.metadata.alternating |= args.alternating;
    if let Err(error) = checkpoint.metadata.validate() {
        bail!("{} {error}", checkpoint.metadata.name);
    }
    let cache = args.corpora.cache(checkpoint.architecture.features())?;
    let (corpora, aim) = match args.data_set.is_dir() {
        true => (
            vec![load_labelled(
                &args.data_set,
                &cache,
                Coverage::Throughout,
                &args.labels.settings(),
            )?],
            Aim::default(),
        ),
        false => {
            args.labels.refuse_for_experiment()?;
            let experiment = Experiment::read(&args.data_set)?;
            let valid = args.corpora.read(&experiment, Split::Valid, &cache)?;
            (valid, experiment.operating_point)
        }
    };
    let mut labels = corpora
        .iter()
        .flat_map(|c| &c.tracks)
        .flat_map(|t| &t.voice);
    if !labels.any(|label| *label == Some(true)) {
        bail!(
            "{} has no voice to choose thresholds for",
            args.data_set.display()
        );
    }
    checkpoint.metadata.figures.clear();
    let aim = args.aim.unwrap_or(aim);
    warn_of_little(&corpora);
    let chosen = choose_and_write(checkpoint, &corpora, aim, device, &args.out);
    let (metadata, choices) = chosen.map_err(|e| anyhow!(e))?;
    print(&comparison(&args.out, &metadata, &choices))
}

/// Thresholds that are chosen on little data fit that data and no other.
fn warn_of_little(corpora: &[Corpus]) {
    let tracks: usize = corpora.iter().map(|corpus| corpus.tracks.len()).sum();
    let minutes_of = |voice: bool| {
        let share = |corpus: &Corpus| match voice {
            true => corpus.voiced_fraction(),
            false => 1.0 - corpus.voiced_fraction(),
        };
        let minutes = corpora.iter().map(|c| c.minutes() * share(c));
        minutes.sum::<f64>()
    };
    let [voice, pauses] = [true, false].map(minutes_of);
    if tracks < ENOUGH_TRACKS || voice < ENOUGH_MINUTES || pauses < ENOUGH_MINUTES {
        tracing::warn!(
            "the data are little: {tracks} recordings, {voice:.1} min of voice, {pauses:.1} min without; the thresholds \
             may fit them and no other music (from {ENOUGH_TRACKS} recordings and {ENOUGH_MINUTES} min of each on this is \
             not warned about)"
        );
    }
}

/// Thresholds and right decisions before and after, for each look-ahead.
fn comparison(out: &Path, metadata: &Metadata, choices: &[Choice]) -> String {
    let arrow = |before: f32, after: f32| format!("{before:.2} → {after:.2}");
    let reenter = |point: &OperatingPoint| point.reentry.map_or(point.enter, |r| r.reenter);
    let row = |choice: &Choice| {
        let ((old, were), (new, are)) = (&choice.before, &choice.after);
        let is_published = choice.horizon_frames == metadata.default_horizon_frames;
        let mark = if is_published { " *" } else { "" };
        vec![
            format!("{:.2} s{mark}", lookahead_s(choice.horizon_frames)),
            arrow(old.enter, new.enter),
            arrow(reenter(old), reenter(new)),
            arrow(old.leave, new.leave),
            format!(
                "{:.1} → {:.1} %",
                100.0 * were.accuracy(),
                100.0 * are.accuracy()
            ),
        ]
    };
    let table = Table {
        title: "Thresholds and published decisions, before → after",
        note: "",
        head: vec!["look-ahead", "enter", "reenter", "leave", "right"],
        rows: choices.iter().map(row).collect(),
        numbers_from: 1,
    };
    format!(
        "{}\n\n{}\n* published by default. The decisions are on the data that the thresholds were chosen on, so \
         \"after\" is optimistic.\n",
        out.display(),
        table.text()
    )
}
