//! Speed of training: whole steps on windows that are already drawn.

use std::path::Path;
use std::time::Instant;

use tch::Device;

use crate::cli::Usage;
use crate::cli::bench::median;
use crate::cli::stdout::print;
use crate::frontend::Features;
use crate::model::network::initial_weights;
use crate::model::{Architecture, Family};
use crate::training::adam::Adam;
use crate::training::allocator;
use crate::training::denormals;
use crate::training::experiment::{Experiment, Precision, Training};
use crate::training::flat_params::FlatParams;
use crate::training::loader::Batch;
use crate::training::step::TrainStep;

/// The measured step is one of the paper's training.
const RECIPE: &str = "paper-mir1k";
/// Steps before the clock starts: libtorch chooses algorithms and reorders weights in the first ones.
const WARM_UP_STEPS: u32 = 3;
/// Default number of measured steps: a few seconds.
const DEFAULT_STEPS: u32 = 20;

/// Options that have no effect on training. Those that need `--training` name them too: clap does not miss an option
/// that another one excludes.
const WITHOUT_EFFECT: [&str; 7] = [
    "model", "depths", "streams", "plot", "data", "features", "drawing",
];

/// Options that need `--training`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Training")]
pub struct Args {
    /// Measure training steps (forward, backward, Adam) instead of inference
    #[arg(long, conflicts_with_all = WITHOUT_EFFECT)]
    pub training: bool,
    /// Network: se_resnet or scnn
    #[arg(
        long,
        value_name = "NAME",
        default_value = "se_resnet",
        requires = "training", conflicts_with_all = WITHOUT_EFFECT
    )]
    architecture: String,
    /// Depth of se_resnet in layers [default: 14]
    #[arg(long, value_name = "LAYERS", requires = "training", conflicts_with_all = WITHOUT_EFFECT)]
    depth: Option<u32>,
    /// Windows per step
    #[arg(long, value_name = "N", default_value_t = 64, requires = "training", conflicts_with_all = WITHOUT_EFFECT,
          value_parser = clap::value_parser!(u16).range(1..=4096))]
    batch_windows: u16,
    /// CPU threads of a step
    #[arg(long, value_name = "N", default_value_t = 1, requires = "training", conflicts_with_all = WITHOUT_EFFECT,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
}

/// Prints the median time of a step and the windows per second.
pub fn run(
    args: &Args,
    device: Device,
    precision: Precision,
    passes: Option<u32>,
    json: bool,
) -> anyhow::Result<()> {
    let usual_depth = (args.architecture == "se_resnet").then_some(14);
    let family = Family::named(&args.architecture, args.depth.or(usual_depth))
        .map_err(|wrong| Usage(format!("--architecture and --depth name {wrong}")))?;
    if let Features::SeparatedMel = family.features() {
        let problem = "--architecture bilstm learns from whole songs, which bench does not measure: choose se_resnet or scnn";
        return Err(Usage(problem.into()).into());
    }
    let architecture = Architecture {
        family,
        members: 1,
        horizons: 1,
        speech: false,
    };
    tch::set_num_threads(args.threads.into());
    let mut recipe = Experiment::read(Path::new(RECIPE))?.training;
    recipe.batch_windows = args.batch_windows.into();
    recipe.precision = precision;
    let steps = passes.unwrap_or(DEFAULT_STEPS);
    let seconds = step_s(architecture, &recipe, device, steps);
    let per_second = f64::from(args.batch_windows) / seconds;
    let name = family.to_string();
    if json {
        let all = serde_json::json!({
            "network": name, "batch_windows": args.batch_windows, "threads": args.threads,
            "precision": recipe.precision, "step_s": seconds, "windows_a_second": per_second,
        });
        return print(&format!("{all}\n"));
    }
    print(&format!(
        "training {name}, {} windows per step, {} threads: {seconds:.3} s per step, {per_second:.0} windows per second\n",
        args.batch_windows, args.threads
    ))
}

/// Median time of a step.
fn step_s(architecture: Architecture, recipe: &Training, device: Device, steps: u32) -> f64 {
    let windows = recipe.batch_windows;
    let values = windows * architecture.features().values();
    let batch = Batch {
        windows: (0..values).map(|i| (i % 97) as f32 / 48.0 - 1.0).collect(),
        labels: (0..windows * architecture.outputs())
            .map(|i| (i % 2) as f32)
            .collect(),
    };
    allocator::keep();
    denormals::flush_to_zero();
    tch::manual_seed(recipe.seed as i64);
    let first = initial_weights(architecture);
    let mut weights = FlatParams::network(architecture, &first, device);
    let trainable = FlatParams::trainable(architecture, &first, device);
    weights.require_gradients(|name| trainable.parts().contains_key(name));
    let mut adam = Adam::new(&trainable, recipe.weight_decay);
    let train_step = TrainStep::new(architecture, &weights);
    let mut step = || {
        let started = Instant::now();
        // The loss is read, so the step is over on a GPU too.
        train_step.step(&batch, recipe, &mut adam, recipe.learning_rate, device);
        started.elapsed().as_secs_f64()
    };
    for _ in 0..WARM_UP_STEPS {
        step();
    }
    median((0..steps).map(|_| step()).collect())
}
