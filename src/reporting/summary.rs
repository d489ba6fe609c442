//! The report for a terminal: a headline, and two tables that fit 100 columns. All of it is about the detailed look-ahead;
//! the rest is in the written report.

use crate::evaluation::comparison::Comparison;
use crate::evaluation::decide::Smoothing;
use crate::evaluation::events::EventFigures;
use crate::evaluation::figures::Figures;
use crate::reporting::report::{CorpusAbout, Report};
use crate::reporting::stress_tables::stressed;
use crate::reporting::tables::{PUBLISHED_MARK, Table, interval, number, signed, speech};

/// Longest cell with a name.
const NAME_COLUMNS: usize = 16;
const DETECTOR_COLUMNS: usize = 10;
const MINUTES_PER_HOUR: f64 = 60.0;

/// The whole text.
pub fn text(report: &Report) -> String {
    let mut parts: Vec<String> = vec![headline(report)];
    let mut tables = vec![decisions(report), voices(report), speech(&report.speech)];
    if let Some(stress) = &report.stress {
        tables.extend(stressed(stress));
    }
    tables.retain(|table| !table.rows.is_empty());
    parts.extend(tables.iter().map(Table::text));
    parts.push(format!(
        "* as published. Collar: without the decisions within {} s of a labelled change. Every look-ahead, curves and \
         songs: --report DIR.\n",
        report.method.collar_s
    ));
    parts.join("\n")
}

fn headline(report: &Report) -> String {
    let mut text = format!(
        "{}, as published at a look-ahead of {:.2} s\n",
        report.model.name, report.model.lookahead_s
    );
    for clauses in headlines(report) {
        text += &format!("  {}\n", clauses.join("\n    "));
    }
    text
}

/// How good the published decision is on each corpus, in words: the clauses of a sentence.
pub(super) fn headlines(report: &Report) -> Vec<Vec<String>> {
    let corpora = report.corpora.iter().filter_map(|corpus| {
        let mut rows = report.figures.iter();
        let published = rows.find(|f| f.corpus == corpus.name && is_published(f, report))?;
        let mut comparisons = report.comparisons.iter();
        let comparison = comparisons.find(|c| c.corpus == corpus.name);
        Some(clauses(published, corpus, comparison))
    });
    corpora.collect()
}

fn clauses(f: &Figures, corpus: &CorpusAbout, comparison: Option<&Comparison>) -> Vec<String> {
    let tracks = match corpus.tracks {
        1 => "1 track".to_owned(),
        tracks => format!("{tracks} tracks"),
    };
    let mut right = format!(
        "{} ({tracks}, {} min): {} % right",
        corpus.name,
        number(corpus.minutes, 1),
        number(f.decisions.accuracy * 100.0, 1),
    );
    if f.outside_collar.windows > 0 && f.outside_collar.windows < f.decisions.windows {
        let accuracy = f.outside_collar.accuracy * 100.0;
        right += &format!(", {} % away from label changes", number(accuracy, 1));
    }
    let minutes = (1.0 - f.decisions.accuracy) * MINUTES_PER_HOUR;
    let mut wrong = format!("{} min wrong per hour", number(minutes, 1));
    if f.phrases.false_onsets_per_hour.is_finite() {
        let per_hour = f.phrases.false_onsets_per_hour;
        wrong += &format!(", {} false onsets per hour", number(per_hour, 0));
    }
    if f.phrases.labelled > 0 {
        let (missed, all) = (f.phrases.missed, f.phrases.labelled);
        wrong += &format!(", {missed} of {all} phrases missed");
    }
    let compared = comparison.map(|comparison| {
        let [points, low, high] = comparison.difference.map(|x| signed(x * 100.0, 1));
        let reference = &comparison.reference;
        format!("{points} points against {reference} [{low}, {high}], by song")
    });
    [right, wrong].into_iter().chain(compared).collect()
}

/// The decisions of the daemon at the detailed look-ahead.
fn is_published(f: &Figures, report: &Report) -> bool {
    report.is_published(f)
}

/// The rows at the detailed look-ahead.
fn detailed(report: &Report) -> impl Iterator<Item = &Figures> {
    let frames = report.model.horizon_frames;
    report
        .figures
        .iter()
        .filter(move |f| f.horizon_frames == frames)
}

fn decisions(report: &Report) -> Table {
    let row = |f: &Figures| {
        let (all, collar) = (&f.decisions, &f.outside_collar);
        let mut row = names(f, report);
        row.extend([
            number(all.accuracy, 3),
            interval(all),
            number(all.recall, 3),
            number(all.false_positive_rate, 3),
            number(all.auroc, 3),
            number(collar.accuracy, 3),
            number(collar.recall, 3),
            number(collar.false_positive_rate, 3),
        ]);
        row
    };
    Table {
        title: "Decisions",
        note: "",
        head: vec![
            "corpus",
            "decisions",
            "accuracy",
            "by song",
            "recall",
            "FPR",
            "AUROC",
            "collar",
            "recall",
            "FPR",
        ],
        rows: detailed(report).map(row).collect(),
        numbers_from: 2,
    }
}

fn voices(report: &Report) -> Table {
    let error = |e: &EventFigures| signed(e.t_error_median_s, 2);
    let row = |f: &Figures| {
        let (events, phrases) = (&f.sound_events, &f.phrases);
        let mut row = names(f, report);
        row.extend([
            format!("{}/{}", phrases.missed, phrases.labelled),
            number(phrases.false_onsets_per_hour, 0),
            number(f.decisions.false_voice_s_per_hour, 0),
            error(&f.onsets),
            error(&f.offsets),
            number(f.onsets.delay_median_s, 2),
            number(events.onset_f1, 2),
            number(events.onset_offset_f1, 2),
            number(events.segment_error_rate, 2),
        ]);
        row
    };
    Table {
        title: "Voices",
        note: "",
        head: vec![
            "corpus",
            "decisions",
            "missed",
            "false/h",
            "voice s/h",
            "on t",
            "off t",
            "delay",
            "F1 on",
            "F1 both",
            "seg ER",
        ],
        rows: detailed(report).map(row).collect(),
        numbers_from: 2,
    }
}

fn names(f: &Figures, report: &Report) -> Vec<String> {
    let name = match f.smoothing {
        Smoothing::AsGiven => shortened(&f.detector, DETECTOR_COLUMNS),
        smoothing => smoothing.name().to_owned(),
    };
    let mark = if is_published(f, report) {
        PUBLISHED_MARK
    } else {
        ""
    };
    vec![shortened(&f.corpus, NAME_COLUMNS), name + mark]
}

fn shortened(name: &str, columns: usize) -> String {
    match name.chars().count() > columns {
        true => name.chars().take(columns - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}
