//! Speed of drawing training windows, which limits how fast loader threads can feed a GPU.

use std::path::PathBuf;
use std::time::Instant;

use crate::cli::corpus_options::CorpusOptions;
use crate::cli::stdout::print;
use crate::corpora::Split;
use crate::frontend::LogMel;
use crate::training::experiment::Experiment;
use crate::training::sampler::{Sampler, window_rng};

/// Default number of windows: a few seconds.
const DEFAULT_WINDOWS: u32 = 3000;

/// Options that have no effect on drawing. What `--drawing` needs names them too: clap does not miss an option that
/// another one excludes.
pub const WITHOUT_EFFECT: [&str; 7] = [
    "training",
    "device",
    "model",
    "precision",
    "depths",
    "streams",
    "plot",
];

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Drawing of windows")]
pub struct Args {
    /// Measure drawing of training windows for this experiment (a file or a built-in name), in one thread,
    /// from the corpora below --data
    #[arg(long, value_name = "EXPERIMENT", conflicts_with_all = WITHOUT_EFFECT)]
    pub drawing: Option<PathBuf>,
}

/// Prints the windows that one thread draws in a second.
pub fn run(
    experiment: &Experiment,
    corpora: &CorpusOptions,
    passes: Option<u32>,
    json: bool,
) -> anyhow::Result<()> {
    let family = experiment.architecture()?.family;
    let cache = corpora.cache(family.features())?;
    let corpora = corpora.read(experiment, Split::Train, &cache)?;
    let horizons = &experiment.horizons_frames;
    let sampler = Sampler::new(&corpora, &experiment.augmentation, family, horizons)?;
    let windows = passes.unwrap_or(DEFAULT_WINDOWS);
    let mut log_mel = LogMel::new();
    let mut values = vec![0.0; sampler.values()];
    let mut labels = vec![0.0; sampler.labels()];
    let started = Instant::now();
    for window in 0..windows {
        let mut rng = window_rng(experiment.training.seed, 0, window.into());
        sampler.draw(&mut log_mel, &mut rng, &mut values, &mut labels);
    }
    let per_second = f64::from(windows) / started.elapsed().as_secs_f64();
    let name = &experiment.name;
    if json {
        let all = serde_json::json!({
            "experiment": name, "windows": windows, "windows_a_second": per_second,
        });
        return print(&format!("{all}\n"));
    }
    print(&format!(
        "drawing for {name}: {per_second:.0} windows per second and thread\n"
    ))
}
