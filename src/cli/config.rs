//! `vocald config`: a configuration checked or printed.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::cli::decision_options::environment;
use crate::cli::run;
use crate::cli::stdout::print;
use crate::config;
use crate::config::{Config, ConfigError};
use crate::inference::engine::built_in;
use crate::inference::{ComputeDevice, ComputePrecision};
use crate::model::Checkpoint;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check a configuration with the environment applied, and its model; exit code 2 if something is wrong
    Check {
        /// Configuration file (TOML)
        #[arg(value_name = "FILE", env = "VOCALD_CONFIG")]
        file: PathBuf,
    },
    /// Print the configuration that `vocald run` would use with the same options
    Show {
        /// Print only differences from the defaults
        #[arg(long)]
        changes: bool,
        #[command(flatten)]
        run: Box<run::Args>,
    },
    /// Print the reference of all configuration keys, in Markdown
    Reference,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Check { file } => {
            let config = Config::load(Some(&file), environment())?;
            check_model(&config)?;
            let sources: Vec<_> = config.source.iter().map(|s| s.stream_name()).collect();
            let (path, sources) = (file.display(), sources.join(", "));
            print(&format!("{path} is in order and listens to {sources}\n"))
        }
        Command::Show { changes, run } => {
            let mut config = run.config()?;
            config.publish.http.conceal_token();
            let text = match changes {
                true => changed(&config),
                false => config.to_toml(),
            };
            print(&text)
        }
        Command::Reference => print(&config::reference()),
    }
}

fn changed(config: &Config) -> String {
    let mut text = String::new();
    for change in Config::default().diff(config) {
        let new = change.new.as_deref().unwrap_or("(gone)");
        let old = change.old.as_deref().unwrap_or("(none)");
        // Writing to a String does not fail.
        let _ = writeln!(text, "{} = {new}  # default: {old}", change.key);
    }
    text
}

/// Checks that the model exists, offers the configured horizon and can be run in the configured precision.
fn check_model(config: &Config) -> anyhow::Result<()> {
    let precision = config.model.precision::<ComputePrecision>()?;
    // One that is not there yet may appear.
    if let Ok(device) = config.model.device::<ComputeDevice>()?.resolve() {
        let checked = precision.check(device);
        checked.map_err(|e| ConfigError::value("model.precision", e.to_string()))?;
    }
    let checkpoint = match config.model.path() {
        Some(path) => Checkpoint::read(path)?,
        None => built_in()?,
    };
    config
        .decision
        .horizon(&checkpoint.metadata.model_horizons())?;
    Ok(())
}
