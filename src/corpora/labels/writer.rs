//! Label files to write: the voice of a recording as text in one of the formats.

use super::{audacity, lab, lrc, subtitles, table, textgrid, xlights};

/// The voice of a recording, as writers need it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordingVoice {
    /// A title for people: the recording's name.
    pub title: String,
    /// Length of the recording in seconds.
    pub duration_s: f64,
    /// Start and end of each stretch of voice in seconds, in order of time and without overlap.
    pub voices: Vec<(f64, f64)>,
    /// Start and end of each stretch of speech, likewise; `None` leaves speech out.
    pub speech: Option<Vec<(f64, f64)>>,
    /// One decision every 71.43 ms; for `csv` only.
    pub decisions: Vec<Row>,
}

/// A row of a `csv` table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Time in seconds.
    pub t_s: f64,
    /// Probability of voice.
    pub p: f32,
    /// Whether there is a voice.
    pub voice: bool,
    /// Probability of speech, and whether there is any; in all rows or in none.
    pub speech: Option<(f32, bool)>,
}

/// A format of label files that can be written. All are UTF-8 without a byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenFormat {
    /// `start end sing|nosing` lines over the whole recording; with speech also `speech`, where nobody sings.
    Lab,
    /// A label track of Audacity: `start end voice` lines separated by tabs; with speech also `speech`.
    Audacity,
    /// `t,p,voice` rows, one per decision; with speech also `speech_p,speech`.
    Csv,
    /// A Praat TextGrid with the interval tier `voice`; with speech also `speech`.
    TextGrid,
    /// SubRip subtitles, a cue for each voice.
    Srt,
    /// WebVTT subtitles, a cue for each voice.
    Vtt,
    /// Lyrics with time stamps: a line for each voice, and an empty line at its end.
    Lrc,
    /// A timing track of xLights, a mark for each voice.
    XTiming,
}

impl WrittenFormat {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Lab,
        Self::Audacity,
        Self::Csv,
        Self::TextGrid,
        Self::Srt,
        Self::Vtt,
        Self::Lrc,
        Self::XTiming,
    ];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Audacity => "audacity",
            Self::Csv => "csv",
            Self::TextGrid => "textgrid",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Lrc => "lrc",
            Self::XTiming => "xtiming",
        }
    }

    /// The ending of file names, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Audacity => "txt",
            Self::Csv => "csv",
            Self::TextGrid => "TextGrid",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Lrc => "lrc",
            Self::XTiming => "xtiming",
        }
    }

    /// Whether its readers know singing alone.
    pub fn has_one_class(self) -> bool {
        matches!(self, Self::Lab | Self::Audacity)
    }

    /// The text of a label file.
    #[must_use]
    pub fn write(self, voice: &RecordingVoice) -> String {
        match self {
            Self::Lab => lab::write(voice),
            Self::Audacity => audacity::write(voice),
            Self::Csv => table::write(voice),
            Self::TextGrid => textgrid::write(voice),
            Self::Srt => subtitles::write_srt(voice),
            Self::Vtt => subtitles::write_vtt(voice),
            Self::Lrc => lrc::write(voice),
            Self::XTiming => xlights::write(voice),
        }
    }
}

/// Hours, minutes, seconds and milliseconds of a time in seconds; a negative time is 0.
pub(super) fn clock(t_s: f64) -> (u64, u64, u64, u64) {
    let ms = (t_s.max(0.0) * 1000.0).round() as u64;
    (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}
