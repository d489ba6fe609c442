//! Values of a tensor as 32-bit floats.

use tch::{Device, Kind, Tensor};

/// The values of a tensor on any device and of any kind, the last dimension fastest.
pub fn float_values(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor
        .detach()
        .to_device(Device::Cpu)
        .to_kind(Kind::Float)
        .flatten(0, -1);
    let mut values = vec![0.0; flat.numel()];
    let count = values.len();
    flat.contiguous().copy_data(&mut values, count);
    values
}
