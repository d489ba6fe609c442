//! The optimiser against the formulas of Kingma & Ba (2015, algorithm 1), with weight decay added
//! to the gradient.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};
use vocald::training::adam::Adam;
use vocald::training::flat_params::FlatParams;

const RATE: f64 = 0.01;
const DECAY: f64 = 0.1;

/// Adam in 64 bits on one number; `gradient` is that of the loss.
struct Expected {
    weight: f64,
    mean: f64,
    square: f64,
    steps: i32,
}

impl Expected {
    fn new(weight: f64) -> Self {
        Self {
            weight,
            mean: 0.0,
            square: 0.0,
            steps: 0,
        }
    }

    fn step(&mut self, gradient: f64) {
        self.steps += 1;
        let gradient = gradient + DECAY * self.weight;
        self.mean = 0.9 * self.mean + 0.1 * gradient;
        self.square = 0.999 * self.square + 0.001 * gradient * gradient;
        let mean = self.mean / (1.0 - 0.9f64.powi(self.steps));
        let square = self.square / (1.0 - 0.999f64.powi(self.steps));
        self.weight -= RATE * mean / (square.sqrt() + 1e-8);
    }
}

/// The weights in one piece of memory, with gradients.
fn learnt(weights: &BTreeMap<String, Tensor>, order: &[String]) -> FlatParams {
    let mut packed = FlatParams::new(weights, order.to_vec(), Device::Cpu);
    packed.require_gradients(|_| true);
    packed
}

#[test]
fn weights_move_as_the_formulas_say_even_where_they_share_a_gradient() {
    let start = [0.5f32, -1.5, 2.0];
    let names = ["a", "b", "c"].map(String::from);
    let values = start.map(|x| Tensor::from_slice(&[x]));
    let weights: BTreeMap<String, Tensor> = names.iter().cloned().zip(values).collect();
    let packed = learnt(&weights, &names);
    let weights = packed.parts();
    let mut expected = start.map(|x| Expected::new(x.into()));
    let mut adam = Adam::new(&packed, DECAY);
    for _ in 0..50 {
        let [a, b, c] = names.each_ref().map(|name| &weights[name]);
        // To a and b the gradient is one and the same tensor.
        let loss = ((a + b) * c).sum(Kind::Float);
        let [x, y, z] = expected.each_ref().map(|e| e.weight);
        adam.step(&packed, &loss, RATE);
        for (e, gradient) in expected.iter_mut().zip([z, z, x + y]) {
            e.step(gradient);
        }
    }
    for (name, e) in names.iter().zip(&expected) {
        let weight = weights[name].double_value(&[0]);
        assert!(
            (weight - e.weight).abs() < 1e-4,
            "{name}: {weight} {}",
            e.weight
        );
    }
}

#[test]
fn a_rate_of_nothing_moves_nothing() {
    let weight = Tensor::from_slice(&[1.0f32, 0.0]);
    let packed = learnt(&BTreeMap::from([("w".to_owned(), weight)]), &["w".into()]);
    let weights = packed.parts();
    let mut adam = Adam::new(&packed, 0.0);
    for rate in [0.0, 1e-300] {
        let loss = weights["w"].square().sum(Kind::Float);
        adam.step(&packed, &loss, rate);
    }
    assert_eq!(Vec::<f32>::try_from(&weights["w"]).unwrap(), [1.0, 0.0]);
}

#[test]
fn tensors_in_one_memory_keep_their_names_their_shapes_and_their_values() {
    let shapes: [(&str, &[i64]); 3] = [
        ("kernel", &[2, 3, 2, 2]),
        ("bias", &[5]),
        ("dense", &[4, 3]),
    ];
    let tensors: BTreeMap<String, Tensor> = shapes
        .iter()
        .map(|(name, shape)| {
            let values = Tensor::arange(shape.iter().product::<i64>(), (Kind::Float, Device::Cpu));
            (name.to_string(), values.reshape(*shape))
        })
        .collect();
    let order = ["dense", "kernel", "bias"].map(String::from);
    let packed = FlatParams::new(&tensors, order.to_vec(), Device::Cpu);
    for (name, tensor) in &tensors {
        assert!(packed.parts()[name].equal(tensor), "{name}");
    }
    // What is done to all of them is done to each.
    let _ = packed.whole().shallow_clone().g_add_scalar_(1.0);
    assert!(packed.parts()["kernel"].equal(&(&tensors["kernel"] + 1.0)));
    let first = packed.leading(|name| name != "bias");
    assert_eq!(first.order(), &order[..2]);
    assert_eq!(
        first.whole().size(),
        packed.whole().narrow(0, 0, 16 + 32).size()
    );
    for (name, part) in packed.parts() {
        assert_eq!(
            part.data_ptr() as usize % 64,
            0,
            "{name} begins where kernels cannot read"
        );
    }
}

/// A convolution's weights lie in another order than their gradients may; each must meet its own.
#[test]
fn a_kernel_moves_against_its_own_gradients() {
    let kernel = Tensor::arange(24, (Kind::Float, Device::Cpu)).reshape([2, 3, 2, 2]) / 24.0;
    let factors = kernel.flip([0, 2]).contiguous() - 0.4;
    let packed = learnt(
        &BTreeMap::from([("k".to_owned(), kernel.copy())]),
        &["k".into()],
    );
    let mut adam = Adam::new(&packed, 0.0);
    let loss = (&packed.parts()["k"] * &factors).sum(Kind::Float);
    adam.step(&packed, &loss, RATE);
    // The first step goes as far as the rate, whatever the gradient's size.
    let expected = kernel - factors.sign() * RATE;
    assert!(packed.parts()["k"].allclose(&expected, 1e-5, 1e-6, false));
}
