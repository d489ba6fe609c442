use clap::Parser;
#[derive(Parser)]
enum Cli {
    Train(vocald::cli::train::Args),
    Evaluate(vocald::cli::evaluate::Args),
    Model(vocald::cli::model::Args),
}
fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter("warn,vocald=info,symphonia=off")
        .init();
    let result = match Cli::parse() {
        Cli::Train(args) => vocald::cli::train::run(args),
        Cli::Evaluate(args) => vocald::cli::evaluate::run(args),
        Cli::Model(args) => vocald::cli::model::run(args),
    };
    match result {
        Ok(()) => 0.into(),
        Err(e) => {
            eprintln!("vocald: {e:#}");
            1.into()
        }
    }
}
