//! `vocald bench`: speed of inference, of training, or of drawing training windows on this machine.

mod drawing;
mod training;

use std::time::Instant;

use crate::cli::corpus_options::CorpusOptions;
use crate::cli::stdout::print;
use crate::frontend::{
    CaptureTime, SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, Window, WindowLength, Windower,
};
use crate::inference::engine::MAX_BATCH;
use crate::inference::{ComputePrecision, Engine};
use crate::model_shelf::ModelFile;
use crate::training::experiment::{Experiment, Precision};

/// Default number of passes of each measurement: a few seconds in all.
const DEFAULT_PASSES: u32 = 200;
/// Time between windows of a stream in real time, in milliseconds.
const WINDOW_HOP_MS: f64 = WINDOW_HOP_SAMPLES as f64 * 1000.0 / SAMPLE_RATE_HZ as f64;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Checkpoint [default: the built-in one]
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<ModelFile>,
    /// Passes of each measurement [default: 200; 20 steps with --training, 3000 windows with --drawing]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    passes: Option<u32>,
    /// Precision of the network: float32, bfloat16 (weights of half the size; with --training the convolutions), or
    /// auto (bfloat16 where it is faster and hardly moves a probability; with --training float32)
    #[arg(long, default_value = "auto")]
    precision: ComputePrecision,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
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
        };
        return training::run(&args.training, device, precision, args.passes, args.json);
    }
    let passes = args.passes.unwrap_or(DEFAULT_PASSES);
    let mut engine = Engine::load(
        args.model.as_ref().and_then(ModelFile::path),
        args.corpora.device,
        args.precision,
    )?;
    let log_mel: Vec<f32> = (0..engine.window().values())
        .map(|i| -5.0 + (i % 97) as f32 * 0.05)
        .collect();
    let mut numbers = 0..;
    let mut rows = vec![("frontend".to_string(), frontend_ms(engine.window(), passes))];
    for windows in [1, 4, MAX_BATCH] {
        // Consecutive windows of one stream.
        let mut stream: Vec<Window> = (0..windows)
            .map(|_| Window::synthetic(0, log_mel.as_slice().into()))
            .collect();
        let mut times = Vec::new();
        for _ in 0..passes {
            for (window, number) in stream.iter_mut().zip(&mut numbers) {
                window.start_sample = number * WINDOW_HOP_SAMPLES as u64;
            }
            let batch: Vec<&Window> = stream.iter().collect();
            let started = Instant::now();
            engine.infer(&batch)?;
            times.push(started.elapsed().as_secs_f64() * 1000.0 / windows as f64);
        }
        rows.push((format!("inference, {windows} at once"), median(times)));
    }
    let (name, device) = (engine.metadata().name.clone(), engine.device_name());
    if args.json {
        let figures: serde_json::Map<_, _> = rows
            .into_iter()
            .map(|(what, ms)| (what, ms.into()))
            .collect();
        let all = serde_json::json!({
            "model": name, "device": device, "ms_per_window": figures, "passes": passes,
        });
        return print(&format!("{all}\n"));
    }
    let mut text = format!(
        "{name} on {device}, medians of {} passes\n{:<24} ms per window  share of real time\n",
        passes, ""
    );
    for (what, ms) in rows {
        let percent = ms / WINDOW_HOP_MS * 100.0;
        text += &format!("{what:<24} {ms:13.3}  {percent:17.1} %\n");
    }
    print(&text)
}

/// Median time to compute a window's five frames, in milliseconds.
fn frontend_ms(window: WindowLength, passes: u32) -> f64 {
    let mut windower = Windower::new(window);
    let tone = |n: usize| (n as f32 * 0.05).sin() * 0.1;
    let mut windows = Vec::new();
    let first: Vec<f32> = (0..window.samples()).map(tone).collect();
    windower.push(&first, CaptureTime::default(), &mut windows);
    let hop: Vec<f32> = (0..WINDOW_HOP_SAMPLES).map(tone).collect();
    let pass = |_| {
        let started = Instant::now();
        windower.push(&hop, CaptureTime::default(), &mut windows);
        windows.clear();
        started.elapsed().as_secs_f64() * 1000.0
    };
    median((0..passes).map(pass).collect())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
