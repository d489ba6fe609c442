//! `vocald run`: the daemon, with its messages as JSON lines on standard output.

mod output_options;
mod socket_options;
mod source_options;

use std::path::{Path, PathBuf};

use crate::cli::decision_options::DecisionOptions;
use crate::cli::interrupt;
use crate::config::Config;
use crate::pipeline::Daemon;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    sources: source_options::SourceOptions,
    #[command(flatten)]
    decision: DecisionOptions,
    #[command(flatten)]
    output: output_options::OutputOptions,
    #[command(flatten)]
    sockets: socket_options::SocketOptions,
    #[command(flatten)]
    programs: output_options::ProgramOptions,
}

const EXAMPLES: &str = "\
Examples:
  vocald run
      the default microphone
  vocald run device:USB --use-channels 3
      the third input of the sound card with USB in its name
  vocald run song.flac
      a file, in real time
  arecord -f S16_LE -r 48000 -c 2 | vocald run - --format s16le --rate 48000 --channels 2
      raw samples from another program
  vocald run mixer.wav --each-channel --pace max --only onset,offset
      one stream per channel; print onsets and offsets only";

/// Runs until the sources end or a signal comes.
pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.config()?;
    let signals = interrupt::daemon_signals()?;
    let duration = args.sources.duration;
    let daemon = Daemon::start_with(&config, duration, capture_program().as_deref())?;
    let read = move || args.config().map_err(|error| format!("{error:#}"));
    let daemon = daemon.reloading(read, signals.reload);
    daemon.wait(&signals.end)?;
    Ok(())
}

/// This program, for the processes that capture devices. On Linux the file that runs, even if another version was
/// installed meanwhile.
fn capture_program() -> Option<PathBuf> {
    let own = Path::new("/proc/self/exe");
    match own.exists() {
        true => Some(own.into()),
        false => std::env::current_exe().ok(),
    }
}

impl Args {
    /// The configuration file, overridden by the environment and then by these options.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = self.decision.config()?;
        self.output.apply(&mut config.publish);
        self.programs.apply(&mut config.publish);
        self.sockets.apply(&mut config.publish);
        self.sources.apply(&mut config)?;
        config.check()?;
        self.sources.check_applicable(&config)?;
        Ok(config)
    }
}
