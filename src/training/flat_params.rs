//! Parameters of a network in one contiguous tensor.
//!
//! An operation on all parameters is then a single one. On a GPU a small operation costs no more than its
//! launch, and a network has hundreds of tensors.

use tch::{Device, Kind, Tensor};

use crate::model::Architecture;
use crate::model::layers::Weights;

/// Every tensor begins at a multiple of this many values, 64 bytes: vector instructions and GPU kernels load
/// several values at once from such addresses only. The padding between tensors is zero and stays zero.
const ALIGNED_VALUES: i64 = 16;

/// Named tensors that share the memory of one.
pub struct FlatParams {
    whole: Tensor,
    parts: Weights,
    /// Their names in memory order.
    order: Vec<String>,
}

impl FlatParams {
    /// Copies the tensors that `order` names, in this order, to a device. Weights of convolutions are stored
    /// channels last, as the training step uses them.
    ///
    /// # Panics
    /// If `tensors` lacks a name of `order`.
    pub fn new(tensors: &Weights, order: Vec<String>, device: Device) -> Self {
        let in_order: Vec<&Tensor> = order.iter().map(|name| &tensors[name]).collect();
        let whole = one_row(&in_order).detach().to_device(device);
        let mut start = 0;
        let parts = order.iter().map(|name| {
            let size = tensors[name].size();
            let part = view(&whole, start, &size);
            start += padded_values(&part);
            (name.clone(), part)
        });
        Self {
            parts: parts.collect(),
            whole,
            order,
        }
    }

    /// All tensors of a network, in the order: output layer, other trained parameters, running statistics. The
    /// first and the first two are contiguous.
    ///
    /// # Panics
    /// If `tensors` lacks a tensor of the network.
    pub fn network(architecture: Architecture, tensors: &Weights, device: Device) -> Self {
        Self::new(tensors, memory_order(architecture, false), device)
    }

    /// The trained parameters of a network, without its running statistics.
    ///
    /// # Panics
    /// If `tensors` lacks a parameter of the network.
    pub fn trainable(architecture: Architecture, tensors: &Weights, device: Device) -> Self {
        Self::new(tensors, memory_order(architecture, true), device)
    }

    /// The tensors by name, as views of [`whole`](Self::whole).
    pub fn parts(&self) -> &Weights {
        &self.parts
    }

    /// Names of the tensors in memory order.
    pub fn order(&self) -> &[String] {
        &self.order
    }

    /// All values as one dimension, padding included.
    pub fn whole(&self) -> &Tensor {
        &self.whole
    }

    /// The leading tensors up to the first that `is_included` rejects, in the same memory.
    pub fn leading(&self, is_included: impl Fn(&str) -> bool) -> Self {
        let order: Vec<String> = self
            .order
            .iter()
            .take_while(|n| is_included(n))
            .cloned()
            .collect();
        let part = |name: &String| (name.clone(), self.parts[name].shallow_clone());
        let parts: Weights = order.iter().map(part).collect();
        let values = parts.values().map(padded_values).sum();
        Self {
            whole: self.whole.narrow(0, 0, values),
            parts,
            order,
        }
    }

    /// Tensors of the same shapes in memory of their own, all zero.
    pub fn zeros_like(&self) -> Self {
        let zeros = |(name, part): (&String, &Tensor)| (name.clone(), part.detach().zeros_like());
        let zeros: Weights = self.parts.iter().map(zeros).collect();
        Self::new(&zeros, self.order.clone(), self.whole.device())
    }

    /// Makes the tensors whose names `is_trained` accepts require a gradient.
    pub fn require_gradients(&mut self, is_trained: impl Fn(&str) -> bool) {
        for (name, part) in &mut self.parts {
            if is_trained(name) {
                *part = part.detach().set_requires_grad(true);
            }
        }
    }
}

/// Concatenates tensors in memory order, each padded to [`ALIGNED_VALUES`].
pub(super) fn one_row(tensors: &[&Tensor]) -> Tensor {
    let mut pieces = Vec::new();
    for tensor in tensors {
        let ordered = match tensor.dim() {
            4 => tensor.permute([0, 2, 3, 1]),
            _ => tensor.shallow_clone(),
        };
        pieces.push(ordered.reshape([-1]));
        let padding = padded_values(tensor) - tensor.numel() as i64;
        if padding > 0 {
            pieces.push(Tensor::zeros([padding], (tensor.kind(), tensor.device())));
        }
    }
    match pieces.is_empty() {
        true => Tensor::zeros([0], (Kind::Float, Device::Cpu)),
        false => Tensor::cat(&pieces, 0),
    }
}

/// Values that a tensor occupies, padding included.
fn padded_values(tensor: &Tensor) -> i64 {
    (tensor.numel() as i64 + ALIGNED_VALUES - 1) / ALIGNED_VALUES * ALIGNED_VALUES
}

/// The tensor of this size that begins at value `start` of a row.
fn view(whole: &Tensor, start: i64, size: &[i64]) -> Tensor {
    let row = whole.narrow(0, start, size.iter().product());
    match *size {
        [outputs, inputs, height, width] => row
            .reshape([outputs, height, width, inputs])
            .permute([0, 3, 1, 2]),
        _ => row.reshape(size),
    }
}

fn memory_order(architecture: Architecture, trained_only: bool) -> Vec<String> {
    let mut param_specs = architecture.param_specs();
    param_specs.retain(|slot| slot.role.is_trained() || !trained_only);
    param_specs.sort_by_key(|slot| (!slot.role.is_trained(), !slot.is_of_head()));
    param_specs.into_iter().map(|slot| slot.name).collect()
}
