//! `vocald completions`: the completions of a shell, on standard output.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::cli::stdout::print;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  vocald completions bash > ~/.local/share/bash-completion/completions/vocald
  vocald completions zsh > ~/.zfunc/_vocald
  vocald completions fish > ~/.config/fish/completions/vocald.fish";

pub fn run(args: Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vocald", &mut script);
    print(&String::from_utf8(script)?)
}
