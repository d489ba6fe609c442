//! Named tensors in a `.safetensors` file: 32-bit floats, or 16-bit floats if that loses nothing.

use std::collections::HashMap;
use std::path::Path;

use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};
use tch::{Kind, Tensor};

use crate::atomic_file;
use crate::model::float_values::float_values;

/// A tensor in the form in which a file holds it.
pub struct StoredTensor {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    /// Little-endian.
    bytes: Vec<u8>,
}

impl StoredTensor {
    /// A tensor of 32-bit floats; `values` has the last dimension fastest.
    pub fn floats(name: String, shape: Vec<usize>, values: &[f32]) -> Self {
        Self {
            name,
            shape,
            dtype: Dtype::F32,
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// The same tensor in half the space, if every value is a 16-bit float.
    #[must_use]
    pub fn halved(self) -> Self {
        let floats = Tensor::from_slice(&from_le_bytes(&self.bytes));
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

/// The values of a tensor in a file, the last dimension fastest; `None` if it holds no floats of 32 or 16 bits.
pub fn floats(view: &TensorView) -> Option<Vec<f32>> {
    match view.dtype() {
        Dtype::F32 => Some(from_le_bytes(view.data())),
        Dtype::F16 => {
            let halves = Tensor::from_slice(view.data()).view_dtype(Kind::Half);
            Some(float_values(&halves))
        }
        _ => None,
    }
}

fn from_le_bytes(bytes: &[u8]) -> Vec<f32> {
    let values = bytes.as_chunks().0.iter();
    values.map(|b| f32::from_le_bytes(*b)).collect()
}

/// Writes tensors and metadata to a file, which appears whole or not at all.
///
/// # Errors
///
/// What the system reports; a shape that does not fit its values.
pub fn write(
    path: &Path,
    tensors: &[StoredTensor],
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
    atomic_file::write(path, bytes)
}
