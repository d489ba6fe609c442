//! Prints the singing of one recording as an Audacity label track: start, end, `voice`.
//!
//! Usage: `cargo run --release --example label_file [FILE]`
//!
//! Without FILE, a song in `tests/data` is labelled. The labels are those of
//! `vocald detect FILE --format audacity`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use anyhow::bail;
use vocald::config::DecisionConfig;
use vocald::frontend::Features;
use vocald::inference::engine::built_in;
use vocald::inference::{ComputeDevice, ComputePrecision, Engine, Worker};
use vocald::pipeline::file_windows::FileWindows;
use vocald::pipeline::label::{FileNetwork, Labeler};
use vocald::pipeline::recording::Input;

fn main() -> anyhow::Result<()> {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.ogg");
    let file = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| demo.into()));

    // The checkpoint inside the library; `Checkpoint::read` takes one from a file.
    let checkpoint = built_in()?;
    let model = checkpoint.metadata.clone();
    let Features::Mel(window) = checkpoint.architecture.features() else {
        bail!("this checkpoint needs whole recordings: use FileNetwork::Recordings");
    };
    // The network lives on a thread of its own, where `load` builds it.
    let load = move || {
        Ok((
            Engine::new(checkpoint, ComputeDevice::Auto, ComputePrecision::Auto)?,
            (),
        ))
    };
    let (worker, ()) = Worker::start(load)?;

    // Look-ahead and thresholds of the checkpoint, unless DecisionConfig sets others.
    let horizon = DecisionConfig::default().horizon(&model.model_horizons())?;
    let windows = FileWindows {
        intake: worker.intake(),
        window,
        every: NonZeroU64::MIN,
    };
    let labeler = Labeler::new(FileNetwork::Windows(windows), &model, horizon)?;

    // A labeler takes any number of files, from several threads at once.
    let input = Input::File(file);
    let labels = labeler.label(&input, &|_seconds_read, _seconds_in_all| {})?;
    for voice in &labels.voices {
        println!("{:.3}\t{:.3}\tvoice", voice.onset.t, voice.offset.t);
    }
    eprintln!(
        "{input}: {} stretches of singing in {:.1} s",
        labels.voices.len(),
        labels.duration_s
    );

    // The worker's thread ends when nothing can send to it any more.
    drop(labeler);
    worker.finish()?;
    Ok(())
}
