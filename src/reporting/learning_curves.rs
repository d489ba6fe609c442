//! How a training went, as a picture: losses, and accuracy on each corpus of validation.

use std::path::Path;

use serde_json::Value;

use crate::reporting::svg::{Anchor, Axes, SERIES, Svg};

const SIZE: [f64; 2] = [960.0, 380.0];
const AREAS: [[f64; 4]; 2] = [[56.0, 28.0, 396.0, 260.0], [540.0, 28.0, 396.0, 260.0]];
const LEGEND_TOP: f64 = 338.0;
const LEGEND_STEP: f64 = 130.0;

/// A line of the picture: a value an epoch.
struct Curve {
    name: String,
    values: Vec<f64>,
}

/// Draws `curves.svg` from the `log.jsonl` in a training's folder. The error is a sentence.
pub fn write(folder: &Path) -> Result<(), String> {
    let log = folder.join("log.jsonl");
    let text = std::fs::read_to_string(&log)
        .map_err(|e| format!("{} cannot be read: {e}", log.display()))?;
    let picture = folder.join("curves.svg");
    std::fs::write(&picture, draw(&text))
        .map_err(|e| format!("cannot write {}: {e}", picture.display()))
}

/// The picture of a log, a line of JSON an epoch.
pub fn draw(log: &str) -> String {
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
    // A single epoch, or a value that never changed, needs some room all the same.
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
