//! Named tensors in a `.safetensors` file, as 32-bit floats or, where that loses nothing, as 16-bit ones.

use std::collections::HashMap;
use std::path::Path;

use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};
use tch::{Kind, Tensor};

use crate::model::checkpoint::float_values;

/// A tensor as it lies in a file.
pub struct Stored {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    /// Little-endian.
    bytes: Vec<u8>,
}

impl Stored {
    /// As 32-bit floats.
    pub fn floats(name: String, shape: Vec<usize>, values: &[f32]) -> Self {
        Self {
            name,
            shape,
            dtype: Dtype::F32,
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// The same in half the space, if every value is a 16-bit float.
    pub fn halved(self) -> Self {
        let floats = self.bytes.as_chunks().0.iter();
        let floats: Vec<f32> = floats.map(|b| f32::from_le_bytes(*b)).collect();
        let floats = Tensor::from_slice(&floats);
        let halves = floats.to_kind(Kind::Half);
        if halves.to_kind(Kind::Float) != floats {
            return self;
        }
        let mut bytes = vec![0; self.bytes.len() / 2];
        let count = bytes.len();
        halves.view_dtype(Kind::Uint8).copy_data(&mut bytes, count);
        Self {
            dtype: Dtype::F16,
            bytes,
            ..self
        }
    }
}

/// The values of a tensor of a file, if it holds floats of 32 or 16 bits.
pub fn floats(view: &TensorView) -> Option<Vec<f32>> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F32 => {
            let values = bytes.as_chunks().0.iter();
            Some(values.map(|b| f32::from_le_bytes(*b)).collect())
        }
        Dtype::F16 => {
            let halves = Tensor::from_slice(bytes).view_dtype(Kind::Half);
            Some(float_values(&halves))
        }
        _ => None,
    }
}

/// Writes a file by way of a temporary one beside it: it appears whole or not at all.
pub fn write(
    path: &Path,
    tensors: &[Stored],
    metadata: HashMap<String, String>,
) -> std::io::Result<()> {
    let views = tensors
        .iter()
        .map(|tensor| {
            TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes)
                .map(|view| (tensor.name.as_str(), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(std::io::Error::other)?;
    let bytes = serialize(views, Some(metadata)).map_err(std::io::Error::other)?;
    let partial = path.with_extension("partial");
    std::fs::write(&partial, bytes)?;
    std::fs::rename(&partial, path)
}
