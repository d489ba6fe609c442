//! Labels of a recording, and the three file formats that `vocald detect` writes: `.lab` ([`lab`]),
//! Audacity's `.txt` ([`audacity`]) and `.csv` ([`table`]).

pub mod audacity;
pub mod lab;
mod lrc;
mod subtitles;
pub mod table;
mod textgrid;
mod writer;

use std::path::{Path, PathBuf};

use crate::corpora::CorpusProblem;
use crate::corpora::files::stem;
pub use crate::corpora::labels::writer::{RecordingVoice, Row, WrittenFormat};
use crate::corpora::recording::Recording;
use crate::corpora::stems::sounding;
use crate::frontend::window::frame_time_s;

/// Extensions of the three formats.
pub(super) const EXTENSIONS: [&str; 3] = ["lab", "txt", "csv"];
/// Largest hole between the end of a label and the start of the next that rounding of times explains.
const ROUNDING_S: f64 = 1e-3;

/// A stretch of a recording, labelled throughout as voice or as no voice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Start in seconds.
    pub from_s: f64,
    /// End in seconds; infinite for the last row of a table.
    pub to_s: f64,
    /// Whether there is a voice.
    pub voice: bool,
}

/// The label at a time in seconds; `None` outside all spans.
pub fn voice_at(spans: &[Span], t_s: f64) -> Option<bool> {
    let covers = |s: &&Span| (s.from_s..s.to_s + ROUNDING_S).contains(&t_s);
    spans.iter().find(covers).map(|s| s.voice)
}

/// A problem of a label file, without its path.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum LabelError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A line has another form than its format requires.
    #[error("line {line} is not {form}")]
    Line { line: u64, form: &'static str },
    /// There is nothing in the file.
    #[error("is empty")]
    Empty,
    /// Two labels overlap.
    #[error("two labels cover {at_s} s")]
    Overlap { at_s: f64 },
    /// A table is too short or not sorted.
    #[error("holds fewer than two rows, or their times do not rise")]
    Rows,
    /// A value of MIR-1K is not binary.
    #[error("`{word}` is neither 0 nor 1")]
    NotBinary { word: String },
    /// A line of RWC does not begin with a time.
    #[error("line {line} does not begin with seconds")]
    NoSeconds { line: u64 },
    /// A line of RWC is earlier than the one before.
    #[error("line {line} goes back in time")]
    Backwards { line: u64 },
    /// A class of RWC that its annotation does not define.
    #[error("line {line}: `{class}` is no known class")]
    Class { line: u64, class: String },
    /// A file of RWC without its last line.
    #[error("has no END: it is cut off")]
    NoEnd,
    /// An UltraStar file without a tempo.
    #[error("has no valid #BPM")]
    NoTempo,
    /// An UltraStar file with relative beats.
    #[error("counts beats from line to line (#RELATIVE), which is not supported")]
    Relative,
    /// An UltraStar file without a sung note.
    #[error("has no notes")]
    NoNotes,
}

/// The labels of one recording.
pub(super) enum Labels {
    /// Start and end of each voice in seconds; everything else is without a voice.
    Voices(Vec<(f64, f64)>),
    /// Spans with and without a voice; everything else is unknown.
    Spans(Vec<Span>),
    /// A value every `hop_s` seconds, the first at `first_s`.
    Grid {
        first_s: f64,
        hop_s: f64,
        voice: Vec<bool>,
    },
    /// Voice wherever the voice's own recording is loud.
    VoiceEnergy,
    /// No voice anywhere.
    NoVoice,
}

impl Labels {
    /// A label for each frame of a recording, up to the last one that is known. `voice` is the recording
    /// whose energy decides, if the labels are to be found by energy.
    pub(super) fn of_frames(&self, frames: usize, voice: &Recording) -> Vec<Option<bool>> {
        let times = (0..frames).map(frame_time_s);
        let mut labels: Vec<Option<bool>> = match self {
            Self::NoVoice => vec![Some(false); frames],
            Self::VoiceEnergy => sounding(voice, frames).into_iter().map(Some).collect(),
            Self::Voices(voices) => times
                .map(|t| Some(voices.iter().any(|&(from, to)| (from..to).contains(&t))))
                .collect(),
            Self::Spans(spans) => times.map(|t| voice_at(spans, t)).collect(),
            Self::Grid {
                first_s,
                hop_s,
                voice,
            } => {
                let last = voice.len().saturating_sub(1);
                let index = |t: f64| (((t - first_s) / hop_s).round().max(0.0) as usize).min(last);
                times.map(|t| Some(voice[index(t)])).collect()
            }
        };
        let known = labels.iter().rposition(Option::is_some);
        labels.truncate(known.map_or(0, |last| last + 1));
        labels
    }
}

/// Parses a label file with a parser of its format.
pub(super) fn read_with<T>(
    path: &Path,
    parse: impl Fn(&str) -> Result<T, LabelError>,
) -> Result<T, CorpusProblem> {
    let text = std::fs::read_to_string(path).map_err(LabelError::from);
    text.and_then(|text| parse(&text))
        .map_err(|reason| CorpusProblem::Labels {
            path: path.into(),
            reason,
        })
}

/// The labels in the one file named `name`; `None` without such a file.
pub(super) fn named(labels: &[PathBuf], name: &str) -> Result<Option<Labels>, CorpusProblem> {
    let found: Vec<_> = labels.iter().filter(|l| stem(l) == name).collect();
    match found[..] {
        [] => Ok(None),
        [path] => read_with(path, |text| parse(path, text)).map(Some),
        _ => Err(CorpusProblem::SeveralLabels { track: name.into() }),
    }
}

/// Parses labels in the format that the extension of `path` names.
fn parse(path: &Path, text: &str) -> Result<Labels, LabelError> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match extension.to_ascii_lowercase().as_str() {
        "lab" => lab::parse(text).map(Labels::Spans),
        "csv" => table::parse(text).map(Labels::Spans),
        // Every other name of `EXTENSIONS`: a label track of Audacity, `txt`.
        _ => audacity::parse(text).map(Labels::Voices),
    }
}

/// Reads a file in one of the three formats as spans; Audacity's has spans with a voice only.
///
/// # Errors
/// If the file cannot be read or parsed.
pub fn read_spans(path: &Path) -> Result<Vec<Span>, LabelError> {
    let text = std::fs::read_to_string(path)?;
    Ok(match parse(path, &text)? {
        Labels::Spans(spans) => spans,
        Labels::Voices(voices) => voices
            .into_iter()
            .map(|(from_s, to_s)| Span {
                from_s,
                to_s,
                voice: true,
            })
            .collect(),
        _ => Vec::new(),
    })
}

/// Start and end in seconds, in this order.
fn times<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<(f64, f64)> {
    let mut next = || words.next()?.parse::<f64>().ok().filter(|t| t.is_finite());
    let (from_s, to_s) = (next()?, next()?);
    (from_s <= to_s).then_some((from_s, to_s))
}

/// Lines that are not blank, with their numbers, which count from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    let lines = (1..).zip(text.lines());
    lines.filter(|(_, line)| !line.trim().is_empty())
}
