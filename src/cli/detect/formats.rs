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

    /// The labels as text. `speech`: also in formats whose readers know singing alone.
    pub fn write(self, labels: &Labels, speech: bool) -> anyhow::Result<String> {
        match self {
            Self::LabelFile(format) => {
                let mut voice = voice(labels);
                if format.has_one_class() && !speech {
                    voice.speech = None;
                }
                Ok(format.write(&voice))
            }
            Self::Json => json(labels),
        }
    }
}

fn voice(labels: &Labels) -> RecordingVoice {
    let path = labels.input.path();
    let decisions = labels.decisions.iter();
    let spans = |stretches: &[Voice]| {
        let spans = stretches.iter();
        spans.map(|v| (v.onset.t, v.offset.t)).collect()
    };
    RecordingVoice {
        title: path
            .file_stem()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into(),
        duration_s: labels.duration_s,
        voices: spans(&labels.voices),
        speech: labels.speech.as_deref().map(spans),
        decisions: decisions
            .map(|d| CsvRow {
                t_s: d.t_s,
                p: d.p,
                voice: d.voice,
                speech: d.speech,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    speech_share: Option<f64>,
    events: Vec<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speech_events: Option<Vec<Event>>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    speech_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speech: Option<bool>,
}

fn json(labels: &Labels) -> anyhow::Result<String> {
    let events = |stretches: &[Voice]| -> Vec<Event> {
        let both = |Voice { onset, offset }: &Voice| {
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
        };
        stretches.iter().flat_map(both).collect()
    };
    let rows = labels.decisions.iter().map(|d| Row {
        t: d.t_s,
        p: d.p,
        voice: d.voice,
        speech_p: d.speech.map(|(p, _)| p),
        speech: d.speech.map(|(_, speech)| speech),
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
        speech_share: labels.speech_share(),
        events: events(&labels.voices),
        speech_events: labels.speech.as_deref().map(events),
        decisions: rows.collect(),
    };
    Ok(serde_json::to_string(&json)? + "\n")
}
