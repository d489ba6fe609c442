//! Label formats as text.

use serde::Serialize;

use crate::cli::detect::record::PathText;
use crate::corpora::labels::{RecordingVoice, Row as CsvRow, WrittenFormat};
use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES};
use crate::pipeline::labels::{Labels, Voice};

/// A format in which labels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A format of label files.
    LabelFile(WrittenFormat),
    /// Events, decisions and their origin.
    Json,
}

impl Format {
    /// Every format with its word on the command line.
    pub fn all() -> Vec<(&'static str, Self)> {
        let files = WrittenFormat::ALL.into_iter().map(Self::LabelFile);
        let all = files.chain([Self::Json]);
        all.map(|format| (format.name(), format)).collect()
    }

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::LabelFile(format) => format.name(),
            Self::Json => "json",
        }
    }

    /// The ending of file names, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::LabelFile(format) => format.extension(),
            Self::Json => "json",
        }
    }

    /// The labels as text.
    pub fn write(self, labels: &Labels) -> anyhow::Result<String> {
        match self {
            Self::LabelFile(format) => Ok(format.write(&voice(labels))),
            Self::Json => json(labels),
        }
    }
}

fn voice(labels: &Labels) -> RecordingVoice {
    let path = labels.input.path();
    let voices = labels.voices.iter();
    let decisions = labels.decisions.iter();
    RecordingVoice {
        title: path
            .file_stem()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into(),
        duration_s: labels.duration_s,
        voices: voices
            .map(|voice| (voice.onset.t, voice.offset.t))
            .collect(),
        decisions: decisions
            .map(|d| CsvRow {
                t_s: d.t_s,
                p: d.p,
                voice: d.voice,
            })
            .collect(),
    }
}

/// Times in seconds, as in the messages of `run`.
#[derive(Serialize)]
struct Json<'a> {
    v: u32,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_percent: Option<String>,
    duration: f64,
    rate_hz: u32,
    channels: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    version: &'static str,
    model: &'a str,
    lookahead: f64,
    hop: f64,
    voice_share: f64,
    events: Vec<Event>,
    decisions: Vec<Row>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    Onset {
        id: u64,
        t: f64,
        p: f32,
    },
    Offset {
        id: u64,
        t: f64,
        p: f32,
        duration: f64,
    },
}

#[derive(Serialize)]
struct Row {
    t: f64,
    p: f32,
    voice: bool,
}

fn json(labels: &Labels) -> anyhow::Result<String> {
    let events = labels.voices.iter().flat_map(|Voice { onset, offset }| {
        [
            Event::Onset {
                id: onset.id,
                t: onset.t,
                p: onset.p,
            },
            Event::Offset {
                id: offset.id,
                t: offset.t,
                p: offset.p,
                duration: offset.duration,
            },
        ]
    });
    let rows = labels.decisions.iter().map(|d| Row {
        t: d.t_s,
        p: d.p,
        voice: d.voice,
    });
    let PathText { path, path_percent } = PathText::new(labels.input.path());
    let json = Json {
        v: 1,
        file: path,
        file_percent: path_percent,
        duration: labels.duration_s,
        rate_hz: labels.format.rate_hz,
        channels: labels.format.channels,
        damage: labels.damage.as_deref(),
        warnings: &labels.warnings,
        version: crate::VERSION,
        model: &labels.model,
        lookahead: lookahead_s(labels.horizon_frames),
        hop: WINDOW_HOP_SAMPLES as f64 / f64::from(SAMPLE_RATE_HZ),
        voice_share: labels.voice_share(),
        events: events.collect(),
        decisions: rows.collect(),
    };
    Ok(serde_json::to_string(&json)? + "\n")
}
