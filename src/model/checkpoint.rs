//! Reading and writing checkpoints, and every reason to refuse one.
//!
//! A checkpoint is a `.safetensors` file: the network's weights, `mean` and `std` of the log-mel bands as
//! 32-bit floats, and under the metadata key `vocald` a JSON object, [`Metadata`]. Convolutions and dense
//! layers that hold 16-bit floats only ([`Checkpoint::round_to_half`]) are stored as such.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use tch::{Device, Kind, Tensor};

use crate::frontend::MEL_BANDS;
use crate::model::architecture::{Architecture, Role, Slot};
use crate::model::layers::Weights;
use crate::model::metadata::Metadata;
use crate::model::network::Network;
use crate::model::normalisation::Normalisation;
use crate::model::stored;
use crate::model::stored::Stored;

/// The metadata key that marks a file as ours.
const METADATA_KEY: &str = "vocald";
/// A band that hardly varies in training would blow noise up; the trainer never writes less.
pub const MIN_STD: f32 = 1e-3;

/// A checkpoint that was read whole and found good.
pub struct Checkpoint {
    pub metadata: Metadata,
    pub architecture: Architecture,
    pub normalisation: Normalisation,
    pub weights: Weights,
}

/// A checkpoint that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("cannot read the checkpoint {}: {reason}", path.display())]
    Unreadable {
        path: PathBuf,
        reason: std::io::Error,
    },
    #[error("the checkpoint {} {fault}; use another one (`vocald model list`)", path.display())]
    Refused { path: PathBuf, fault: String },
    #[error("cannot write the checkpoint {}: {reason}", path.display())]
    Unwritable {
        path: PathBuf,
        reason: std::io::Error,
    },
}

impl Checkpoint {
    /// Reads a checkpoint and checks all of it. Denormal weights become zero: they mean
    /// nothing and slow the CPU down by orders of magnitude.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = std::fs::read(path).map_err(|reason| CheckpointError::Unreadable {
            path: path.into(),
            reason,
        })?;
        Self::from_bytes(&bytes).map_err(|fault| CheckpointError::Refused {
            path: path.into(),
            fault,
        })
    }

    /// The same for a file already in memory; the error is the fault as half a sentence.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let damaged = |e| format!("is truncated, damaged or not a safetensors file ({e})");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let json = header
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(METADATA_KEY))
            .ok_or("was not made by vocald: it has no `vocald` metadata")?;
        let metadata: Metadata = serde_json::from_str(json)
            .map_err(|e| format!("has metadata that this vocald does not understand ({e})"))?;
        let architecture = metadata.validate()?;

        let mut tensors: BTreeMap<&str, TensorView> = file.iter().collect();
        let mean = band_values(&mut tensors, "mean")?;
        let std = band_values(&mut tensors, "std")?;
        if std.iter().any(|&s| s < MIN_STD) {
            return Err(format!("has a band in `std` below {MIN_STD}"));
        }
        let slots = architecture.slots();
        let mut weights = Weights::new();
        for slot in &slots {
            let values = take(&mut tensors, &slot.name, &slot.shape)?;
            if slot.role == Role::NormVariance && values.iter().any(|&v| v < 0.0) {
                return Err(format!("holds a negative variance in `{}`", slot.name));
            }
            weights.insert(
                slot.name.clone(),
                Tensor::from_slice(&values).reshape(&slot.shape),
            );
        }
        if let Some(name) = tensors.keys().next() {
            return Err(format!(
                "holds a tensor `{name}` that {architecture} does not have"
            ));
        }
        Ok(Self {
            normalisation: Normalisation {
                level: metadata.level,
                mean,
                std,
            },
            metadata,
            architecture,
            weights,
        })
    }

    /// The network on a device, its batch normalisation folded away.
    pub fn network(&self, device: Device) -> Network {
        let on_device =
            |(name, weight): (&String, &Tensor)| (name.clone(), weight.to_device(device));
        let weights: Weights = self.weights.iter().map(on_device).collect();
        let network = tch::no_grad(|| Network::new(self.architecture, &weights).fold());
        network.alternating(self.metadata.alternating)
    }

    /// Writes the checkpoint as it will be read, without denormal weights; the file appears whole or not
    /// at all.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let unwritable = |reason| CheckpointError::Unwritable {
            path: path.into(),
            reason,
        };
        let other = |e: String| unwritable(std::io::Error::other(e));
        let json = serde_json::to_string(&self.metadata).map_err(|e| other(e.to_string()))?;
        let mut tensors = Vec::new();
        for (name, values) in [
            ("mean", &self.normalisation.mean),
            ("std", &self.normalisation.std),
        ] {
            tensors.push(Stored::floats(name.into(), vec![MEL_BANDS], values));
        }
        for Slot { name, shape, .. } in self.architecture.slots() {
            let values: Vec<f32> = float_values(&self.weights[&name])
                .into_iter()
                .map(without_denormals)
                .collect();
            let is_layer = shape.len() > 1;
            let shape = shape.iter().map(|&n| n as usize).collect();
            let tensor = Stored::floats(name, shape, &values);
            tensors.push(if is_layer { tensor.halved() } else { tensor });
        }
        stored::write(path, &tensors, HashMap::from([(METADATA_KEY.into(), json)]))
            .map_err(unwritable)
    }

    /// Rounds the weights of convolutions and dense layers to 16 bits: the file is half as large. What
    /// is measured afterwards is measured as it will be read.
    pub fn round_to_half(&mut self) {
        for weight in self.weights.values_mut().filter(|w| w.dim() > 1) {
            *weight = weight.to_kind(Kind::Half).to_kind(Kind::Float);
        }
    }
}

fn without_denormals(value: f32) -> f32 {
    if value.is_subnormal() { 0.0 } else { value }
}

/// The values of a tensor on any device and of any kind, row after row.
pub fn float_values(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor
        .detach()
        .to_device(Device::Cpu)
        .to_kind(tch::Kind::Float)
        .flatten(0, -1);
    let mut values = vec![0.0; flat.numel()];
    let count = values.len();
    flat.contiguous().copy_data(&mut values, count);
    values
}

fn band_values(
    tensors: &mut BTreeMap<&str, TensorView>,
    name: &str,
) -> Result<[f32; MEL_BANDS], String> {
    let values = take(tensors, name, &[MEL_BANDS as i64])?;
    values
        .try_into()
        .map_err(|_| format!("has a `{name}` of another length than {MEL_BANDS}"))
}

/// Takes a tensor out of the file: it must be there, of this shape, and finite.
fn take(
    tensors: &mut BTreeMap<&str, TensorView>,
    name: &str,
    shape: &[i64],
) -> Result<Vec<f32>, String> {
    let view = tensors
        .remove(name)
        .ok_or_else(|| format!("lacks the tensor `{name}`"))?;
    let values = stored::floats(&view).ok_or_else(|| {
        let dtype = view.dtype();
        format!("holds `{name}` as {dtype:?} instead of floats of 32 or 16 bits")
    })?;
    if !view
        .shape()
        .iter()
        .map(|&n| n as i64)
        .eq(shape.iter().copied())
    {
        let found = view.shape();
        return Err(format!(
            "holds `{name}` of shape {found:?} where {shape:?} is needed"
        ));
    }
    let values: Vec<f32> = values.into_iter().map(without_denormals).collect();
    if values.iter().any(|v| !v.is_finite()) {
        return Err(format!("holds a number in `{name}` that is not finite"));
    }
    Ok(values)
}
