//! SE-ResNet as a program.

use crate::frontend::MEL_BANDS;
use crate::model::compiled::folding::{dense, normed};
use crate::model::compiled::map::Shape;
use crate::model::compiled::product::Activation;
use crate::model::compiled::program::{Builder, Program};
use crate::model::compiled::steps::MapId;
use crate::model::compiled::vector::InstructionSet;
use crate::model::depth::{BlockPlan, Depth};
use crate::model::layers::Weights;
use crate::model::param_spec::HEAD;

const RELU: Activation = Activation::Rectifier(0.0);
/// Zeros that a 3 × 3 convolution needs around its input.
const BORDER: usize = 1;
/// The first block whose maps, of 5 × 5 pixels, are smaller than its weights.
const FIRST_OF_SMALL_MAPS: &str = "stages.2.0";

pub(super) fn program(
    depth: Depth,
    weights: &Weights,
    frames: usize,
    set: InstructionSet,
) -> Program {
    let input = Shape {
        height: frames,
        width: MEL_BANDS,
        channels: 1,
        before: 3,
        after: 3,
    };
    let mut builder = Builder::new(set, input);
    let stem = normed(weights, "stem.conv", "stem.norm", [7, 7]);
    let stem = builder.convolution(&stem, builder.input(), [2, 3], RELU, BORDER);
    let mut map = builder.max_pool(stem, [2, 1], BORDER);
    builder.release(stem);
    for plan in depth.block_plans() {
        if plan.name == FIRST_OF_SMALL_MAPS {
            builder.end_of_large_maps();
        }
        map = block(&mut builder, &plan, weights, map);
    }
    let features = builder.mean(map);
    let output = builder.dense(&dense(weights, HEAD), features, Activation::None);
    builder.finish(output)
}

/// Adds a residual block, and returns its result.
fn block(builder: &mut Builder, plan: &BlockPlan, weights: &Weights, input: MapId) -> MapId {
    let name = &plan.name;
    let sizes = plan.convolutions();
    let mut map = input;
    for (i, &[_, _, size]) in sizes.iter().enumerate() {
        let (conv, norm) = (
            format!("{name}.conv{}", i + 1),
            format!("{name}.norm{}", i + 1),
        );
        let size = size as usize;
        let kernel = normed(weights, &conv, &norm, [size; 2]);
        let activation = if i + 1 < sizes.len() {
            RELU
        } else {
            Activation::None
        };
        let steps = [plan.strides()[i] as usize, size / 2];
        let next = builder.convolution(&kernel, map, steps, activation, BORDER);
        if i > 0 {
            builder.release(map);
        }
        map = next;
    }
    let squeezed = builder.mean(map);
    let reduce = dense(weights, &format!("{name}.se.reduce"));
    let narrow = builder.dense(&reduce, squeezed, RELU);
    let expand = dense(weights, &format!("{name}.se.expand"));
    let gate = builder.dense(&expand, narrow, Activation::None);
    let shortcut = match plan.changes_shape() {
        true => {
            let down = format!("{name}.down");
            let kernel = normed(
                weights,
                &format!("{down}.conv"),
                &format!("{down}.norm"),
                [1, 1],
            );
            let steps = [plan.stride as usize, 0];
            builder.convolution(&kernel, input, steps, Activation::None, BORDER)
        }
        false => input,
    };
    builder.gate(gate, map, shortcut);
    for done in [squeezed, narrow, gate, shortcut] {
        builder.release(done);
    }
    if shortcut != input {
        builder.release(input);
    }
    map
}
