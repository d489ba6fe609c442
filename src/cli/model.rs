//! `vocald model`: a list of networks and checkpoints, or the metadata of one checkpoint.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;

use crate::cli::stdout::print;
use crate::frontend::window::lookahead_s;
use crate::inference::engine::built_in;
use crate::model::{Architecture, Checkpoint, Family, Metadata};
use crate::training::ensemble::members;

/// Where this repository keeps its checkpoints.
const DEFAULT_FOLDER: &str = "models";

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the networks with their parameters beside the paper's, the built-in checkpoint and those in a folder
    List {
        /// Folder with checkpoints
        #[arg(long, default_value = DEFAULT_FOLDER, value_name = "DIR")]
        models: PathBuf,
    },
    /// Write every network of an ensemble as a checkpoint of its own, to be trained further
    Members {
        /// Checkpoint [default: the built-in one]
        file: Option<PathBuf>,
        /// Folder for NAME-1.safetensors, NAME-2.safetensors and so on
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Check a checkpoint and print its network, thresholds and figures
    Info {
        /// Checkpoint [default: the built-in one]
        file: Option<PathBuf>,
        /// Print the metadata as JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: Args) -> anyhow::Result<()> {
    match args.action {
        Action::List { models } => list(&models),
        Action::Members { file, out } => write_members(file, &out),
        Action::Info { file, json } => info(file, json),
    }
}

fn read(file: Option<PathBuf>) -> anyhow::Result<Checkpoint> {
    Ok(match file {
        Some(path) => Checkpoint::read(&path)?,
        None => built_in()?,
    })
}

fn write_members(file: Option<PathBuf>, folder: &Path) -> anyhow::Result<()> {
    let whole = read(file)?;
    let members = members(&whole)?;
    if members.len() == 1 {
        bail!("{} is a single network", whole.metadata.name);
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut lines = String::new();
    for member in members {
        let path = folder.join(format!("{}.safetensors", member.metadata.name));
        member.write(&path)?;
        lines += &format!("{}\n", path.display());
    }
    print(&lines)
}

fn list(models: &Path) -> anyhow::Result<()> {
    let mut text = "architecture  depth  parameters (M)  paper (M)\n".to_owned();
    for family in Family::all() {
        let architecture = Architecture {
            family,
            members: 1,
            horizons: 1,
        };
        let parameters = architecture.parameters() as f64 / 1e6;
        let (layers, paper) = (depth_cell(family.depth()), family.paper_parameters_m());
        text += &format!(
            "{:<12}  {layers:>5}  {parameters:14.2}  {paper:9.1}\n",
            family.name()
        );
    }
    text += "With one horizon. The paper's 118 M for depth 200 does not follow from the blocks in \
             its own table 1,\nwhich make the 81.0 M above.\n\n\
             checkpoint    architecture  depth  horizons (frames)       file\n";
    text += &list_row(&built_in()?.metadata, "(built in)");
    let mut files: Vec<PathBuf> = match std::fs::read_dir(models) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        // Installations without the repository have no default folder.
        Err(_) if models == Path::new(DEFAULT_FOLDER) => Vec::new(),
        Err(e) => bail!("the folder {} cannot be read: {e}", models.display()),
    };
    files.retain(|path| path.extension().is_some_and(|e| e == "safetensors"));
    files.sort();
    for file in files {
        text += &match Checkpoint::read(&file) {
            Ok(checkpoint) => list_row(&checkpoint.metadata, &file.display().to_string()),
            Err(error) => format!("{error}\n"),
        };
    }
    print(&text)
}

fn list_row(metadata: &Metadata, place: &str) -> String {
    let horizons = metadata.horizons_frames.iter().map(u32::to_string);
    let horizons = horizons.collect::<Vec<_>>().join(" ");
    let (name, depth) = (&metadata.name, depth_cell(metadata.depth));
    let architecture = match metadata.members {
        1 => metadata.architecture.clone(),
        members => format!("{members} {}", metadata.architecture),
    };
    format!("{name:<12}  {architecture:<12}  {depth:>5}  {horizons:<22}  {place}\n")
}

/// A depth in a table.
fn depth_cell(depth: Option<u32>) -> String {
    depth.map_or("-".into(), |layers| layers.to_string())
}

fn info(file: Option<PathBuf>, json: bool) -> anyhow::Result<()> {
    let checkpoint = read(file)?;
    let m = &checkpoint.metadata;
    if json {
        return print(&(serde_json::to_string_pretty(m)? + "\n"));
    }
    let mut text = format!(
        "{}: {}\nparameters    {}\ninput         {}\nlicence       {}\ntrained on    {}\ndecision      {}\n\n\
         horizon  look-ahead  threshold  enter  reenter  leave  confirm  voice >=  gap >=\n",
        m.name,
        checkpoint.architecture,
        checkpoint.architecture.parameters(),
        checkpoint.architecture.features(),
        m.license,
        m.trained_on.join("\n              "),
        match m.overlap_averaging {
            true if m.alternating => {
                "average over all windows that cover a frame, from alternating members"
            }
            true => "average over all windows that cover a frame",
            false if m.alternating => "newest window, from alternating members",
            false => "newest window",
        },
    );
    for (horizon, point) in m.horizons_frames.iter().zip(&m.operating_points) {
        let published = match *horizon == m.default_horizon_frames {
            true => "  published",
            false => "",
        };
        let reenter = point
            .reentry
            .map_or("-".into(), |reentry| format!("{:.2}", reentry.reenter));
        text += &format!(
            "{horizon:7}  {:8.2} s  {:9.2}  {:5.2}  {reenter:>7}  {:5.2}  {:>7}  {:6.2} s  {:4.2} s{published}\n",
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
        text += "\nmeasured\n";
    }
    for (name, value) in &m.figures {
        text += &format!("  {name:<60} {value:.4}\n");
    }
    print(&text)
}
