//! Plots of a report.

use crate::evaluation::curves::Curves;
use crate::evaluation::decide::Smoothing;
use crate::evaluation::figures::Figures;
use crate::evaluation::songs::{Shown, Song};
use crate::reporting::axes::Axes;
use crate::reporting::svg::{Anchor, SERIES, Svg};
use crate::reporting::{MelPicture, Report};

const WIDE: f64 = 960.0;
/// Margins for the numbers and names of the scales.
const LEFT: f64 = 56.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 44.0;
const LEGEND_ROW: f64 = 18.0;
/// Largest number of songs whose bars have names.
const MAX_NAMED: usize = 60;

/// A plot of a report.
pub struct Plot {
    /// Name of its file, without an extension.
    pub name: String,
    /// Heading.
    pub title: String,
    /// Drawing.
    pub svg: Svg,
}

/// Every plot that the report has data for. `pictures` holds the spectrogram of each of the shown tracks.
pub fn all(report: &Report, pictures: &[MelPicture]) -> Vec<Plot> {
    let mut plots = Vec::new();
    if report.model.horizons.len() > 1 {
        plots.push(Plot {
            name: "lookahead".into(),
            title: "Accuracy and onset delay against look-ahead".into(),
            svg: lookahead(report),
        });
    }
    if report.curves.iter().any(|c| !c.roc.is_empty()) {
        plots.push(Plot {
            name: "roc".into(),
            title: "ROC and precision-recall".into(),
            svg: curves(&report.curves),
        });
    }
    for (index, of) in report.curves.iter().enumerate() {
        plots.push(Plot {
            name: format!("histogram-{}", index + 1),
            title: format!("Scores of {} on {}", of.detector, of.corpus),
            svg: histogram(of, (of.detector == report.model.name).then_some(report)),
        });
    }
    for corpus in &report.corpora {
        let mut songs: Vec<&Song> = report.songs.iter().collect();
        songs.retain(|s| s.corpus == corpus.name && s.decisions.windows > 0);
        if songs.len() > 1 {
            plots.push(Plot {
                name: format!("songs-{}", file_name(&corpus.name)),
                title: format!("Accuracy by song: {}", corpus.name),
                svg: song_bars(&songs),
            });
        }
    }
    for (index, (shown, picture)) in report.shown.iter().zip(pictures).enumerate() {
        plots.push(Plot {
            name: format!("song-{}", index + 1),
            title: format!(
                "The {} song ({}): {}",
                shown.rank.name(),
                shown.corpus,
                shown.name
            ),
            svg: song(shown, picture, report.reference.as_deref()),
        });
    }
    plots
}

fn file_name(name: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() { c } else { '-' };
    name.chars().map(keep).collect()
}

fn legend(svg: &mut Svg, x: f64, y: f64, names: &[(String, &str)]) {
    for (row, (name, colour)) in names.iter().enumerate() {
        let y = y + row as f64 * LEGEND_ROW;
        svg.area(colour, 1.0, [x, y - 9.0, 12.0, 10.0]);
        svg.text(Anchor::Start, x + 18.0, y, name);
    }
}

fn colour(index: usize) -> &'static str {
    SERIES[index % SERIES.len()]
}

/// The figure that a panel shows.
type Value = fn(&Figures) -> f64;

/// Accuracy on the left, median onset delay on the right; one colour per corpus, dashed for raw decisions.
fn lookahead(report: &Report) -> Svg {
    let longest_s = report.model.horizons.iter().map(|h| h.lookahead_s);
    let longest_s = longest_s.fold(0.0, f64::max) * 1.08;
    let styles = [(Smoothing::Raw, "line dashed"), (Smoothing::Causal, "line")];
    let of_styles = |f: &&Figures| styles.iter().any(|(s, _)| *s == f.smoothing);
    let height = 260.0;
    let below = TOP + height + BOTTOM;
    let rows = report.corpora.len() + 1;
    let mut svg = Svg::new(WIDE, below + rows as f64 * LEGEND_ROW);
    let width = (WIDE - 3.0 * LEFT) / 2.0;
    let panels: [(&str, f64, Value); 2] = [
        ("accuracy", LEFT, |f| f.decisions.accuracy),
        ("onset delay, median, s", 2.0 * LEFT + width, |f| {
            f.onsets.delay_median_s
        }),
    ];
    for (name, left, value) in panels {
        let axes = Axes {
            area: [left, TOP, width, height],
            x: [0.0, longest_s],
            y: range(report.figures.iter().filter(of_styles).map(value)),
        };
        axes.draw(&mut svg, "look-ahead, s", name);
        for (index, corpus) in report.corpora.iter().enumerate() {
            for (smoothing, class) in styles {
                let of = |f: &&Figures| f.corpus == corpus.name && f.smoothing == smoothing;
                let points: Vec<(f64, f64)> = report
                    .figures
                    .iter()
                    .filter(of)
                    .filter_map(|f| Some((f.lookahead_s?, value(f))))
                    .filter(|(_, y)| y.is_finite())
                    .map(|(x, y)| axes.at(x, y))
                    .collect();
                svg.polyline(class, colour(index), points.iter().copied());
                for (x, y) in points {
                    svg.dot(colour(index), x, y);
                }
            }
        }
    }
    let names: Vec<_> = report
        .corpora
        .iter()
        .enumerate()
        .map(|(index, c)| (format!("{}: causal; raw dashed", c.name), colour(index)))
        .collect();
    legend(&mut svg, LEFT, below + LEGEND_ROW, &names);
    svg
}

