//! The whole program, started as users start it, on a sound that is made for the purpose.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::bail;
use vocald_client::Message;

use crate::cli::bench::child::{Child, Usage};
use crate::cli::bench::tone::write_tone;

/// Length of the sound that `detect` labels.
const DETECT_S: u32 = 60;

/// What the program costs as a whole.
#[derive(Debug, serde::Serialize)]
pub struct Program {
    /// From the start of `run` on a file to its first decision.
    pub first_decision_s: f64,
    /// Length of the sound by the time that `detect` takes, its start included.
    pub detect_times_real_time: f64,
    /// Length of the sound by the processor time that `detect` takes.
    pub detect_times_cpu_time: f64,
    /// Largest resident memory of these runs.
    pub peak_memory_mb: f64,
}

/// Options that every run of the program gets.
pub struct Options {
    pub model: Option<PathBuf>,
    pub device: String,
    pub precision: String,
}

impl Options {
    /// A command of this program, without its sound.
    pub fn command(&self, name: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(name).args(["--precision", &self.precision]);
        command.args(["--device", &self.device]);
        if let Some(model) = &self.model {
            command.arg("--model").arg(model);
        }
        // What is set for the daemon does not count here.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"VOCALD_") {
                command.env_remove(name);
            }
        }
        Ok(command)
    }
}

/// Runs `detect` and `run` on a sound in a temporary folder.
pub fn measure(options: &Options) -> anyhow::Result<Program> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sound.wav");
    write_tone(&path, 1, DETECT_S)?;

    let mut command = options.command("run")?;
    command.args(["--pace", "max"]).arg(&path);
    let started = Instant::now();
    let mut child = Child::start(command)?;
    let mut decided = false;
    for message in child.messages() {
        if let Message::Decision(_) = message? {
            decided = true;
            break;
        }
    }
    let first_decision_s = started.elapsed().as_secs_f64();
    if !decided {
        child.end()?;
        bail!("vocald run made no decision on a sound of {DETECT_S} s");
    }
    drop(child);

    let before = Usage::of_children();
    let mut command = options.command("detect")?;
    command.arg(&path);
    let started = Instant::now();
    Child::start(command)?.end()?;
    let took_s = started.elapsed().as_secs_f64();
    let after = Usage::of_children();
    Ok(Program {
        first_decision_s,
        detect_times_real_time: f64::from(DETECT_S) / took_s,
        detect_times_cpu_time: f64::from(DETECT_S) / (after.cpu_s - before.cpu_s),
        peak_memory_mb: after.peak_memory_mb,
    })
}
