//! Label formats as text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES};
use crate::pipeline::label::{Labels, Voice};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `start end sing|nosing` lines.
    Lab,
    /// `start end voice` lines separated by tabs.
    Audacity,
    /// Events, decisions and their origin.
    Json,
    /// `t,p,voice` rows.
    Csv,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Lab, Self::Audacity, Self::Json, Self::Csv];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Audacity => "audacity",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Audacity => "txt",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    pub fn write(self, labels: &Labels) -> anyhow::Result<String> {
        Ok(match self {
            Self::Lab => lab(labels),
            Self::Audacity => audacity(labels),
            Self::Csv => csv(labels),
            Self::Json => json(labels)?,
        })
    }
}

fn lab(labels: &Labels) -> String {
    let mut text = String::new();
    let mut at_s = 0.0;
    let mut line = |from_s: f64, to_s: f64, word: &str| {
        // Empty at the start or end of the file where a voice begins or ends there.
        if to_s > from_s {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{from_s:.6} {to_s:.6} {word}");
        }
    };
    for Voice { onset, offset } in &labels.voices {
        line(at_s, onset.t, "nosing");
        line(onset.t, offset.t, "sing");
        at_s = offset.t;
    }
    line(at_s, labels.duration_s, "nosing");
    text
}

fn audacity(labels: &Labels) -> String {
    let mut text = String::new();
    for Voice { onset, offset } in &labels.voices {
        let _ = writeln!(text, "{:.6}\t{:.6}\tvoice", onset.t, offset.t);
    }
    text
}

fn csv(labels: &Labels) -> String {
    let mut text = String::from("t,p,voice\n");
    for decision in &labels.decisions {
        let voice = u8::from(decision.voice);
        let _ = writeln!(text, "{:.6},{:.6},{voice}", decision.t, decision.p);
    }
    text
}

/// Times in seconds, as in the messages of `run`.
#[derive(Serialize)]
struct Json<'a> {
    v: u32,
    file: String,
    duration: f64,
    rate_hz: u32,
    channels: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<&'a str>,
    version: &'static str,
    model: &'a str,
    lookahead: f64,
    hop: f64,
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
        t: d.t,
        p: d.p,
        voice: d.voice,
    });
    let json = Json {
        v: 1,
        file: labels.input.display().to_string(),
        duration: labels.duration_s,
        rate_hz: labels.format.rate_hz,
        channels: labels.format.channels,
        damage: labels.damage.as_deref(),
        version: crate::VERSION,
        model: &labels.model,
        lookahead: lookahead_s(labels.horizon_frames),
        hop: WINDOW_HOP_SAMPLES as f64 / f64::from(SAMPLE_RATE_HZ),
        events: events.collect(),
        decisions: rows.collect(),
    };
    Ok(serde_json::to_string(&json)? + "\n")
}
