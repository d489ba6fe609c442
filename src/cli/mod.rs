//! The commands, a file each. They put the stages together; what they say on failure is for
//! people, one sentence.

pub mod average;
pub mod bench;
pub mod calibrate;
pub mod config;
mod corpora_options;
mod decision_options;
pub mod detect;
pub mod devices;
pub mod evaluate;
mod interrupt;
pub mod model;
mod precision;
pub mod reproduce;
pub mod run;
mod stdout;
pub mod train;
pub mod watch;

use clap::{Parser, Subcommand};

use crate::config::ConfigError;

/// Says fourteen times a second whether a singer's voice is in the sound.
#[derive(Debug, Parser)]
#[command(name = "vocald", version = crate::VERSION, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// Tell more on standard error; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Tell only errors on standard error.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  vocald run                             listen to the default microphone
  vocald run song.ogg --pace max         go through a file as fast as the machine can
  vocald watch                           see in a terminal what a running daemon hears
  vocald detect song.ogg                 print when the voice is present
  vocald detect album/ --out labels/     label every file of a folder

Each command's own --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Listen, and tell when the voice comes in and goes out: JSON lines on standard output.
    Run(Box<run::Args>),
    /// Label recordings: when is the voice present?
    Detect(detect::Args),
    /// Show in the terminal what a running daemon hears.
    Watch(watch::Args),
    /// List the sound cards that `run` can listen to.
    Devices(devices::Args),
    /// Check a configuration, or show what `run` would be told.
    Config(config::Args),
    /// Show the networks there are, and what a checkpoint holds.
    Model(model::Args),
    /// Make a checkpoint out of labelled sound.
    Train(train::Args),
    /// Make one checkpoint out of several trainings of a network.
    Average(average::Args),
    /// Choose a checkpoint's thresholds anew, on sound like yours.
    Calibrate(calibrate::Args),
    /// Measure a checkpoint on labelled sound.
    Evaluate(evaluate::Args),
    /// Train and measure the networks of the paper's tables on its corpora.
    Reproduce(reproduce::Args),
    /// Measure how fast this machine is.
    Bench(bench::Args),
}

impl Command {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Run(args) => run::run(*args),
            Self::Detect(args) => detect::run(args),
            Self::Watch(args) => watch::run(args),
            Self::Devices(args) => devices::run(args),
            Self::Config(args) => config::run(args),
            Self::Model(args) => model::run(args),
            Self::Train(args) => train::run(args),
            Self::Average(args) => average::run(args),
            Self::Calibrate(args) => calibrate::run(args),
            Self::Evaluate(args) => evaluate::run(args),
            Self::Reproduce(args) => reproduce::run(args),
            Self::Bench(args) => bench::run(args),
        }
    }
}

/// The command line asks for something that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// 2 where the command line or the configuration is wrong, 1 for every other failure.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let wrong_usage = error.is::<Usage>() || error.is::<ConfigError>();
    if wrong_usage { 2 } else { 1 }
}
