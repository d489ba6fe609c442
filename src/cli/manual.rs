//! `vocald manual`: a man page for each command, from the command line's own description.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::atomic_file;
use crate::cli::Cli;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder for the pages, created if missing: vocald.1, vocald-run.1 and so on
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    std::fs::create_dir_all(&args.folder)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    // Gives the commands below it their full names.
    command.build();
    write(&command, &args.folder)
}

fn write(command: &clap::Command, folder: &Path) -> anyhow::Result<()> {
    let manual = Man::new(command.clone());
    let mut page = Vec::new();
    manual.render(&mut page)?;
    atomic_file::write(&folder.join(manual.get_filename()), &page)?;
    let shown = |command: &&clap::Command| !command.is_hide_set();
    let mut below = command.get_subcommands().filter(shown);
    below.try_for_each(|below| write(below, folder))
}
