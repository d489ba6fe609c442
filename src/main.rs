use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;
use vocald::cli::{Cli, exit_code};

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_tracing(&cli);
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vocald: {error:#}");
            exit_code(&error).into()
        }
    }
}

/// Logs go to standard error; RUST_LOG, where it is set, says which.
fn start_tracing(cli: &Cli) {
    // The decoder's own log tells of every damaged packet, the MQTT client's of every refused
    // message; what matters of it is told by vocald.
    let default = match (cli.quiet, cli.verbose) {
        (true, _) => "error,symphonia=off,rumqttc=off",
        (false, 0) => "warn,symphonia=off,rumqttc=off",
        (false, 1) => "warn,vocald=info,symphonia=off,rumqttc=off",
        (false, 2) => "info,vocald=debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter)
        .init();
}
