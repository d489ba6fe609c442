//! The worst moments as rows for the pages.

use crate::reporting::clip::Clip;
use crate::reporting::report::Report;

/// Heading.
pub const TITLE: &str = "Worst moments";
/// Explanation.
pub const NOTE: &str = "The longest stretches in which the published decisions contradict the labels, at most three of a \
                        track. A clip begins 2 s earlier and is cut after 8 s. A surprising moment may be a wrong label.";

/// A moment, for people.
pub struct MomentRow {
    /// Corpus and track.
    pub track: String,
    /// What is wrong.
    pub error: &'static str,
    /// Start and end in minutes and seconds.
    pub span: String,
    /// Duration.
    pub duration: String,
    /// File of its sound, beside the report.
    pub clip: String,
    /// Start of the moment in the clip.
    pub clip_at: String,
}

/// A row for each moment.
pub fn rows(report: &Report, clips: &[Clip]) -> Vec<MomentRow> {
    let moments = report.moments.iter().zip(clips).enumerate();
    let several = report.corpora.len() > 1;
    let row = moments.map(|(index, (moment, clip))| MomentRow {
        track: match several {
            true => format!("{}: {}", moment.corpus, moment.name),
            false => moment.name.clone(),
        },
        error: moment.error.name(),
        span: format!("{} – {}", clock(moment.from_s), clock(moment.to_s)),
        duration: format!("{:.1} s", moment.duration_s()),
        clip: Report::clip_name(index),
        clip_at: format!("at {:.1} s", moment.from_s - clip.from_s),
    });
    row.collect()
}

fn clock(s: f64) -> String {
    format!("{}:{:04.1}", (s / 60.0) as u64, s % 60.0)
}
