//! Errors of label files.

use std::fmt;

/// A problem of a label file, without its path.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum LabelError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file is too large for labels.
    #[error("is {mib} MiB large; a file of labels has at most {most_mib} MiB")]
    TooLarge { mib: u64, most_mib: u64 },
    /// The bytes are no text.
    #[error("is not a text file (UTF-8, UTF-16 or Windows-1252)")]
    NotText,
    /// A binary file of Praat.
    #[error("is a binary file of Praat: save it as a text file")]
    BinaryPraat,
    /// A faulty label.
    #[error("{place} {fault}")]
    Fault { place: Place, fault: Fault },
    /// There is nothing in the file.
    #[error("is empty")]
    Empty,
    /// No label has a duration.
    #[error("has {points} point labels and no label with a duration")]
    OnlyPoints { points: u64 },
    /// No label has a known word.
    #[error(
        "none of its words is known as voice or as no voice: {words} (`voice_words` and `no_voice_words`, or \
         --voice-words and --no-voice-words, add words)"
    )]
    NoKnownWord { words: String },
    /// A word is configured as voice and as no voice.
    #[error("`{word}` is both in `voice_words` and in `no_voice_words`")]
    BothWords { word: String },
    /// A table is too short.
    #[error("has fewer than two rows")]
    Rows,
    /// The columns of a table cannot be assigned.
    #[error(
        "the columns `{header}` are neither `t,voice`, `t,p,voice` nor `start,end,label`: name them so in the first line"
    )]
    Columns { header: String },
    /// A file of RWC without its last line.
    #[error("has no `e` or END: it is cut off")]
    NoEnd,
    /// An UltraStar file without a tempo.
    #[error("has no valid #BPM")]
    NoTempo,
    /// An UltraStar file whose start is no number.
    #[error("has a #GAP that is not a number of milliseconds")]
    NoGap,
    /// A key of an UltraStar file whose values contradict each other.
    #[error("has several lines `#{key}` with different values")]
    SeveralValues { key: &'static str },
    /// An UltraStar file whose beats may be relative or not.
    #[error("has a #RELATIVE that is neither YES nor NO")]
    NotRelative,
    /// An UltraStar file without a sung note.
    #[error("has no notes")]
    NoNotes,
    /// Lyrics whose pauses are unknown.
    #[error(
        "states where lines begin but not where they end (no empty lines, no `<mm:ss.xx>` at the ends of lines), so \
         pauses are unknown"
    )]
    NoEnds,
    /// The text is not in the format.
    #[error("is not {form}: {reason}")]
    Format { form: &'static str, reason: String },
    /// No tier has the required name.
    #[error("has no tier `{tier}`; it has {available}")]
    NoTier { tier: String, available: String },
    /// Several tiers hold known words.
    #[error(
        "has several tiers with voice labels: {available} (`tier`, or --label-tier, chooses one)"
    )]
    SeveralTiers { available: String },
}

/// A part of a label file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Of what: `line` or `observation`.
    pub unit: &'static str,
    /// Counted from 1.
    pub number: u64,
}

impl Place {
    /// A line, counted from 1.
    pub(crate) fn line(number: u64) -> Self {
        Self {
            unit: "line",
            number,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.unit, self.number)
    }
}

/// What is wrong with a label.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum Fault {
    /// Another form than the format requires.
    #[error("is not {form}")]
    Malformed { form: &'static str },
    /// The end lies before the start.
    #[error("ends at {to_s} s, before its start at {from_s} s")]
    EndBeforeStart { from_s: f64, to_s: f64 },
    /// A time before the recording.
    #[error("has the negative time {at_s} s")]
    Negative { at_s: f64 },
    /// NaN or infinite.
    #[error("has a time that is not a finite number")]
    NotFinite,
    /// No recording is that long.
    #[error("has the time {at_s} s, later than the end of any recording; times are in seconds")]
    TooLate { at_s: f64 },
    /// Two labels overlap.
    #[error("overlaps {other}: two labels cover {at_s} s")]
    Overlap { other: Place, at_s: f64 },
    /// Earlier than the line before.
    #[error("goes back in time")]
    Backwards,
    /// A value that must be binary.
    #[error("has `{word}`, which is neither 0 nor 1")]
    NotBinary { word: String },
    /// A probability outside 0 to 1.
    #[error("has a p beyond 0 to 1")]
    Probability,
}
