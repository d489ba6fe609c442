//! `vocald average`: the mean of several checkpoints' weights.

use crate::cli::combine_options::CombineOptions;
use crate::training::weight_average::average;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    options: CombineOptions,
}

const EXAMPLES: &str = "\
The checkpoints must be fine-tuned from the same weights; those weights may be among them. Inference costs \
as much as with one of them. For unrelated checkpoints use `vocald ensemble`.

Example:
  vocald average mine.toml runs/a/best.safetensors runs/b/best.safetensors --out mean.safetensors";

pub fn run(args: Args) -> anyhow::Result<()> {
    args.options.run(average, false)
}
