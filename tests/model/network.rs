//! The networks: their sizes, and that folding changes nothing.

use tch::{Device, Kind, Tensor};
use vocald::model::network::initial_weights;
use vocald::model::{Architecture, Depth, Family, Network};

use crate::support::libtorch::{exclusive, seeded};

#[test]
fn parameters_of_every_depth_with_one_horizon() {
    let millions: Vec<(u32, String)> = Depth::ALL
        .into_iter()
        .map(|depth| {
            let parameters = Architecture {
                family: Family::SeResNet(depth),
                members: 1,
                horizons: 1,
                speech: false,
            }
            .parameters();
            (depth.layers(), format!("{:.2}", parameters as f64 / 1e6))
        })
        .collect();
    let expected = [
        (14, "2.80"),
        (18, "11.26"),
        (34, "21.44"),
        (50, "26.04"),
        (101, "47.28"),
        (152, "64.77"),
        (200, "81.02"),
    ];
    assert_eq!(millions, expected.map(|(depth, m)| (depth, m.to_string())));
}

#[test]
fn scnn_has_the_parameters_of_its_paper() {
    let scnn = |horizons| {
        let family = Family::Scnn;
        Architecture {
            family,
            members: 1,
            horizons,
            speech: false,
        }
        .parameters()
    };
    // The code of Schlüter & Grill's paper makes 1 408 225. Batch normalisation has a scale and a
    // shift in place of each of 608 biases, the second output 64 weights and a bias.
    assert_eq!(scnn(1), 1_408_225 + 608 + 65);
    assert_eq!(scnn(4), scnn(1) + 3 * 2 * 65);
    let apart = scnn(1) as f64 / 1e6 - Family::Scnn.paper_parameters_m();
    assert!(apart.abs() < 0.05, "{apart} million");
}

#[test]
fn bilstm_is_of_the_size_that_the_paper_gives_it() {
    let architecture = Architecture {
        family: Family::BiLstm,
        members: 1,
        horizons: 1,
        speech: false,
    };
    // Each way: four gates, of the inputs, of the units, and two biases.
    let way = |inputs: usize, units: usize| 4 * units * (inputs + units + 2);
    let layers = 2 * (way(80, 30) + way(60, 20) + way(40, 40));
    assert_eq!(architecture.parameters(), layers + 2 * 80 + 2);
    let apart = 66_402.0 / 1e6 - Family::BiLstm.paper_parameters_m();
    assert!(apart.abs() < 0.05, "{apart} million");
}

/// The states begin anew with every sequence, and run both ways within it.
#[test]
fn bilstm_answers_for_every_frame_by_all_of_its_sequence_and_nothing_else() {
    let architecture = Architecture {
        family: Family::BiLstm,
        members: 1,
        horizons: 1,
        speech: false,
    };
    let _seeded = seeded(5);
    let network = Network::new(architecture, &initial_weights(architecture));
    let sequences = Tensor::randn([2, 1, 218, 80], (Kind::Float, Device::Cpu));
    tch::no_grad(|| {
        let before = network.probabilities(&sequences);
        assert_eq!(before.size(), [2, 218]);
        let changed = sequences.copy();
        let _ = changed.narrow(0, 1, 1).narrow(2, 100, 1).fill_(9.0);
        let moved = (network.probabilities(&changed) - before).abs();
        let most = |sequence: i64, frame: i64, frames: i64| {
            let part = moved.get(sequence).narrow(0, frame, frames);
            part.max().double_value(&[])
        };
        assert!(most(0, 0, 218) < 1e-6, "another sequence");
        for (what, frame) in [("before", 95), ("itself", 100), ("after", 105)] {
            assert!(most(1, frame, 1) > 1e-5, "{what}");
        }
        // A recording may be shorter than a sequence.
        assert_eq!(
            network.probabilities(&sequences.narrow(2, 0, 7)).size(),
            [2, 7]
        );
    });
}

#[test]
fn scnn_drops_out_in_training_only() {
    let _exclusive = exclusive();
    let architecture = Architecture {
        family: Family::Scnn,
        members: 1,
        horizons: 1,
        speech: false,
    };
    let weights = trained_like(architecture);
    let network = Network::new(architecture, &weights);
    let windows = Tensor::randn(network.input_shape(4), (Kind::Float, Device::Cpu));
    tch::no_grad(|| {
        assert_ne!(
            network.forward(&windows, true),
            network.forward(&windows, true)
        );
        assert_eq!(
            network.forward(&windows, false),
            network.forward(&windows, false)
        );
    });
}

/// Weights with statistics that are not 0 and 1, as training leaves them.
pub fn trained_like(architecture: Architecture) -> vocald::model::layers::Weights {
    let _seeded = seeded(7);
    let mut weights = initial_weights(architecture);
    for (name, tensor) in &mut weights {
        if name.ends_with("running_mean") || name.ends_with("norm.bias") {
            *tensor = tensor.randn_like() * 0.1;
        } else if name.ends_with("running_var") {
            *tensor = tensor.rand_like() + 0.5;
        }
    }
    weights
}

#[test]
fn a_folded_network_predicts_as_the_unfolded_one() {
    let _exclusive = exclusive();
    let depths = [Depth::D14, Depth::D18, Depth::D50].map(Family::SeResNet);
    for family in depths.into_iter().chain([Family::Scnn]) {
        let architecture = Architecture {
            family,
            members: 1,
            horizons: 3,
            speech: false,
        };
        let weights = trained_like(architecture);
        let frames = family.features().frames() as i64;
        let windows = Tensor::randn([4, 1, frames, 80], (Kind::Float, Device::Cpu));
        tch::no_grad(|| {
            let unfolded = Network::new(architecture, &weights).probabilities(&windows);
            let folded = Network::new(architecture, &weights)
                .fold()
                .probabilities(&windows);
            assert_eq!(folded.size(), [4, 3]);
            let difference = (&folded - &unfolded).abs().max().double_value(&[]);
            assert!(difference < 1e-5, "{family}: {difference}");
            let spread = unfolded.max().double_value(&[]) - unfolded.min().double_value(&[]);
            assert!(
                spread > 1e-3,
                "the answers differ from window to window: {spread}"
            );
        });
    }
}

#[test]
fn a_window_is_answered_the_same_alone_and_in_a_batch() {
    let _exclusive = exclusive();
    let architecture = Architecture {
        family: Family::SeResNet(Depth::D14),
        members: 1,
        horizons: 1,
        speech: false,
    };
    let weights = trained_like(architecture);
    let network = tch::no_grad(|| Network::new(architecture, &weights).fold());
    let windows = Tensor::randn([16, 1, 80, 80], (Kind::Float, Device::Cpu));
    tch::no_grad(|| {
        let together = network.probabilities(&windows);
        for i in 0..16 {
            let alone = network.probabilities(&windows.narrow(0, i, 1));
            let difference = (together.narrow(0, i, 1) - alone)
                .abs()
                .max()
                .double_value(&[]);
            assert!(difference < 1e-5, "window {i}: {difference}");
        }
    });
}