/// The range of all values with a margin.
fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let finite = values.filter(|v| v.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high {
        return [0.0, 1.0];
    }
    let room = (0.15 * (high - low)).max(0.01);
    [low - room, high + room]
}

fn curves(all: &[Curves]) -> Svg {
    let height = 380.0;
    let below = TOP + height + BOTTOM;
    let mut svg = Svg::new(WIDE, below + (all.len() + 1) as f64 * LEGEND_ROW);
    let width = (WIDE - 3.0 * LEFT) / 2.0;
    let axes = |left| Axes {
        area: [left, TOP, width, height],
        x: [0.0, 1.0],
        y: [0.0, 1.0],
    };
    let (roc, precision_recall) = (axes(LEFT), axes(2.0 * LEFT + width));
    roc.draw(&mut svg, "false-positive rate", "recall");
    precision_recall.draw(&mut svg, "recall", "precision");
    for (index, of) in all.iter().enumerate() {
        for (axes, points) in [(&roc, &of.roc), (&precision_recall, &of.precision_recall)] {
            let points = points.iter().map(|[x, y]| axes.at(*x, *y));
            svg.polyline("line", colour(index), points);
        }
    }
    let names: Vec<_> = all
        .iter()
        .enumerate()
        .map(|(index, of)| (format!("{} on {}", of.detector, of.corpus), colour(index)))
        .collect();
    legend(&mut svg, LEFT, below + LEGEND_ROW, &names);
    svg
}

/// Share of each class by probability; `own` is the report if the detector is its checkpoint, for the threshold.
fn histogram(of: &Curves, own: Option<&Report>) -> Svg {
    let height = 200.0;
    let below = TOP + height + BOTTOM;
    let mut svg = Svg::new(WIDE, below + 3.0 * LEGEND_ROW);
    let classes = [
        ("voice", &of.histogram.with_voice),
        ("no voice", &of.histogram.without_voice),
    ];
    let share =
        |bins: &[u64], bin: usize| bins[bin] as f64 / bins.iter().sum::<u64>().max(1) as f64;
    let bins = of.histogram.with_voice.len();
    let highest = classes
        .iter()
        .flat_map(|(_, counts)| (0..bins).map(|bin| share(counts, bin)));
    let axes = Axes {
        area: [LEFT, TOP, WIDE - 2.0 * LEFT, height],
        x: [0.0, 1.0],
        y: [0.0, highest.fold(0.0, f64::max).max(0.01) * 1.05],
    };
    axes.draw(
        &mut svg,
        "probability of voice",
        "share of the class's decisions",
    );
    for (index, (_, counts)) in classes.iter().enumerate() {
        for bin in 0..bins {
            let (x, y) = axes.at(bin as f64 / bins as f64, share(counts, bin));
            let width = (WIDE - 2.0 * LEFT) / bins as f64;
            svg.area(colour(index), 0.55, [x, y, width, axes.y(0.0) - y]);
        }
    }
    let threshold = own.and_then(|report| {
        let model = &report.model;
        let chosen = model
            .horizons
            .iter()
            .find(|h| h.frames == model.horizon_frames);
        chosen.map(|h| h.operating_point.threshold)
    });
    if let Some(threshold) = threshold {
        let x = axes.x(f64::from(threshold));
        svg.line("mark", [x, TOP, x, TOP + height]);
        svg.text(
            Anchor::Start,
            x + 4.0,
            TOP + 14.0,
            &format!("threshold {threshold:.2}"),
        );
    }
    let names = [0, 1].map(|i| (classes[i].0.to_owned(), colour(i)));
    legend(&mut svg, LEFT, below + LEGEND_ROW, &names);
    svg
}

