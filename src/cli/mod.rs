//! The command line: one file a command, which parses, calls the library and prints.

mod average;
mod bench;
mod calibrate;
mod capture_helper;
mod choice;
mod combine_options;
mod completions;
mod config;
mod control;
mod corpus_options;
mod counts;
mod daemon_access;
mod decision_options;
mod detect;
mod devices;
mod ensemble;
mod evaluate;
mod export;
mod interrupt;
mod label_options;
mod manual;
mod model;
mod optional_value;
pub mod printable;
mod progress;
mod reproduce;
mod run;
mod stdout;
mod suggestion;
mod train;
pub mod watch;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::ConfigError;
use crate::inference::{EngineError, PrecisionError};
use crate::pipeline::DaemonError;
use crate::reporting::measure::MeasureError;

/// The parsed command line of `vocald`.
#[derive(Debug, Parser)]
#[command(
    name = "vocald",
    version = crate::VERSION,
    about = "Real-time singing voice detector: reports 14 times a second whether a voice is singing",
    after_help = EXAMPLES,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Increase log verbosity (-v info, -vv debug, -vvv trace)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Logging")]
    pub verbose: u8,
    /// Log errors only
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Logging"
    )]
    pub quiet: bool,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  vocald run                             listen to the default microphone
  vocald run song.ogg --pace max         process a file as fast as the machine can
  vocald watch                           show a running daemon's streams in the terminal
  vocald detect song.ogg                 print when a voice is singing
  vocald detect album/ --out labels/     label every file of a folder

`vocald COMMAND --help` lists a command's options. Exit codes: 0 success, 1 failure, 2 wrong usage or configuration.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Listen to microphones, files or pipes and publish voice onsets and offsets
    Run(Box<run::Args>),
    /// Label recordings with the times at which a voice is singing
    Detect(Box<detect::Args>),
    /// Show the streams of a running daemon in the terminal
    Watch(watch::Args),
    /// Change a running daemon: settings, mute, test, reload, lock
    Control(control::Args),
    /// List the audio input devices
    Devices(devices::Args),
    /// Check, print or document the configuration
    Config(config::Args),
    /// List networks and checkpoints, or describe a checkpoint
    Model(model::Args),
    /// Train a checkpoint on labelled recordings
    Train(train::Args),
    /// Average the weights of several checkpoints into one
    Average(average::Args),
    /// Combine several checkpoints into one ensemble
    Ensemble(ensemble::Args),
    /// Choose a checkpoint's thresholds on labelled recordings
    Calibrate(calibrate::Args),
    /// Measure a checkpoint on labelled recordings
    Evaluate(evaluate::Args),
    /// Write a network for other runtimes: ONNX or TorchScript
    Export(export::Args),
    /// Train and measure the networks of the paper's tables on its corpora
    Reproduce(reproduce::Args),
    /// Measure the speed of inference or training on this machine
    Bench(bench::Args),
    /// Print the completions of a shell
    Completions(completions::Args),
    /// Write the man pages
    Manual(manual::Args),
    /// Capture a device for the daemon, in a process of its own
    #[command(hide = true)]
    CaptureHelper(capture_helper::Args),
}

impl Cli {
    /// Checks what can be checked before anything starts: the configuration of `run`.
    ///
    /// # Errors
    ///
    /// The configuration is impossible.
    pub fn check(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::Run(args) => args.config().map(drop),
            _ => Ok(()),
        }
    }

    /// Parses the process's arguments.
    ///
    /// # Errors
    ///
    /// `--help`, `--version` and wrong usage, with the exit code and the text to print.
    pub fn from_process_arguments() -> Result<Self, clap::Error> {
        let arguments = optional_value::join(std::env::args_os());
        let matches = Self::command().try_get_matches_from(arguments);
        let parsed = matches.and_then(|matches| Self::from_arg_matches(&matches));
        parsed.map_err(|error| suggestion::with_subcommand(error, &Self::command()))
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, in one sentence.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Run(args) => run::run(*args),
            Command::Detect(args) => detect::run(&args, self.quiet),
            Command::Watch(args) => watch::run(args),
            Command::Control(args) => control::run(args),
            Command::Devices(args) => devices::run(args),
            Command::Config(args) => config::run(args),
            Command::Model(args) => model::run(args),
            Command::Train(args) => train::run(args),
            Command::Average(args) => average::run(args),
            Command::Ensemble(args) => ensemble::run(args),
            Command::Calibrate(args) => calibrate::run(args),
            Command::Evaluate(args) => evaluate::run(args),
            Command::Export(args) => export::run(args),
            Command::Reproduce(args) => reproduce::run(args),
            Command::Bench(args) => bench::run(args),
            Command::Completions(args) => completions::run(args),
            Command::Manual(args) => manual::run(args),
            Command::CaptureHelper(args) => capture_helper::run(args),
        }
    }
}

/// A command line that parses but cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// The process's exit code: 2 for wrong usage or configuration, 130 after Ctrl-C, 1 for every other failure.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let daemon = error.downcast_ref::<DaemonError>();
    let wrong_usage = error.is::<Usage>()
        || error.is::<ConfigError>()
        || error.is::<PrecisionError>()
        || matches!(error.downcast_ref(), Some(EngineError::Precision(_)))
        || matches!(error.downcast_ref(), Some(MeasureError::Precision(_)))
        || daemon.is_some_and(DaemonError::is_usage);
    match error.is::<detect::Interrupted>() {
        true => 130,
        false if wrong_usage => 2,
        false => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn short_and_long_help_are_the_same() {
        let help = |command: &str, option| {
            let words = ["vocald"].into_iter().chain(command.split_whitespace());
            let parsed = Cli::command().try_get_matches_from(words.chain([option]));
            parsed.err().map(|help| help.to_string())
        };
        let root = Cli::command();
        let commands = root.get_subcommands().map(clap::Command::get_name);
        let nested = [
            "",
            "config check",
            "config show",
            "model list",
            "model info",
        ];
        for command in commands.chain(nested) {
            assert_eq!(help(command, "-h"), help(command, "--help"), "{command}");
        }
    }

    #[test]
    fn a_mistyped_command_has_a_suggestion() {
        for (given, meant) in [
            ("rn", Some("run")),
            ("detec", Some("detect")),
            ("xyzzy", None),
        ] {
            let error = Cli::command().try_get_matches_from(["vocald", given]);
            let error = error.map_err(|e| suggestion::with_subcommand(e, &Cli::command()));
            let text = error.err().map(|e| e.to_string()).unwrap_or_default();
            assert_eq!(text.contains("similar"), meant.is_some(), "{text}");
            let named = meant.is_none_or(|name| text.contains(&format!("'{name}'")));
            assert!(named, "{text}");
        }
    }
}
