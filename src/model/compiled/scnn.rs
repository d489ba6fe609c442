//! SCNN as a program.

use crate::frontend::MEL_BANDS;
use crate::model::compiled::folding::{dense, normed};
use crate::model::compiled::map::Shape;
use crate::model::compiled::product::Activation;
use crate::model::compiled::program::{Builder, Program};
use crate::model::compiled::vector::InstructionSet;
use crate::model::layers::Weights;
use crate::model::param_spec::HEAD;

const LEAKY: Activation = Activation::Rectifier(0.01);

pub(super) fn program(weights: &Weights, frames: usize, set: InstructionSet) -> Program {
    let mut builder = Builder::new(set, Shape::bare(frames, MEL_BANDS, 1));
    let mut map = builder.input();
    for layer in 0..4 {
        let place = format!("convolutions.{layer}");
        let kernel = normed(
            weights,
            &format!("{place}.conv"),
            &format!("{place}.norm"),
            [3, 3],
        );
        let next = builder.convolution(&kernel, map, [1, 0], LEAKY, 0);
        builder.release(map);
        map = next;
        if layer % 2 == 1 {
            let pooled = builder.max_pool(map, [3, 0], 0);
            builder.release(map);
            map = pooled;
        }
    }
    // The first dense layer receives the whole map, channel after channel.
    for (layer, size) in [[11, 7], [1, 1]].into_iter().enumerate() {
        let place = format!("dense.{layer}");
        let kernel = normed(
            weights,
            &format!("{place}.linear"),
            &format!("{place}.norm"),
            size,
        );
        map = builder.dense(&kernel, map, LEAKY);
    }
    let output = builder.dense(&dense(weights, HEAD), map, Activation::None);
    builder.finish(output)
}