/// The causal accuracy of each track, the best first; a tick marks that of the reference system.
fn song_bars(songs: &[&Song]) -> Svg {
    let mut songs = songs.to_vec();
    songs.sort_by(|a, b| {
        b.decisions
            .accuracy_causal
            .total_cmp(&a.decisions.accuracy_causal)
    });
    // The table has the names of hundreds of clips.
    let named = songs.len() <= MAX_NAMED;
    let (label, bar) = if named { (240.0, 16.0) } else { (LEFT, 4.0) };
    let height = songs.len() as f64 * bar;
    let has_reference = songs
        .iter()
        .any(|s| s.decisions.accuracy_reference.is_some());
    let below = TOP + height + BOTTOM;
    let mut svg = Svg::new(
        WIDE,
        below + if has_reference { 3.0 } else { 0.5 } * LEGEND_ROW,
    );
    let axes = Axes {
        area: [label, TOP, WIDE - label - LEFT, height],
        x: [0.0, 1.0],
        y: [0.0, songs.len() as f64],
    };
    let bare = Axes {
        y: [0.0, 0.0],
        ..axes
    };
    bare.draw(&mut svg, "accuracy of the causal decisions", "");
    for (row, song) in songs.iter().enumerate() {
        let y = TOP + row as f64 * bar;
        let width = axes.x(song.decisions.accuracy_causal) - label;
        let room = bar / 8.0;
        svg.area(SERIES[0], 0.75, [label, y + room, width, bar - 2.0 * room]);
        if named {
            svg.text(
                Anchor::End,
                label - 6.0,
                y + bar - 4.0,
                &shortened(&song.name),
            );
        }
        if let Some(accuracy) = song.decisions.accuracy_reference {
            let x = axes.x(accuracy);
            svg.area(SERIES[1], 1.0, [x - 1.5, y, 3.0, bar]);
        }
    }
    if has_reference {
        let names = [("checkpoint", 0), ("reference system", 1)];
        let names = names.map(|(name, index)| (name.to_owned(), colour(index)));
        legend(&mut svg, label, below + LEGEND_ROW, &names);
    }
    svg
}

/// Names that differ only in their ends stay different.
fn shortened(name: &str) -> String {
    const MAX: usize = 28;
    const END: usize = 12;
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= MAX {
        return name.to_owned();
    }
    let start = letters.iter().take(MAX - END - 1);
    let end = letters.iter().skip(letters.len() - END);
    start.chain(&['…']).chain(end).collect()
}

/// Spectrogram, labels, decisions and probability on one time scale.
fn song(shown: &Shown, picture: &MelPicture, reference: Option<&str>) -> Svg {
    let (mel, lane, probability) = (160.0, 16.0, 150.0);
    let (left, width) = (110.0, WIDE - 130.0);
    let mut lanes = vec![
        ("labels".to_owned(), &shown.labelled, SERIES[2]),
        ("decided".to_owned(), &shown.decided, SERIES[0]),
    ];
    if let (Some(name), Some(spans)) = (reference, &shown.reference) {
        lanes.push((name.chars().take(14).collect(), spans, SERIES[1]));
    }
    let lanes_top = TOP + mel + 8.0;
    let curve_top = lanes_top + lanes.len() as f64 * lane + 12.0;
    let mut svg = Svg::new(WIDE, curve_top + probability + BOTTOM);
    svg.png(&picture.png, [left, TOP, width, mel]);
    svg.text(Anchor::End, left - 6.0, TOP + 10.0, "8 kHz");
    svg.text(Anchor::End, left - 6.0, TOP + mel, "27 Hz");
    let axes = Axes {
        area: [left, curve_top, width, probability],
        x: [0.0, shown.duration_s],
        y: [0.0, 1.0],
    };
    for (row, (name, spans, colour)) in lanes.iter().enumerate() {
        let y = lanes_top + row as f64 * lane;
        svg.text(Anchor::End, left - 6.0, y + 12.0, name);
        if spans.is_empty() {
            svg.text(Anchor::Start, left + 4.0, y + 12.0, "no voice");
        }
        for [from_s, to_s] in spans.iter() {
            let (x, end) = (axes.x(*from_s), axes.x(to_s.min(shown.duration_s)));
            svg.area(colour, 0.85, [x, y + 2.0, end - x, lane - 4.0]);
        }
    }
    axes.draw(&mut svg, "s", "");
    svg.text(
        Anchor::End,
        left - 28.0,
        curve_top + probability / 2.0,
        "p(voice)",
    );
    let reenter = shown.reenter.map(|reenter| ("re-enter", reenter, 12.0));
    let others = [("enter", shown.enter, -4.0), ("leave", shown.leave, 12.0)];
    for (name, threshold, below) in others.into_iter().chain(reenter) {
        let y = axes.y(f64::from(threshold));
        svg.line("mark", [left, y, left + width, y]);
        let name = format!("{name} {threshold:.2}");
        svg.text(Anchor::End, left + width - 4.0, y + below, &name);
    }
    let points = shown
        .p
        .iter()
        .enumerate()
        .map(|(window, &p)| axes.at(shown.first_s + window as f64 * shown.hop_s, f64::from(p)));
    svg.polyline("line", SERIES[0], points);
    svg
}
