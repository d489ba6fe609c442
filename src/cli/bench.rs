//! `vocald bench`: speed of every stage, of the whole program, of training, or of drawing training windows on this
//! machine.

mod child;
mod drawing;
mod plot;
mod program;
mod stages;
mod streams;
mod tone;
mod training;

use std::path::PathBuf;

use crate::cli::Usage;
use crate::cli::bench::streams::Most;
use crate::cli::corpus_options::CorpusOptions;
use crate::cli::stdout::print;
use crate::config::ModelConfig;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, WindowLength};
use crate::inference::{ComputePrecision, WeightPrecision, cores, device_name, engine};
use crate::model::network::initial_weights;
use crate::model::{Architecture, Checkpoint, Family, SE_RESNET};
use crate::model_shelf::ModelFile;
use crate::training::experiment::{Experiment, Precision};

/// Default number of passes of each measurement: a few seconds in all.
const DEFAULT_PASSES: u32 = 200;
/// Time between windows of a stream in real time, in milliseconds.
const WINDOW_HOP_MS: f64 = WINDOW_HOP_SAMPLES as f64 * 1000.0 / SAMPLE_RATE_HZ as f64;

#[derive(Debug, clap::Args)]
#[command(
    mut_arg("data", |arg| arg.requires("drawing").conflicts_with_all(drawing::WITHOUT_EFFECT)),
    mut_arg("features", |arg| arg.requires("drawing").conflicts_with_all(drawing::WITHOUT_EFFECT))
)]
pub struct Args {
    /// Checkpoint [default: the built-in one]
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<ModelFile>,
    /// Passes of each measurement [default: 200; 20 steps with --training, 3000 windows with --drawing]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "streams")]
    passes: Option<u32>,
    /// Precision of the network: float32, bfloat16 (weights of half the size; with --training the convolutions),
    /// float16 (half the time; needs AVX512-FP16), or auto (as `run --help` says; with --training float32)
    #[arg(long, default_value = "auto")]
    precision: ComputePrecision,
    /// Also measure untrained networks of these depths, in layers, separated by commas
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    depths: Vec<u32>,
    /// Find the number of streams of which the daemon publishes 99 % of the decisions within 50 ms; takes a minute
    #[arg(long, conflicts_with = "depths")]
    streams: bool,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// Draw the figures in this SVG file: the stages, or with --streams the cost of a stream
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    training: training::Args,
    #[command(flatten)]
    drawing: drawing::Args,
    #[command(flatten)]
    corpora: CorpusOptions,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    if let Some(path) = &args.drawing.drawing {
        let experiment = Experiment::read(path)?;
        return drawing::run(&experiment, &args.corpora, args.passes, args.json);
    }
    if args.training.training {
        let device = args.corpora.device()?;
        let precision = match args.precision {
            ComputePrecision::Bfloat16 => Precision::Bfloat16,
            ComputePrecision::Auto | ComputePrecision::Float32 => Precision::Float32,
            ComputePrecision::Float16 => {
                let problem = "--training has no float16: use --precision bfloat16";
                return Err(Usage(problem.into()).into());
            }
        };
        return training::run(&args.training, device, precision, args.passes, args.json);
    }
    let options = program::Options {
        model: args
            .model
            .as_ref()
            .and_then(ModelFile::path)
            .map(Into::into),
        device: device_name(args.corpora.device()?),
        precision: match args.precision {
            ComputePrecision::Auto => "auto".into(),
            ComputePrecision::Float32 => WeightPrecision::Float32.to_string(),
            ComputePrecision::Bfloat16 => WeightPrecision::Bfloat16.to_string(),
            ComputePrecision::Float16 => WeightPrecision::Float16.to_string(),
        },
    };
    if let Some(path) = &args.plot {
        plot::check(path)?;
    }
    let checkpoint = engine::named(args.model.as_ref())?;
    let window = engine::live_window(&checkpoint)?;
    match args.streams {
        true => bench_streams(&args, &options),
        false => bench_stages(&args, checkpoint, window, &options),
    }
}

