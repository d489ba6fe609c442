//! Learning curves of a training: losses, and accuracy on each validation corpus.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::atomic_file;
use crate::reporting::axes::Axes;
use crate::reporting::svg::{Anchor, SERIES, Svg};

const SIZE: [f64; 2] = [960.0, 380.0];
const AREAS: [[f64; 4]; 2] = [[56.0, 28.0, 396.0, 260.0], [540.0, 28.0, 396.0, 260.0]];
const LEGEND_TOP: f64 = 338.0;
const LEGEND_STEP: f64 = 130.0;

/// One value per epoch.
struct Curve {
    name: String,
    values: Vec<f64>,
}

/// Learning curves that cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum LearningCurvesError {
    /// The log cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// What the system reports.
        reason: io::Error,
    },
    /// The picture cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// The picture.
        path: PathBuf,
        /// What the system reports.
        reason: io::Error,
    },
}

/// Draws `curves.svg` from `log.jsonl` in the folder of a training.
///
/// # Errors
///
/// The log cannot be read, or the picture cannot be written.
pub fn write(folder: &Path) -> Result<(), LearningCurvesError> {
    let path = folder.join("log.jsonl");
    let log = std::fs::read_to_string(&path)
        .map_err(|reason| LearningCurvesError::Unreadable { path, reason })?;
    let path = folder.join("curves.svg");
    atomic_file::write(&path, draw(&log))
        .map_err(|reason| LearningCurvesError::Unwritable { path, reason })
}

/// Draws a log with one line of JSON per epoch.
fn draw(log: &str) -> String {
    let epochs: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let best = epochs.iter().rposition(|e| e["best"] == true);
    let of = |name: &str, key: &str| Curve {
        name: name.into(),
        values: numbers(epochs.iter().map(|e| &e[key])),
    };
    let losses = [of("training", "train_loss"), of("validation", "valid_loss")];
    let corpora = epochs.last().and_then(|e| e["corpora"].as_array());
    let accuracies: Vec<Curve> = (0..corpora.map_or(0, Vec::len))
        .map(|place| Curve {
            name: epochs[epochs.len() - 1]["corpora"][place]["name"]
                .as_str()
                .unwrap_or_default()
                .into(),
            values: numbers(
                epochs
                    .iter()
                    .map(|e| &e["corpora"][place]["accuracy_at_half"]),
            ),
        })
        .collect();
    let mut svg = Svg::new(SIZE[0], SIZE[1]);
    plot(&mut svg, AREAS[0], "loss", &losses, best);
    let name = "accuracy on validation, at 0.5";
    plot(&mut svg, AREAS[1], name, &accuracies, best);
    svg.alone()
}

fn numbers<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<f64> {
    values.map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn plot(svg: &mut Svg, area: [f64; 4], name: &str, curves: &[Curve], best: Option<usize>) {
    let values = || curves.iter().flat_map(|c| &c.values).copied();
    let (low, high) = (
        values().fold(f64::NAN, f64::min),
        values().fold(f64::NAN, f64::max),
    );
    if !(low.is_finite() && high.is_finite()) {
        return;
    }
    let epochs = curves.iter().map(|c| c.values.len()).max().unwrap_or(1);
    // A single epoch or a constant value still needs a range.
    let margin = ((high - low) * 0.05).max(1e-3);
    let axes = Axes {
        area,
        x: [1.0, (epochs as f64).max(2.0)],
        y: [low - margin, high + margin],
    };
    axes.draw(svg, "epoch", name);
    if let Some(best) = best {
        let x = axes.x(best as f64 + 1.0);
        svg.line("mark", [x, area[1], x, area[1] + area[3]]);
    }
    for (place, curve) in curves.iter().enumerate() {
        let colour = SERIES[place % SERIES.len()];
        let points = curve.values.iter().enumerate();
        let points = points.filter(|(_, v)| v.is_finite());
        let places: Vec<_> = points.map(|(e, &v)| axes.at(e as f64 + 1.0, v)).collect();
        for &(x, y) in &places {
            svg.dot(colour, x, y);
        }
        svg.polyline("line", colour, places);
        let left = area[0] + place as f64 * LEGEND_STEP;
        svg.dot(colour, left, LEGEND_TOP + 16.0);
        svg.text(Anchor::Start, left + 10.0, LEGEND_TOP + 20.0, &curve.name);
    }
}
