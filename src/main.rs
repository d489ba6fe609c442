//! The program `vocald`.

use std::io::{IsTerminal as _, Write as _};

use tracing_subscriber::EnvFilter;
use vocald::cli::{Cli, exit_code, printable};
use vocald::stderr::Lossy;

fn main() {
    end(match Cli::from_process_arguments() {
        Ok(cli) => run(cli),
        Err(error) => {
            // The reader of the help may be gone.
            let _ = error.print();
            error.exit_code()
        }
    })
}

fn run(cli: Cli) -> i32 {
    start_logging(&cli);
    match cli.run() {
        Ok(()) => 0,
        Err(error) => {
            // Standard error may be gone, as the terminal of a closed window.
            let error_lines = printable::lines(&format!("{error:#}"));
            let _ = writeln!(std::io::stderr(), "vocald: {error_lines}");
            exit_code(&error).into()
        }
    }
}

/// Ends the process without libtorch's destructors, which take a third of the time of a short command.
fn end(code: i32) -> ! {
    let _ = std::io::stdout().flush();
    // SAFETY: _exit ends the process and touches nothing.
    unsafe { libc::_exit(code) }
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
        .with_writer(|| Lossy)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter)
        .init();
}
