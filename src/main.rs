//! The program `vocald`.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use vocald::cli::{Cli, exit_code, printable};

fn main() -> ExitCode {
    let cli = Cli::from_process_arguments();
    start_logging(&cli);
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be gone, as the terminal of a closed window.
            let error_lines = printable::lines(&format!("{error:#}"));
            let _ = writeln!(std::io::stderr(), "vocald: {error_lines}");
            exit_code(&error).into()
        }
    }
}

/// Logs to standard error; `RUST_LOG` overrides the options.
fn start_logging(cli: &Cli) {
    // Symphonia logs every damaged packet and rumqttc every refused message; vocald reports both once.
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
