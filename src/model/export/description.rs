//! What a program needs beside the network: frontend, normalisation, horizons and operating points, as JSON.

use serde::Serialize;

use crate::frontend::window::lookahead_s;
use crate::model::checkpoint::Checkpoint;
use crate::model::export::OPSET;
use crate::model::export::inputs::{LOG_MEL, NUMBER, PROBABILITY, SPEECH};
use crate::model::metadata::Metadata;
use crate::model::normalisation::{LevelMode, REFERENCE_LEVEL};

/// The checkpoint's metadata, and what the checkpoint leaves to the program.
#[derive(Serialize)]
struct Description<'a> {
    #[serde(flatten)]
    metadata: &'a Metadata,
    /// The version of vocald that wrote the file.
    vocald: &'static str,
    opset: i64,
    inputs: Vec<&'static str>,
    output: &'static str,
    /// The output for speech, if the network has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    speech_output: Option<&'static str>,
    spectrum: Spectrum,
    normalisation: Normalisation<'a>,
    /// One for each horizon, in seconds.
    lookahead_s: Vec<f64>,
    /// Shortest horizon that overlap averaging uses, in frames.
    overlap_min_horizon_frames: u32,
}

/// The parts of the frontend that have no parameter.
#[derive(Serialize)]
struct Spectrum {
    window: &'static str,
    values: &'static str,
    mel_scale: &'static str,
    mel_norm: &'static str,
    logarithm: &'static str,
    padding: &'static str,
}

#[derive(Serialize)]
struct Normalisation<'a> {
    /// The network normalises its input itself; the values are for information.
    inside: bool,
    level: LevelMode,
    reference_level: f32,
    mean: &'a [f32],
    std: &'a [f32],
}

/// The description of an exported network.
pub fn description(checkpoint: &Checkpoint) -> serde_json::Result<String> {
    let metadata = &checkpoint.metadata;
    let inputs: &[_] = match metadata.alternating {
        true => &[LOG_MEL, NUMBER],
        false => &[LOG_MEL],
    };
    let lookaheads = metadata.horizons_frames.iter().map(|&h| lookahead_s(h));
    serde_json::to_string(&Description {
        metadata,
        vocald: crate::VERSION,
        opset: OPSET,
        inputs: inputs.to_vec(),
        output: PROBABILITY,
        speech_output: metadata.speech.as_ref().map(|_| SPEECH),
        spectrum: Spectrum {
            window: "hann, periodic",
            values: "magnitude",
            mel_scale: "slaney",
            mel_norm: "slaney",
            logarithm: "natural",
            padding: "none",
        },
        normalisation: Normalisation {
            inside: true,
            level: checkpoint.normalisation.level,
            reference_level: REFERENCE_LEVEL,
            mean: &checkpoint.normalisation.mean,
            std: &checkpoint.normalisation.std,
        },
        lookahead_s: lookaheads.collect(),
        overlap_min_horizon_frames: metadata.overlap_min_horizon_frames(),
    })
}
