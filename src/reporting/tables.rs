//! Tables of a report, and their form for a terminal.

use crate::evaluation::decision_figures::DecisionFigures;
use crate::evaluation::events::EventFigures;
use crate::evaluation::figures::Figures;
use crate::evaluation::songs::{Song, SongFigures};
use crate::evaluation::speech_figures::SpeechFigures;
use crate::reporting::report::{CorpusAbout, Report};
use crate::reporting::stress_tables::stressed;

/// The cell of a figure that was not measured.
const NOT_MEASURED: &str = "–";

/// What follows the name of the decisions that the daemon publishes.
pub(super) const PUBLISHED_MARK: &str = " *";

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
        decisions(report, "Decisions", DECISIONS, |f| &f.decisions),
        decisions(
            report,
            "Decisions outside the collar",
            OUTSIDE_COLLAR,
            |f| &f.outside_collar,
        ),
        events(report),
        voices(report),
        speech(&report.speech),
    ];
    if let Some(stress) = &report.stress {
        tables.extend(stressed(stress));
    }
    tables.push(songs(report));
    tables.retain(|table| !table.rows.is_empty());
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

const DECISIONS: &str = "Over all decisions of a corpus; by song: the mean over songs with the 95 % interval of a \
                         bootstrap over songs. Always: the accuracy of the constant decision \"voice\". Raw: each \
                         probability against the threshold. Median: the centred median of 0.8 s, not possible \
                         live. Causal: as the daemon publishes; * at the detailed look-ahead. Voice s/h: seconds of false voice per hour of \
                         tracks without voice.";
const OUTSIDE_COLLAR: &str = "The same without the decisions near a change of the labels; report.json has the \
                              collar's width.";

fn decisions(
    report: &Report,
    title: &'static str,
    note: &'static str,
    part: impl Fn(&Figures) -> &DecisionFigures,
) -> Table {
    let row = |f: &Figures| {
        let d = part(f);
        let mut row = detector(f, report);
        row.extend([
            d.windows.to_string(),
            number(d.accuracy, 3),
            format!("{} {}", number(d.track_accuracy[0], 3), interval(d)),
            number(d.precision, 3),
            number(d.recall, 3),
            number(d.f1, 3),
            number(d.false_positive_rate, 3),
            number(d.auroc, 3),
            number(d.always_voice_accuracy, 3),
            number(d.false_voice_s_per_hour, 1),
        ]);
        row
    };
    Table {
        title,
        note,
        head: vec![
            "corpus",
            "detector",
            "look-ahead",
            "decisions",
            "count",
            "accuracy",
            "by song",
            "precision",
            "recall",
            "F1",
            "FPR",
            "AUROC",
            "always",
            "voice s/h",
        ],
        rows: report.figures.iter().map(row).collect(),
        numbers_from: 4,
    }
}

/// The 95 % interval of the mean over songs.
pub(super) fn interval(d: &DecisionFigures) -> String {
    let [_, low, high] = d.track_accuracy;
    format!("[{}, {}]", number(low, 3), number(high, 3))
}

fn events(report: &Report) -> Table {
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
        let mut row = detector(f, report);
        for e in [&f.onsets, &f.offsets] {
            row.extend([found(e), e.false_alarms.to_string(), delay(e), error(e)]);
        }
        row.extend([
            number(f.events_per_minute, 1),
            number(f.labelled_events_per_minute, 1),
        ]);
        row
    };
    Table {
        title: "Onsets and offsets",
        note: "Detected and labelled changes are matched one to one within 1 s. Delay: from the labelled \
               change to the earliest possible report, with look-ahead and confirmation, without computing \
               time; median / 95th percentile in seconds. Error of t: the estimated time minus the labelled \
               one; median / 95th percentile of its size. Events: onsets and offsets per minute.",
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
        ],
        rows: report.figures.iter().map(row).collect(),
        numbers_from: 4,
    }
}

