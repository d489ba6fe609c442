//! Pictures of what was measured.

use std::path::Path;

use anyhow::Context as _;

use crate::atomic_file::{self, AtomicFile};
use crate::cli::Usage;
use crate::cli::bench::stages::Timing;
use crate::cli::bench::streams::Load;
use crate::reporting::axes::Axes;
use crate::reporting::svg::{Anchor, SERIES, Svg};

const WIDTH: f64 = 820.0;
const BAR: f64 = 14.0;
const ROW: f64 = 24.0;
/// Left edge of the bars, right of the names.
const BARS: f64 = 360.0;
const MARGIN: f64 = 70.0;

/// Tries the place of a picture before what it shows is measured.
pub fn check(path: &Path) -> anyhow::Result<()> {
    let refusal =
        |problem: String| Err(Usage(format!("--plot {}: {problem}", path.display())).into());
    let names_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if names_folder || path.exists() && !path.is_file() {
        return refusal("this is not a file; name one".into());
    }
    match AtomicFile::create(path) {
        Ok(_) => Ok(()),
        Err(error) => refusal(format!("no file can be made there: {error}")),
    }
}

/// Writes a picture, which appears whole or not at all.
pub fn write(path: &Path, svg: &str) -> anyhow::Result<()> {
    atomic_file::write(path, svg).with_context(|| format!("{} cannot be written", path.display()))
}

/// A bar for each stage: its median, and a line to its 99th percentile.
pub fn stages(timings: &[Timing], hop_ms: f64) -> String {
    let height = MARGIN + ROW * timings.len() as f64;
    let mut svg = Svg::new(WIDTH, height);
    let longest = timings.iter().map(|timing| timing.p99_ms);
    let longest = longest.fold(f64::MIN_POSITIVE, f64::max);
    let axes = Axes {
        area: [BARS, 28.0, WIDTH - BARS - 24.0, height - MARGIN],
        x: [0.0, longest],
        y: [0.0, 1.0],
    };
    axes.draw_x(
        &mut svg,
        "milliseconds per window: median, and line to 99 %",
    );
    for (timing, row) in timings.iter().zip(0u32..) {
        let top = 28.0 + ROW * f64::from(row) + (ROW - BAR) / 2.0;
        let (median, p99) = (axes.x(timing.median_ms), axes.x(timing.p99_ms));
        let name = format!(
            "{}: {:.1} % of the hop",
            timing.stage,
            timing.median_ms / hop_ms * 100.0
        );
        svg.text(Anchor::End, BARS - 6.0, top + BAR - 3.0, &name);
        svg.area(SERIES[0], 0.8, [BARS, top, median - BARS, BAR]);
        svg.line("mark", [median, top + BAR / 2.0, p99, top + BAR / 2.0]);
    }
    svg.alone()
}

/// The cost of a stream and the latency of decisions against the number of streams.
pub fn streams(loads: &[Load], budget_ms: f64) -> String {
    const AREAS: [[f64; 4]; 2] = [[60.0, 28.0, 320.0, 240.0], [470.0, 28.0, 320.0, 240.0]];
    let mut svg = Svg::new(WIDTH, 330.0);
    let most = loads.iter().map(|load| load.streams).max().unwrap_or(1);
    let mut plot = |area, name: &str, value: &dyn Fn(&Load) -> f64, mark: Option<f64>| {
        let points = loads
            .iter()
            .map(|load| (f64::from(load.streams), value(load)));
        let highest = points.clone().map(|(_, y)| y).chain(mark);
        let axes = Axes {
            area,
            x: [0.0, f64::from(most)],
            y: [0.0, highest.fold(f64::MIN_POSITIVE, f64::max) * 1.05],
        };
        axes.draw(&mut svg, "streams", name);
        svg.polyline(
            "line",
            SERIES[0],
            points.clone().map(|(x, y)| axes.at(x, y)),
        );
        for (x, y) in points {
            let (x, y) = axes.at(x, y);
            svg.dot(SERIES[0], x, y);
        }
        if let Some(mark) = mark {
            let [left, _, width, _] = area;
            svg.line("mark", [left, axes.y(mark), left + width, axes.y(mark)]);
        }
    };
    let cost = |load: &Load| load.cpu_percent / f64::from(load.streams);
    plot(AREAS[0], "per cent of a core per stream", &cost, None);
    let latency = |load: &Load| load.latency_p99_ms;
    plot(
        AREAS[1],
        "latency of 99 % of the decisions, ms",
        &latency,
        Some(budget_ms),
    );
    svg.alone()
}
