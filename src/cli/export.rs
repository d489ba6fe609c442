//! `vocald export`: a checkpoint's network for other runtimes.

use std::path::PathBuf;

use anyhow::bail;

use crate::cli::Usage;
use crate::cli::choice::choice;
use crate::cli::stdout::print;
use crate::inference::engine::named;
use crate::model::export::{Format, OPSET, export};
use crate::model_shelf::ModelFile;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Checkpoint to read [default: the built-in one]
    #[arg(value_name = "NAME|FILE")]
    checkpoint: Option<ModelFile>,
    /// Format to write, see below
    #[arg(long, default_value = "onnx", value_parser = formats())]
    format: Format,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn formats() -> impl clap::builder::TypedValueParser<Value = Format> {
    choice(&Format::ALL.map(|format| (format.name(), format)))
}

const EXAMPLES: &str = "\
The network takes `log_mel` (windows x frames x 80, natural logarithm of mel magnitudes) and gives `probability`
(windows x horizons). With alternating members it also takes `number`, the number of each window in its stream.
The normalisation is part of the network. The frontend, the horizons and the operating points are in the file as
JSON. docs/models.md describes all of it.

Formats:
  onnx         opset 17, the JSON under the metadata key `vocald`
  torchscript  for torch.jit.load, the JSON in the extra file `vocald.json`

Examples:
  vocald export --out live-wide.onnx
  vocald export karaoke-14 --format torchscript --out karaoke-14.pt";

pub fn run(args: Args) -> anyhow::Result<()> {
    let checkpoint = named(args.checkpoint.as_ref())?;
    if args.out.is_dir() {
        bail!(Usage(format!(
            "{} is a folder; name a file with --out",
            args.out.display()
        )));
    }
    export(&checkpoint, args.format, &args.out)?;
    let format = match args.format {
        Format::Onnx => format!("ONNX, opset {OPSET}"),
        Format::TorchScript => "TorchScript".into(),
    };
    let (name, out) = (&checkpoint.metadata.name, args.out.display());
    print(&format!("{out}: {name}, {format}\n"))
}
