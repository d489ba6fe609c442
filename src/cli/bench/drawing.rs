//! How fast windows are drawn for a training: what its loader threads can feed a GPU with.

use std::path::PathBuf;
use std::time::Instant;

use crate::cli::corpora_options::Sources;
use crate::cli::stdout::print;
use crate::corpora::Split;
use crate::frontend::LogMel;
use crate::training::experiment::Experiment;
use crate::training::sampler::{Sampler, window_rng};

/// Windows that are drawn unless told otherwise: some seconds.
const DEFAULT_WINDOWS: u32 = 3000;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Drawing")]
pub struct Args {
    /// Measure how fast a thread draws windows for this experiment, a file or a name as `train` takes it,
    /// from the corpora below --data
    #[arg(long, value_name = "EXPERIMENT", conflicts_with = "training")]
    pub drawing: Option<PathBuf>,
}

/// Prints the windows a second of one thread.
pub fn run(
    experiment: &Experiment,
    sources: &Sources,
    passes: Option<u32>,
    json: bool,
) -> anyhow::Result<()> {
    let family = experiment.architecture()?.family;
    let cache = sources.cache(family.features())?;
    let corpora = sources.load(experiment, Split::Train, &cache)?;
    let horizons = &experiment.horizons_frames;
    let sampler = Sampler::new(&corpora, &experiment.augmentation, family, horizons)?;
    let windows = passes.unwrap_or(DEFAULT_WINDOWS);
    let mut log_mel = LogMel::new();
    let mut values = vec![0.0; sampler.values()];
    let mut labels = vec![0; sampler.labels()];
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
        "drawing for {name}: {per_second:.0} windows a second and thread\n"
    ))
}
