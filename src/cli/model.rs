//! `vocald model`: the networks there are, and what a checkpoint says of itself.

use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;

use crate::frontend::window::lookahead_s;
use crate::inference::engine::built_in;
use crate::model::{Architecture, Checkpoint, Depth, Metadata};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Depths of SE-ResNet, their parameters beside the paper's, and checkpoints at hand
    List {
        /// Folder to look for checkpoints in
        #[arg(long, default_value = "models", value_name = "DIR")]
        models: PathBuf,
    },
    /// Checks a checkpoint and shows what it holds [default: the built-in one]
    Info {
        file: Option<PathBuf>,
        /// The metadata as JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: Args) -> anyhow::Result<()> {
    match args.action {
        Action::List { models } => list(&models),
        Action::Info { file, json } => info(file, json),
    }
}

fn list(models: &std::path::Path) -> anyhow::Result<()> {
    println!("architecture  depth  parameters (M)  paper (M)");
    for depth in Depth::ALL {
        let parameters = Architecture { depth, horizons: 1 }.parameters() as f64 / 1e6;
        let (layers, paper) = (depth.layers(), depth.paper_parameters_m());
        println!("se_resnet     {layers:5}  {parameters:14.2}  {paper:9.1}");
    }
    println!(
        "With one horizon. The paper's 118 M for depth 200 does not follow from the blocks in \
         its own table 1,\nwhich make the 81.0 M above."
    );
    println!("\ncheckpoint    depth  horizons (frames)  file");
    let row = |metadata: &Metadata, place: &str| {
        let horizons: Vec<String> = metadata
            .horizons_frames
            .iter()
            .map(u32::to_string)
            .collect();
        let (name, depth) = (&metadata.name, metadata.depth);
        println!("{name:<12}  {depth:5}  {:<17}  {place}", horizons.join(" "));
    };
    match built_in() {
        Ok(checkpoint) => row(&checkpoint.metadata, "(built in)"),
        Err(e) => bail!(e),
    }
    let Ok(entries) = std::fs::read_dir(models) else {
        return Ok(());
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "safetensors"));
    files.sort();
    for file in files {
        match Checkpoint::read(&file) {
            Ok(checkpoint) => row(&checkpoint.metadata, &file.display().to_string()),
            Err(fault) => println!("{fault}"),
        }
    }
    Ok(())
}

fn info(file: Option<PathBuf>, json: bool) -> anyhow::Result<()> {
    let checkpoint = match &file {
        Some(file) => Checkpoint::read(file)?,
        None => built_in()?,
    };
    let m = &checkpoint.metadata;
    if json {
        println!("{}", serde_json::to_string_pretty(m)?);
        return Ok(());
    }
    println!("{}: {} of depth {}", m.name, m.architecture, m.depth);
    println!("parameters    {}", checkpoint.architecture.parameters());
    println!("licence       {}", m.license);
    println!("trained on    {}", m.trained_on.join("\n              "));
    println!("\nhorizon  look-ahead  threshold  enter  leave  confirm  voice >=  gap >=");
    for (horizon, point) in m.horizons_frames.iter().zip(&m.operating_points) {
        let published = if *horizon == m.default_horizon_frames {
            "  published"
        } else {
            ""
        };
        println!(
            "{horizon:7}  {:8.2} s  {:9.2}  {:5.2}  {:5.2}  {:>7}  {:6.2} s  {:4.2} s{published}",
            lookahead_s(*horizon),
            point.threshold,
            point.enter,
            point.leave,
            format!("{} of {}", point.confirm_n, point.confirm_m),
            point.min_voice_s,
            point.min_gap_s
        );
    }
    if !m.figures.is_empty() {
        println!("\nmeasured");
        for (name, value) in &m.figures {
            println!("  {name:<60} {value:.4}");
        }
    }
    Ok(())
}
