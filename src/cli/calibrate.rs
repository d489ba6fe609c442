//! `vocald calibrate`: thresholds of a checkpoint, chosen on other recordings.

use std::path::PathBuf;

use anyhow::{anyhow, bail};

use crate::cli::choice;
use crate::cli::corpus_options::CorpusOptions;
use crate::cli::label_options::LabelOptions;
use crate::cli::stdout::print_figures;
use crate::corpora::Split;
use crate::corpora::load::{Coverage, load_labelled};
use crate::evaluation::threshold_search::Aim;
use crate::inference::engine::named;
use crate::model_shelf::ModelFile;
use crate::training::experiment::Experiment;
use crate::training::export::finish;

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
    let metadata = finish(checkpoint, &corpora, aim, device, &args.out).map_err(|e| anyhow!(e))?;
    print_figures(&args.out, &metadata)
}
