//! `vocald model`: a list of networks and checkpoints, or the metadata of one checkpoint.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;

use crate::cli::stdout::print;
use crate::decision::{OperatingPoint, Suppression};
use crate::frontend::window::lookahead_s;
use crate::inference::engine::{built_in, named};
use crate::model::{Architecture, Checkpoint, Family, Metadata};
use crate::model_shelf::{self, ModelFile};
use crate::training::ensemble::members;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the checkpoints that --model finds by name, with what each is for, and the networks with their
    /// parameters beside the paper's
    List {
        /// Folder with checkpoints [default: those of this installation]
        #[arg(long, value_name = "DIR")]
        models: Option<PathBuf>,
    },
    /// Write every network of an ensemble as a checkpoint of its own, to be trained further
    Members {
        /// Checkpoint [default: the built-in one]
        #[arg(value_name = "NAME|FILE")]
        file: Option<ModelFile>,
        /// Folder for NAME-1.safetensors, NAME-2.safetensors and so on
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Check a checkpoint and print its network, thresholds and figures
    Info {
        /// Checkpoint [default: the built-in one]
        #[arg(value_name = "NAME|FILE")]
        file: Option<ModelFile>,
        /// Print the metadata as JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: Args) -> anyhow::Result<()> {
    match args.action {
        Action::List { models } => list(models.as_deref()),
        Action::Members { file, out } => write_members(file, &out),
        Action::Info { file, json } => info(file, json),
    }
}

fn write_members(file: Option<ModelFile>, folder: &Path) -> anyhow::Result<()> {
    let whole = named(file.as_ref())?;
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

fn list(models: Option<&Path>) -> anyhow::Result<()> {
    let mut text = checkpoints(models)?;
    text += "architecture  depth  parameters (M)  paper (M)\n";
    for family in Family::all() {
        let architecture = Architecture {
            family,
            members: 1,
            horizons: 1,
            speech: false,
        };
        let parameters = architecture.parameters() as f64 / 1e6;
        let (layers, paper) = (depth_cell(family.depth()), family.paper_parameters_m());
        text += &format!(
            "{:<12}  {layers:>5}  {parameters:14.2}  {paper:9.1}\n",
            family.name()
        );
    }
    text += "With one horizon. The paper's 118 M for depth 200 does not follow from the blocks in \
             its own table 1,\nwhich make the 81.0 M above.\n";
    print(&text)
}

/// A row of each checkpoint, and a line of what it is for.
fn checkpoints(folder: Option<&Path>) -> anyhow::Result<String> {
    let mut text = "checkpoint    architecture  depth  horizons (frames)       file\n".to_owned();
    text += &list_row(&built_in()?.metadata, "(built in)");
    text += &purpose_row(model_shelf::built_in_purpose());
    let files = match folder {
        None => model_shelf::shipped(),
        Some(folder) => match std::fs::read_dir(folder) {
            Ok(_) => model_shelf::checkpoints(folder),
            Err(e) => bail!("the folder {} cannot be read: {e}", folder.display()),
        },
    };
    for file in files {
        match Checkpoint::read(&file) {
            Ok(checkpoint) => {
                text += &list_row(&checkpoint.metadata, &file.display().to_string());
                text += &purpose_row(model_shelf::purpose(&file));
            }
            Err(error) => text += &format!("{error}\n"),
        }
    }
    Ok(text + "\n")
}

fn purpose_row(purpose: Option<String>) -> String {
    purpose.map_or(String::new(), |purpose| format!("    {purpose}\n"))
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

fn info(file: Option<ModelFile>, json: bool) -> anyhow::Result<()> {
    let checkpoint = named(file.as_ref())?;
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
    text += &point_rows(m, &m.operating_points);
    if let Some(speech) = &m.speech {
        text += "\nspeech, a second output\n";
        text += &point_rows(m, &speech.operating_points);
        text += &match speech.suppression {
            Some(Suppression { from, weight }) => format!(
                "suppresses voice from a probability of {from:.2} on, with a weight of {weight}\n"
            ),
            None => "does not suppress voice\n".into(),
        };
    }
    if !m.figures.is_empty() {
        text += "\nmeasured\n";
    }
    for (name, value) in &m.figures {
        text += &format!("  {name:<60} {value:.4}\n");
    }
    print(&text)
}

/// A row for each horizon.
fn point_rows(m: &Metadata, points: &[OperatingPoint]) -> String {
    let mut text = String::new();
    for (horizon, point) in m.horizons_frames.iter().zip(points) {
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
    text
}