fn voices(report: &Report) -> Table {
    let row = |f: &Figures| {
        let mut row = detector(f, report);
        let (events, phrases) = (&f.sound_events, &f.phrases);
        row.extend([
            format!("{}/{}", phrases.missed, phrases.labelled),
            number(phrases.false_onsets_per_hour, 1),
            events.labelled.to_string(),
            events.detected.to_string(),
            number(events.onset_f1, 3),
            number(events.onset_offset_f1, 3),
            number(events.segment_f1, 3),
            number(events.segment_error_rate, 3),
        ]);
        row
    };
    Table {
        title: "Phrases and sound events",
        note: "Missed: labelled phrases without any detected voice; pauses under 0.5 s do not end a phrase. False \
               onsets: detected voices that touch no labelled one, per hour of sound. Onset F1: voices whose \
               onset is within 0.2 s; both F1: and whose offset is within 0.2 s or half the voice's length. \
               Segments are of 1 s; their error rate is relative to those with a voice.",
        head: vec![
            "corpus",
            "detector",
            "look-ahead",
            "decisions",
            "missed",
            "false onsets/h",
            "labelled",
            "detected",
            "onset F1",
            "both F1",
            "segment F1",
            "segment errors",
        ],
        rows: report.figures.iter().map(row).collect(),
        numbers_from: 4,
    }
}

/// What the output for speech calls speech, and what is published as a voice.
pub(super) fn speech(figures: &[SpeechFigures]) -> Table {
    let row = |f: &SpeechFigures| {
        let shares = [&f.talk, &f.singing, &f.neither];
        let mut row = vec![f.corpus.clone(), number(f.auroc, 3)];
        row.extend(shares.map(|s| percent(s.as_speech)));
        row.extend([&f.talk, &f.singing].map(|s| percent(s.as_voice)));
        row.extend([&f.talk, &f.singing].map(|s| percent(s.as_voice_without_suppression)));
        row
    };
    Table {
        title: "Speech",
        note: "As published. Called speech: of the decisions where somebody speaks by the labels (talk), where somebody \
               sings and nobody speaks (singing), and where nobody does either (neither). Called voice: the same, also \
               without the suppression of voice by speech.",
        head: vec![
            "corpus",
            "AUROC",
            "called speech: talk",
            "singing",
            "neither",
            "called voice: talk",
            "singing",
            "unsuppressed: talk",
            "singing",
        ],
        rows: figures.iter().map(row).collect(),
        numbers_from: 1,
    }
}

fn detector(f: &Figures, report: &Report) -> Vec<String> {
    let mark = if report.is_published(f) {
        PUBLISHED_MARK
    } else {
        ""
    };
    vec![
        f.corpus.clone(),
        f.detector.clone(),
        f.lookahead_s
            .map_or(NOT_MEASURED.into(), |s| format!("{s:.2} s")),
        f.smoothing.name().to_owned() + mark,
    ]
}

fn songs(report: &Report) -> Table {
    let has_reference = report.reference.is_some();
    let mut head = vec![
        "corpus", "song", "count", "voice", "raw", "median", "causal",
    ];
    head.extend(has_reference.then_some("reference"));
    head.extend(["collar: raw", "median", "causal"]);
    head.extend(has_reference.then_some("reference"));
    let accuracies = |f: &SongFigures| {
        let mut cells = vec![
            number(f.accuracy_raw, 3),
            number(f.accuracy_median, 3),
            number(f.accuracy_causal, 3),
        ];
        let reference = f.accuracy_reference;
        cells.extend(has_reference.then(|| number(reference.unwrap_or(f64::NAN), 3)));
        cells
    };
    let row = |s: &Song| {
        let mut row = vec![
            s.corpus.clone(),
            s.name.clone(),
            s.decisions.windows.to_string(),
            percent(s.decisions.voice_share),
        ];
        row.extend(accuracies(&s.decisions));
        row.extend(accuracies(&s.outside_collar));
        row
    };
    Table {
        title: "Songs",
        note: "Accuracy of each track, over all decisions and outside the collar.",
        head,
        rows: report.songs.iter().map(row).collect(),
        numbers_from: 2,
    }
}

pub(super) fn number(x: f64, digits: usize) -> String {
    match x.is_finite() {
        true => format!("{x:.digits$}"),
        false => NOT_MEASURED.into(),
    }
}

pub(super) fn signed(x: f64, digits: usize) -> String {
    match x.is_finite() {
        true => format!("{x:+.digits$}"),
        false => NOT_MEASURED.into(),
    }
}

pub(super) fn percent(share: f64) -> String {
    match share.is_finite() {
        true => format!("{:.1} %", share * 100.0),
        false => NOT_MEASURED.into(),
    }
}
