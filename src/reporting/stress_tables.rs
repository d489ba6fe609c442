//! Tables of the stress tests.

use crate::evaluation::stress::{AtLevel, NoVoice, Stress, StressFigures, WithoutTreble};
use crate::reporting::tables::{Table, number, percent};

/// One table for each test.
pub(super) fn stressed(stress: &Stress) -> [Table; 4] {
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
