//! ONNX: a graph of standard operators, written as protobuf.

mod graph;
mod networks;
mod operators;
mod proto;

use prost::Message as _;

use crate::frontend::{MEL_BANDS, WindowLength};
use crate::model::checkpoint::Checkpoint;
use crate::model::export::inputs::{LOG_MEL, NUMBER, PROBABILITY, SPEECH};
use crate::model::export::{DESCRIPTION_KEY, member};
use crate::model::family::Family;
use crate::model::float_values;
use crate::model::normalisation::{LevelMode, REFERENCE_LEVEL};
use graph::{Dimension, Graph, Type};

/// The version of the operators, understood by onnxruntime from 1.12 on.
pub const OPSET: i64 = 17;
/// The version of the file format that belongs to [`OPSET`].
const IR_VERSION: i64 = 8;
/// Largest protobuf message.
const MAX_BYTES: usize = i32::MAX as usize;
/// The name of the free dimension.
const WINDOWS: Dimension = Dimension::Free("windows");

/// The model's file, or its size if that is beyond [`MAX_BYTES`].
pub(super) fn model(
    checkpoint: &Checkpoint,
    window: WindowLength,
    description: String,
) -> Result<Vec<u8>, usize> {
    let mut graph = Graph::new(&checkpoint.metadata.name);
    let (horizons, outputs) = {
        let architecture = checkpoint.architecture;
        (architecture.horizons, architecture.outputs())
    };
    let shape = [
        WINDOWS,
        Dimension::Fixed(window.frames()),
        Dimension::Fixed(MEL_BANDS),
    ];
    graph.input(LOG_MEL, Type::Float, &shape);
    if checkpoint.metadata.alternating {
        graph.input(NUMBER, Type::Int64, &[WINDOWS]);
    }
    let shape = [WINDOWS, Dimension::Fixed(horizons)];
    graph.output(PROBABILITY, Type::Float, &shape);
    let has_speech = checkpoint.architecture.speech;
    if has_speech {
        graph.output(SPEECH, Type::Float, &shape);
    }

    let normalised = normalise(&mut graph, checkpoint);
    // One channel, as for pictures.
    let windows = graph.unsqueeze(&normalised, 1);
    let members = member::members(checkpoint);
    let family = checkpoint.architecture.family;
    let log_odds = match checkpoint.metadata.alternating {
        true => alternate(&mut graph, &windows, outputs, &members, family),
        false => {
            let outputs: Vec<String> = members
                .iter()
                .map(|member| networks::member(&mut graph, &windows, member, family))
                .collect();
            graph.mean(&outputs)
        }
    };
    match has_speech {
        false => graph.named("Sigmoid", &[&log_odds], PROBABILITY),
        true => {
            let both = graph.operation("Sigmoid", &[&log_odds]);
            graph.columns(&both, 0..horizons, PROBABILITY);
            graph.columns(&both, horizons..outputs, SPEECH);
        }
    }

    let model = proto::Model {
        ir_version: Some(IR_VERSION),
        opset_import: vec![proto::OperatorSet {
            domain: Some(String::new()),
            version: Some(OPSET),
        }],
        producer_name: Some("vocald".into()),
        producer_version: Some(crate::VERSION.into()),
        doc_string: Some(format!(
            "Singing voice detector: {}. Licence of the weights: {}.",
            checkpoint.architecture, checkpoint.metadata.license
        )),
        graph: Some(graph.finish()),
        metadata_props: vec![proto::StringEntry {
            key: Some(DESCRIPTION_KEY.into()),
            value: Some(description),
        }],
    };
    match model.encoded_len() {
        bytes if bytes > MAX_BYTES => Err(bytes),
        _ => Ok(model.encode_to_vec()),
    }
}

/// The normalised log-mel windows.
fn normalise(graph: &mut Graph, checkpoint: &Checkpoint) -> String {
    let normalisation = &checkpoint.normalisation;
    let levelled = match normalisation.level {
        LevelMode::Absolute => LOG_MEL.to_owned(),
        LevelMode::Relative => {
            let doubled = graph.scalar_operation("Mul", LOG_MEL, 2.0);
            let powers = graph.operation("Exp", &[&doubled]);
            let power = graph.mean_over(&powers, &[1, 2]);
            let rms = graph.operation("Sqrt", &[&power]);
            let rms = graph.scalar_operation("Max", &rms, f32::MIN_POSITIVE);
            let level = graph.operation("Log", &[&rms]);
            let relative = graph.operation("Sub", &[LOG_MEL, &level]);
            graph.scalar_operation("Add", &relative, REFERENCE_LEVEL)
        }
    };
    let mean = graph.floats("mean", &[MEL_BANDS as i64], &normalisation.mean);
    let std = graph.floats("std", &[MEL_BANDS as i64], &normalisation.std);
    let centred = graph.operation("Sub", &[&levelled, &mean]);
    graph.operation("Div", &[&centred, &std])
}

/// The log odds of windows of which each is processed by one member: member m of M takes those whose number is m
/// modulo M.
fn alternate(
    graph: &mut Graph,
    windows: &str,
    outputs: usize,
    members: &[member::Member],
    family: Family,
) -> String {
    let place = graph.modulo(NUMBER, members.len() as i64);
    let mut all = graph.zeros_for_each(NUMBER, outputs);
    for (number, member) in members.iter().enumerate() {
        let rows = graph.indices_of(&place, number as i64);
        let own = graph.rows(windows, &rows);
        let log_odds = networks::member(graph, &own, member, family);
        all = graph.with_rows(&all, &rows, &log_odds);
    }
    all
}

/// The values of a tensor, for an initializer.
fn values(tensor: &tch::Tensor) -> (Vec<i64>, Vec<f32>) {
    (tensor.size(), float_values(tensor))
}
