//! The families of networks as operators: normalised windows in, log odds of voice out.

use tch::Tensor;

use crate::model::depth::{BlockPlan, Depth};
use crate::model::export::member::Member;
use crate::model::export::onnx::graph::Graph;
use crate::model::family::Family;
use crate::model::layers::{Weights, folded, linear};
use crate::model::param_spec::HEAD;
use crate::model::scnn;

/// The log odds, windows × outputs, of one network. `x` is windows × 1 × frames × 80.
pub(super) fn member(graph: &mut Graph, x: &str, member: &Member, family: Family) -> String {
    let own = match &member.input {
        None => x.to_owned(),
        Some([factor, summand]) => {
            let (factor, summand) = (
                graph.tensor("factor", factor),
                graph.tensor("summand", summand),
            );
            let scaled = graph.operation("Mul", &[x, &factor]);
            graph.operation("Add", &[&scaled, &summand])
        }
    };
    let weights = &member.weights;
    let features = match family {
        Family::SeResNet(depth) => se_resnet(graph, &own, depth, weights),
        // `super::super::export` refuses Bi-LSTM.
        Family::Scnn | Family::BiLstm => scnn(graph, &own, weights),
    };
    graph.dense(&features, &log_odds_head(weights))
}

/// The output layer as one row for each output: logit of voice minus logit of no voice, and of speech likewise.
fn log_odds_head(weights: &Weights) -> [Tensor; 2] {
    linear(weights, HEAD).map(|rows| {
        let step = |first| rows.slice(0, first, None, 2);
        step(1) - step(0)
    })
}

fn se_resnet(graph: &mut Graph, x: &str, depth: Depth, weights: &Weights) -> String {
    let stem = folded(weights, "stem.conv", "stem.norm");
    let y = graph.convolution(x, &stem, 2, 3);
    let y = graph.operation("Relu", &[&y]);
    let mut y = graph.max_pool(&y, 2, 1);
    for plan in depth.block_plans() {
        y = block(graph, &y, &plan, weights);
    }
    let features = graph.operation("GlobalAveragePool", &[&y]);
    graph.flatten(&features)
}

fn block(graph: &mut Graph, x: &str, plan: &BlockPlan, weights: &Weights) -> String {
    let name = &plan.name;
    let mut y = x.to_owned();
    for (i, &stride) in (1..).zip(&plan.strides()[..plan.convolutions().len()]) {
        if i > 1 {
            y = graph.operation("Relu", &[&y]);
        }
        let layer = folded(
            weights,
            &format!("{name}.conv{i}"),
            &format!("{name}.norm{i}"),
        );
        let padding = layer[0].size()[2] / 2;
        y = graph.convolution(&y, &layer, stride, padding);
    }
    let y = excitation(graph, &y, name, weights);
    let shortcut = match plan.changes_shape() {
        false => x.to_owned(),
        true => {
            let down = [format!("{name}.down.conv"), format!("{name}.down.norm")];
            let layer = folded(weights, &down[0], &down[1]);
            graph.convolution(x, &layer, plan.stride, 0)
        }
    };
    let sum = graph.operation("Add", &[&y, &shortcut]);
    graph.operation("Relu", &[&sum])
}

/// Squeeze-and-excitation; dense layers on a map of 1 × 1 are convolutions.
fn excitation(graph: &mut Graph, x: &str, block: &str, weights: &Weights) -> String {
    let layer = |part: &str| {
        let [weight, bias] = linear(weights, &format!("{block}.se.{part}"));
        [weight.unsqueeze(-1).unsqueeze(-1), bias]
    };
    let squeezed = graph.operation("GlobalAveragePool", &[x]);
    let narrow = graph.convolution(&squeezed, &layer("reduce"), 1, 0);
    let narrow = graph.operation("Relu", &[&narrow]);
    let wide = graph.convolution(&narrow, &layer("expand"), 1, 0);
    let gate = graph.operation("Sigmoid", &[&wide]);
    graph.operation("Mul", &[x, &gate])
}

fn scnn(graph: &mut Graph, x: &str, weights: &Weights) -> String {
    let mut y = x.to_owned();
    for i in 0..scnn::CONVOLUTIONS {
        let part = |part: &str| format!("convolutions.{i}.{part}");
        let layer = folded(weights, &part("conv"), &part("norm"));
        y = graph.convolution(&y, &layer, 1, 0);
        y = graph.leaky(&y, scnn::SLOPE);
        if i % 2 == 1 {
            y = graph.max_pool(&y, 3, 0);
        }
    }
    y = graph.flatten(&y);
    for i in 0..scnn::DENSE_LAYERS {
        let part = |part: &str| format!("dense.{i}.{part}");
        let layer = folded(weights, &part("linear"), &part("norm"));
        y = graph.dense(&y, &layer);
        y = graph.leaky(&y, scnn::SLOPE);
    }
    y
}
