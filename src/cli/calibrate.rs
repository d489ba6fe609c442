//! `vocald calibrate`: the operating points of a checkpoint, chosen anew on other sound.

use std::path::PathBuf;

use anyhow::{anyhow, bail};

use crate::cli::corpora_options::Sources;
use crate::cli::train::measured;
use crate::corpora::Split;
use crate::corpora::load::{Coverage, load_labelled};
use crate::evaluation::threshold_search::Aim;
use crate::inference::engine::built_in;
use crate::model::Checkpoint;
use crate::training::experiment::Experiment;
use crate::training::export::finish;

/// Choose a checkpoint's thresholds anew, on sound like yours. Its weights stay as they are.
///
/// What was chosen on must not be what is measured on afterwards.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// An experiment, whose validation data is listened to (a file, or paper-mir1k and the like), or a
    /// folder of sound files with NAME.lab, Audacity's NAME.txt or NAME.csv beside each NAME.ogg
    #[arg(value_name = "EXPERIMENT|FOLDER")]
    data_set: PathBuf,
    /// Where the checkpoint goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The checkpoint [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The most right decisions on music like this, or the best balance between voice and pauses
    /// [default: as the experiment says, or else accuracy]
    #[arg(long, value_enum)]
    aim: Option<Aim>,
    /// Decide by what all windows so far have said of a frame, not by the newest alone, where the
    /// checkpoint does not yet
    #[arg(long)]
    overlap_averaging: bool,
    /// Ask one member of a committee at each window, in turn, where all of them are asked yet: as many times
    /// less work
    #[arg(long)]
    alternating: bool,
    #[command(flatten)]
    sources: Sources,
}

const EXAMPLES: &str = "\
Examples:
  vocald calibrate rehearsals/ --out ours.safetensors    songs of yours with labels beside them
  vocald run --model ours.safetensors                    and on stage
  vocald calibrate paper-mir1k --data DIR --out karaoke.safetensors";

pub fn run(args: Args) -> anyhow::Result<()> {
    let device = args.sources.device()?;
    let mut checkpoint = match &args.model {
        Some(path) => Checkpoint::read(path)?,
        None => built_in()?,
    };
    if args.overlap_averaging && checkpoint.metadata.horizons_frames.len() < 2 {
        bail!(
            "{} has one horizon; a consensus takes several, as a training with horizons_frames gives",
            checkpoint.metadata.name
        );
    }
    checkpoint.metadata.overlap_averaging |= args.overlap_averaging;
    checkpoint.metadata.alternating |= args.alternating;
    if let Err(fault) = checkpoint.metadata.validate() {
        bail!("{} {fault}", checkpoint.metadata.name);
    }
    let cache = args.sources.cache(checkpoint.architecture.features())?;
    let (corpora, aim) = match args.data_set.is_dir() {
        true => (
            vec![load_labelled(&args.data_set, &cache, Coverage::Throughout)?],
            Aim::default(),
        ),
        false => {
            let experiment = Experiment::read(&args.data_set)?;
            let valid = args.sources.load(&experiment, Split::Valid, &cache)?;
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
    measured(&args.out, &metadata)
}
