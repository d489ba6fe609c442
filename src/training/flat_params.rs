//! A network's tensors one after the other in one piece of memory: what is done to all of them alike is
//! one operation. On a GPU a small operation costs its start and no more, and a network has hundreds of tensors.

use tch::{Device, Kind, Tensor};

use crate::model::Architecture;
use crate::model::layers::Weights;

/// Every tensor begins at a multiple of so many values, 64 bytes: vector instructions and a GPU's kernels
/// take several values at once from such places only. What is left free between is zero, and stays it.
const ALIGNED_VALUES: i64 = 16;

/// Tensors by name, which share the memory of one.
pub struct FlatParams {
    whole: Tensor,
    parts: Weights,
    /// Their names as they lie in memory.
    order: Vec<String>,
}

impl FlatParams {
    /// Copies the tensors that `order` names, in this order, to a device. A convolution's weights lie
    /// there as its step wants them, channel after channel for each place of the kernel.
    pub fn new(tensors: &Weights, order: Vec<String>, device: Device) -> Self {
        let in_order: Vec<&Tensor> = order.iter().map(|name| &tensors[name]).collect();
        let whole = one_row(&in_order).detach().to_device(device);
        let mut start = 0;
        let parts = order.iter().map(|name| {
            let size = tensors[name].size();
            let part = view(&whole, start, &size);
            start += with_free(&part);
            (name.clone(), part)
        });
        Self {
            parts: parts.collect(),
            whole,
            order,
        }
    }

    /// The tensors of a network: its outputs, what else is learnt, and then what is gathered, so that
    /// either of the first two is one piece.
    pub fn network(architecture: Architecture, tensors: &Weights, device: Device) -> Self {
        Self::new(tensors, memory_order(architecture, false), device)
    }

    /// What of a network is learnt.
    pub fn learnt(architecture: Architecture, tensors: &Weights, device: Device) -> Self {
        Self::new(tensors, memory_order(architecture, true), device)
    }

    pub fn parts(&self) -> &Weights {
        &self.parts
    }

    /// Names of the parts, as they lie in memory.
    pub fn order(&self) -> &[String] {
        &self.order
    }

    /// All values as one row.
    pub fn whole(&self) -> &Tensor {
        &self.whole
    }

    /// As many tensors from the front as `wanted` says yes to, in the same memory.
    pub fn leading(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let order: Vec<String> = self
            .order
            .iter()
            .take_while(|n| wanted(n))
            .cloned()
            .collect();
        let part = |name: &String| (name.clone(), self.parts[name].shallow_clone());
        let parts: Weights = order.iter().map(part).collect();
        let values = parts.values().map(with_free).sum();
        Self {
            whole: self.whole.narrow(0, 0, values),
            parts,
            order,
        }
    }

    /// Other values of the same shapes: zeros.
    pub fn zeros_like(&self) -> Self {
        let zeros = |(name, part): (&String, &Tensor)| (name.clone(), part.detach().zeros_like());
        let zeros: Weights = self.parts.iter().map(zeros).collect();
        Self::new(&zeros, self.order.clone(), self.whole.device())
    }

    /// Has gradients kept for these tensors.
    pub fn learn(&mut self, learnt: impl Fn(&str) -> bool) {
        for (name, part) in &mut self.parts {
            if learnt(name) {
                *part = part.detach().set_requires_grad(true);
            }
        }
    }
}

/// Tensors as they lie in one memory, one after the other.
pub fn one_row(tensors: &[&Tensor]) -> Tensor {
    let mut pieces = Vec::new();
    for tensor in tensors {
        let ordered = match tensor.dim() {
            4 => tensor.permute([0, 2, 3, 1]),
            _ => tensor.shallow_clone(),
        };
        pieces.push(ordered.reshape([-1]));
        let free = with_free(tensor) - tensor.numel() as i64;
        if free > 0 {
            pieces.push(Tensor::zeros([free], (tensor.kind(), tensor.device())));
        }
    }
    match pieces.is_empty() {
        true => Tensor::zeros([0], (Kind::Float, Device::Cpu)),
        false => Tensor::cat(&pieces, 0),
    }
}

/// How many values a tensor takes up.
fn with_free(tensor: &Tensor) -> i64 {
    (tensor.numel() as i64 + ALIGNED_VALUES - 1) / ALIGNED_VALUES * ALIGNED_VALUES
}

/// The tensor of this size whose values begin at a place of a row.
fn view(whole: &Tensor, start: i64, size: &[i64]) -> Tensor {
    let row = whole.narrow(0, start, size.iter().product());
    match *size {
        [outputs, inputs, height, width] => row
            .reshape([outputs, height, width, inputs])
            .permute([0, 3, 1, 2]),
        _ => row.reshape(size),
    }
}

fn memory_order(architecture: Architecture, learnt_only: bool) -> Vec<String> {
    let mut slots = architecture.slots();
    slots.retain(|slot| slot.role.is_trained() || !learnt_only);
    slots.sort_by_key(|slot| (!slot.role.is_trained(), !slot.is_of_head()));
    slots.into_iter().map(|slot| slot.name).collect()
}
