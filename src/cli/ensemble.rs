//! `vocald ensemble`: one checkpoint that averages the log odds of several networks.

use crate::cli::combine_options::CombineOptions;
use crate::training::ensemble::ensemble;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Evaluate one member per window, each in its turn, instead of all members: the cost of one network.
    /// Meant for experiments with overlap averaging
    #[arg(long)]
    alternating: bool,
    #[command(flatten)]
    options: CombineOptions,
}

const EXAMPLES: &str = "\
The checkpoints must have the same architecture; their trainings may be unrelated. Without --alternating \
every window costs one forward pass per member.

Example:
  vocald ensemble mine.toml a.safetensors b.safetensors --out pair.safetensors --alternating";

pub fn run(args: Args) -> anyhow::Result<()> {
    args.options.run(ensemble, args.alternating)
}
