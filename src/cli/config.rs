//! `vocald config check|show`: whether a configuration holds, and what it comes to.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::cli::decision_options::environment;
use crate::cli::run;
use crate::cli::stdout::print;
use crate::config::Config;
use crate::inference::engine::built_in;
use crate::model::Checkpoint;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read a configuration with the environment laid over, and its model; exit code 2 where
    /// something in it cannot be.
    Check {
        /// The configuration (TOML).
        #[arg(value_name = "FILE", env = "VOCALD_CONFIG")]
        file: PathBuf,
    },
    /// Print what `vocald run` with the same options would be told: the command line over the
    /// environment over the file over the defaults.
    Show {
        /// Only what differs from the defaults.
        #[arg(long)]
        changes: bool,
        #[command(flatten)]
        run: Box<run::Args>,
    },
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

/// Whether the model is there and offers the horizon that is asked for.
fn check_model(config: &Config) -> anyhow::Result<()> {
    let checkpoint = match config.model_path() {
        Some(path) => Checkpoint::read(path)?,
        None => built_in()?,
    };
    config
        .decision
        .horizon(&checkpoint.metadata.model_horizons())?;
    Ok(())
}
