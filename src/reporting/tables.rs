//! Tables of a report, and their form for a terminal.

use crate::evaluation::events::EventFigures;
use crate::evaluation::figures::Figures;
use crate::evaluation::songs::Song;
use crate::evaluation::stress::{AtLevel, NoVoice, Stress, StressFigures, WithoutTreble};
use crate::reporting::report::{CorpusAbout, Report};

/// The cell of a figure that was not measured.
const NOT_MEASURED: &str = "–";
/// The title of the table with one row per track.
pub const SONGS: &str = "Songs";

/// A table of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Heading.
    pub title: &'static str,
    /// Explanation; may be empty.
    pub note: &'static str,
    /// Names of the columns.
    pub head: Vec<&'static str>,
    /// Cells, as many in each row as in `head`.
    pub rows: Vec<Vec<String>>,
    /// Index of the first column of numbers; all columns after it are numbers too.
    pub numbers_from: usize,
}

impl Table {
    /// Title and cells for a terminal, with aligned columns.
    pub fn text(&self) -> String {
        let head = self.head.iter().map(|cell| (*cell).to_owned()).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().map(|line| line[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |cells: &&Vec<String>| {
            let cells = cells.iter().zip(&widths).enumerate();
            let padded = cells.map(|(column, (cell, &width))| {
                if column < self.numbers_from {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        let body: String = lines.iter().map(line).collect();
        format!("{}\n{body}", self.title)
    }
}

/// Every table of a report that has rows.
pub fn all(report: &Report) -> Vec<Table> {
    let mut tables = vec![
        corpora(report),
        decisions(&report.figures),
        events(&report.figures),
    ];
    if let Some(stress) = &report.stress {
        tables.extend(stressed(stress));
    }
    tables.push(songs(report));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// The tables for a terminal: all but that of the songs.
pub fn summary(report: &Report) -> Vec<Table> {
    let mut tables = all(report);
    tables.retain(|table| table.title != SONGS);
    tables
}

fn corpora(report: &Report) -> Table {
    let row = |c: &CorpusAbout| {
        vec![
            c.name.clone(),
            c.tracks.to_string(),
            number(c.minutes, 1),
            percent(c.labelled_share),
            percent(c.voice_share),
        ]
    };
    Table {
        title: "Corpora",
        note: "",
        head: vec!["corpus", "tracks", "minutes", "labelled", "voice"],
        rows: report.corpora.iter().map(row).collect(),
        numbers_from: 1,
    }
}

fn decisions(figures: &[Figures]) -> Table {
    let row = |f: &Figures| {
        let [mean, low, high] = f.track_accuracy;
        let mut row = detector(f);
        row.extend([
            f.windows.to_string(),
            number(f.accuracy, 3),
            format!(
                "{} [{}, {}]",
                number(mean, 3),
                number(low, 3),
                number(high, 3)
            ),
            number(f.precision, 3),
            number(f.recall, 3),
            number(f.f1, 3),
            number(f.false_positive_rate, 3),
            number(f.auroc, 3),
            number(f.always_voice_accuracy, 3),
        ]);
        row
    };
    Table {
        title: "Decisions",
        note: "Over all decisions of a corpus; by track: the mean over tracks with the 95 % interval of a \
               bootstrap over tracks. Always: the accuracy of the constant decision \"voice\". Raw: each \
               probability against the threshold. Median: the centred median of 0.8 s, not possible \
               live. Causal: as the daemon publishes.",
        head: vec![
            "corpus",
            "detector",
            "look-ahead",
            "decisions",
            "count",
            "accuracy",
            "by track",
            "precision",
            "recall",
            "F1",
            "FPR",
            "AUROC",
            "always",
        ],
        rows: figures.iter().map(row).collect(),
        numbers_from: 4,
    }
}

fn events(figures: &[Figures]) -> Table {
    let found = |e: &EventFigures| format!("{}/{}", e.found, e.labelled);
    let delay = |e: &EventFigures| {
        format!(
            "{} / {}",
            number(e.delay_median_s, 2),
            number(e.delay_p95_s, 2)
        )
    };
    let error = |e: &EventFigures| {
        format!(
            "{} / {}",
            signed(e.t_error_median_s, 2),
            number(e.t_error_p95_s, 2)
        )
    };
    let row = |f: &Figures| {
        let mut row = detector(f);
        for e in [&f.onsets, &f.offsets] {
            row.extend([found(e), e.false_alarms.to_string(), delay(e), error(e)]);
        }
        row.extend([
            number(f.events_per_minute, 1),
            number(f.labelled_events_per_minute, 1),
            number(f.false_voice_s_per_hour, 1),
        ]);
        row
    };
    Table {
        title: "Onsets and offsets",
        note: "Detected and labelled changes are matched one to one within 1 s. Delay: from the labelled \
               change to the earliest possible report, with look-ahead and confirmation, without computing \
               time; median / 95th percentile in seconds. Error of t: the estimated time minus the labelled \
               one; median / 95th percentile of its size. Events: onsets and offsets per minute. Voice s/h: \
               seconds of false voice per hour of tracks without voice.",
        head: vec![
            "corpus",
            "detector",
            "look-ahead",
            "decisions",
            "onsets found",
            "false",
            "delay",
            "error of t",
            "offsets found",
            "false",
            "delay",
            "error of t",
            "events",
            "labelled",
            "voice s/h",
        ],
        rows: figures.iter().map(row).collect(),
        numbers_from: 4,
    }
}

fn detector(f: &Figures) -> Vec<String> {
    vec![
        f.corpus.clone(),
        f.detector.clone(),
        f.lookahead_s
            .map_or(NOT_MEASURED.into(), |s| format!("{s:.2} s")),
        f.smoothing.name().to_owned(),
    ]
}

fn stressed(stress: &Stress) -> [Table; 4] {
    let no_voice = |n: &NoVoice| {
        vec![
            n.kind.clone(),
            n.name.clone(),
            n.windows.to_string(),
            percent(n.voice_raw),
            percent(n.voice_causal),
        ]
    };
    let row = |corpus: &str, setting: String, figures: &StressFigures| {
        vec![
            corpus.to_owned(),
            setting,
            figures.windows.to_string(),
            number(figures.accuracy_raw, 3),
            number(figures.accuracy_causal, 3),
            number(figures.recall_causal, 3),
            number(figures.false_positive_rate_causal, 3),
        ]
    };
    let level = |a: &AtLevel| row(&a.corpus, format!("{:+} dB", a.db), &a.figures);
    let levels = |rows: &[AtLevel]| rows.iter().map(level).collect();
    let treble = |a: &WithoutTreble| row(&a.corpus, format!("to {} Hz", a.up_to_hz), &a.figures);
    let corpora = |title, note, setting, rows| Table {
        title,
        note,
        head: vec![
            "corpus",
            setting,
            "count",
            "raw accuracy",
            "causal accuracy",
            "causal recall",
            "causal FPR",
        ],
        rows,
        numbers_from: 1,
    };
    [
        Table {
            title: "Sound without singing",
            note: "Share of the decisions that are voice. Speech is not singing.",
            head: vec!["kind", "sound", "count", "raw", "causal"],
            rows: stress.no_voice.iter().map(no_voice).collect(),
            numbers_from: 2,
        },
        corpora(
            "Gain",
            "The same tracks at other levels, with the frozen thresholds.",
            "level",
            levels(&stress.gain),
        ),
        corpora(
            "Voice to music",
            "Stems remixed: power of the voice in its frames against the music in the same frames.",
            "level",
            levels(&stress.voice_to_music),
        ),
        corpora(
            "Without treble",
            "The same tracks with nothing above a frequency.",
            "treble",
            stress.treble.iter().map(treble).collect(),
        ),
    ]
}

fn songs(report: &Report) -> Table {
    let has_reference = report.reference.is_some();
    let mut head = vec![
        "corpus", "song", "count", "voice", "raw", "median", "causal",
    ];
    head.extend(has_reference.then_some("reference"));
    let row = |s: &Song| {
        let mut row = vec![
            s.corpus.clone(),
            s.name.clone(),
            s.windows.to_string(),
            percent(s.voice_share),
            number(s.accuracy_raw, 3),
            number(s.accuracy_median, 3),
            number(s.accuracy_causal, 3),
        ];
        let reference = s.accuracy_reference;
        row.extend(has_reference.then(|| number(reference.unwrap_or(f64::NAN), 3)));
        row
    };
    Table {
        title: SONGS,
        note: "Accuracy of each track.",
        head,
        rows: report.songs.iter().map(row).collect(),
        numbers_from: 2,
    }
}

fn number(x: f64, digits: usize) -> String {
    match x.is_finite() {
        true => format!("{x:.digits$}"),
        false => NOT_MEASURED.into(),
    }
}

fn signed(x: f64, digits: usize) -> String {
    match x.is_finite() {
        true => format!("{x:+.digits$}"),
        false => NOT_MEASURED.into(),
    }
}

fn percent(share: f64) -> String {
    match share.is_finite() {
        true => format!("{:.1} %", share * 100.0),
        false => NOT_MEASURED.into(),
    }
}
