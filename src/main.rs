use clap::Parser;
#[derive(Parser)]
enum Cli {
    Train(vocald::cli::train::Args),
}
fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter("warn,vocald=info,symphonia=off")
        .init();
    let Cli::Train(args) = Cli::parse();
    match vocald::cli::train::run(args) {
        Ok(()) => 0.into(),
        Err(e) => {
            eprintln!("vocald: {e:#}");
            1.into()
        }
    }
}