/// Finds the number of streams that the daemon keeps up with.
fn bench_streams(args: &Args, options: &program::Options) -> anyhow::Result<()> {
    let json = args.json;
    if !json {
        print("streams  median ms    99 % ms    lost  one core\n")?;
    }
    let loads = streams::loads(options, |load| {
        let line = format!(
            "{:7}  {:9.1}  {:9.1}  {:6}  {:6.1} %\n",
            load.streams, load.latency_median_ms, load.latency_p99_ms, load.gaps, load.cpu_percent
        );
        if !json {
            // A table that cannot be printed is found out at its end.
            let _ = print(&line);
        }
    })?;
    let Most { streams, at_least } = Most::of(&loads);
    if let Some(path) = &args.plot {
        plot::write(path, &plot::streams(&loads, streams::BUDGET_MS))?;
    }
    let threads = ModelConfig::default().inference_threads(&options.device);
    if json {
        let all = serde_json::json!({
            "streams": streams, "at_least": at_least, "inference_threads": threads,
            "cores": cores(), "loads": loads,
        });
        return print(&format!("{all}\n"));
    }
    print(&format!(
        "streams that keep 99 % of the decisions under 50 ms: {}{streams} (inference threads: {threads}, cores: {})\n",
        if at_least { "at least " } else { "" },
        cores()
    ))
}

/// Measures every stage, and the program as a whole.
fn bench_stages(
    args: &Args,
    checkpoint: Checkpoint,
    window: WindowLength,
    options: &program::Options,
) -> anyhow::Result<()> {
    let passes = args.passes.unwrap_or(DEFAULT_PASSES);
    let device = args.corpora.device;
    let mut timings = stages::before_network(window, passes)?;
    let before_network = timings.len();
    let behind = stages::behind_network(&checkpoint, window, passes)?;
    let name = checkpoint.metadata.name.clone();
    timings.extend(stages::forward(checkpoint, device, args.precision, passes)?);
    // The cost of a stream among many: full batches. What threads and queues cost is not in it.
    let chain = timings.iter().take(before_network).chain(timings.last());
    let stream_ms: f64 = chain.chain(&behind).map(|timing| timing.median_ms).sum();
    timings.extend(behind);
    for &layers in &args.depths {
        let untrained = untrained(layers)?;
        let passes = passes.div_ceil(layers / 14);
        timings.extend(stages::forward(untrained, device, args.precision, passes)?);
    }
    let whole = program::measure(options)?;
    if let Some(path) = &args.plot {
        plot::write(path, &plot::stages(&timings, WINDOW_HOP_MS))?;
    }
    let streams_per_core_at_most = WINDOW_HOP_MS / stream_ms;
    if args.json {
        let stages = timings.iter().map(|timing| {
            serde_json::json!({
                "stage": timing.stage, "median_ms": timing.median_ms, "p99_ms": timing.p99_ms,
            })
        });
        let all = serde_json::json!({
            "model": name, "device": options.device, "hop_ms": WINDOW_HOP_MS,
            "stages": stages.collect::<Vec<_>>(), "streams_per_core_at_most": streams_per_core_at_most,
            "program": whole, "passes": passes,
        });
        return print(&format!("{all}\n"));
    }
    let widest = timings.iter().map(|timing| timing.stage.len()).max();
    let width = widest.unwrap_or(0);
    let mut text = format!(
        "{name} on {}, {passes} passes, milliseconds per window\n\n{:<width$}    median      99 %     hop\n",
        options.device, "stage"
    );
    for timing in timings {
        let percent = timing.median_ms / WINDOW_HOP_MS * 100.0;
        text += &format!(
            "{:<width$}  {:8.4}  {:8.4}  {percent:4.1} %\n",
            timing.stage, timing.median_ms, timing.p99_ms
        );
    }
    text += &format!(
        "\nstreams per core, at most   {streams_per_core_at_most:8.0} (by these stages alone; --streams measures them)\n\
         detect, times real time     {:8.0}\n\
         detect, times processor time{:8.0}\n\
         start to first decision     {:8.2} s\n\
         memory at the most          {:8.0} MB\n",
        whole.detect_times_real_time,
        whole.detect_times_cpu_time,
        whole.first_decision_s,
        whole.peak_memory_mb
    );
    print(&text)
}

/// An SE-ResNet of this depth with drawn weights, which take as long as trained ones.
fn untrained(layers: u32) -> anyhow::Result<Checkpoint> {
    let family = Family::named(SE_RESNET, Some(layers))
        .map_err(|wrong| Usage(format!("--depths names {wrong}")))?;
    let mut checkpoint = engine::built_in()?;
    checkpoint.architecture = Architecture {
        family,
        members: 1,
        speech: false,
        ..checkpoint.architecture
    };
    let metadata = &mut checkpoint.metadata;
    metadata.name = format!("untrained depth {layers}");
    metadata.depth = Some(layers);
    (metadata.members, metadata.alternating) = (1, false);
    metadata.speech = None;
    checkpoint.weights = initial_weights(checkpoint.architecture);
    Ok(checkpoint)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
