//! Reading, checking and writing of checkpoints.
//!
//! A checkpoint is a `.safetensors` file: the network's weights, `mean` and `std` of the log-mel bands as 32-bit floats,
//! and under the metadata key `vocald` a JSON object, [`Metadata`]. Convolutions and dense layers whose values are all
//! 16-bit floats ([`Checkpoint::round_to_half`]) are stored as such.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use tch::{Device, Kind, Tensor};

use crate::frontend::MEL_BANDS;
use crate::model::architecture::Architecture;
use crate::model::checkpoint_error::{CheckpointError, CheckpointProblem};
use crate::model::float_values::float_values;
use crate::model::layers::Weights;
use crate::model::metadata::Metadata;
use crate::model::network::Network;
use crate::model::normalisation::{MIN_STD, Normalisation};
use crate::model::param_spec::{ParamSpec, Role};
use crate::model::stored;
use crate::model::stored::StoredTensor;

/// The metadata key that marks a file as a checkpoint of this program.
const METADATA_KEY: &str = "vocald";

/// A complete and valid checkpoint.
pub struct Checkpoint {
    /// The description in the file.
    pub metadata: Metadata,
    /// The network that the weights belong to.
    pub architecture: Architecture,
    /// Normalisation of the features before the network.
    pub normalisation: Normalisation,
    /// The weights: 32-bit floats, on the CPU when read from a file.
    pub weights: Weights,
}

impl Checkpoint {
    /// Reads a checkpoint and checks all of it. Denormal weights become zero: they have no effect on the output and
    /// slow the CPU down by orders of magnitude.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Unreadable`] or [`CheckpointError::Refused`].
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = std::fs::read(path).map_err(|reason| CheckpointError::Unreadable {
            path: path.into(),
            reason,
        })?;
        Self::from_bytes(&bytes).map_err(|problem| CheckpointError::Refused {
            path: path.into(),
            problem,
        })
    }

    /// Reads a checkpoint from the bytes of its file.
    ///
    /// # Errors
    ///
    /// The first problem found.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointProblem> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let file = SafeTensors::deserialize(bytes)?;
        let json = header
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(METADATA_KEY))
            .ok_or(CheckpointProblem::Foreign)?;
        let metadata: Metadata =
            serde_json::from_str(json).map_err(CheckpointProblem::UnknownMetadata)?;
        let architecture = metadata.validate()?;

        let mut tensors: BTreeMap<&str, TensorView> = file.iter().collect();
        let mean = band_values(&mut tensors, "mean")?;
        let std = band_values(&mut tensors, "std")?;
        if std.iter().any(|&s| s < MIN_STD) {
            return Err(CheckpointProblem::SmallStd);
        }
        let mut weights = Weights::new();
        for spec in architecture.param_specs() {
            let values = take(&mut tensors, &spec.name, &spec.shape)?;
            if spec.role == Role::NormVariance && values.iter().any(|&v| v < 0.0) {
                return Err(CheckpointProblem::NegativeVariance(spec.name));
            }
            weights.insert(spec.name, Tensor::from_slice(&values).reshape(&spec.shape));
        }
        if let Some(name) = tensors.into_keys().next() {
            return Err(CheckpointProblem::ExtraTensor {
                name: name.to_owned(),
                architecture,
            });
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

    /// The network on a device, with its batch normalisation folded into the layers.
    pub fn network(&self, device: Device) -> Network {
        let on_device =
            |(name, weight): (&String, &Tensor)| (name.clone(), weight.to_device(device));
        let weights: Weights = self.weights.iter().map(on_device).collect();
        let network = tch::no_grad(|| Network::new(self.architecture, &weights).fold());
        network.alternating(self.metadata.alternating)
    }

    /// The same checkpoint, which shares its tensors.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        let shared = |(name, weight): (&String, &Tensor)| (name.clone(), weight.shallow_clone());
        Self {
            metadata: self.metadata.clone(),
            architecture: self.architecture,
            normalisation: self.normalisation.clone(),
            weights: self.weights.iter().map(shared).collect(),
        }
    }

    /// Writes the checkpoint as [`read`](Self::read) returns it, without denormal weights. The file appears whole or
    /// not at all.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Unwritable`].
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        self.try_write(path)
            .map_err(|reason| CheckpointError::Unwritable {
                path: path.into(),
                reason,
            })
    }

    fn try_write(&self, path: &Path) -> std::io::Result<()> {
        let json = serde_json::to_string(&self.metadata)?;
        let mut tensors = Vec::new();
        for (name, values) in [
            ("mean", &self.normalisation.mean),
            ("std", &self.normalisation.std),
        ] {
            tensors.push(StoredTensor::floats(name.into(), vec![MEL_BANDS], values));
        }
        for ParamSpec { name, shape, .. } in self.architecture.param_specs() {
            let values: Vec<f32> = float_values(&self.weights[&name])
                .into_iter()
                .map(without_denormals)
                .collect();
            let is_layer = shape.len() > 1;
            let shape = shape.iter().map(|&n| n as usize).collect();
            let tensor = StoredTensor::floats(name, shape, &values);
            tensors.push(if is_layer { tensor.halved() } else { tensor });
        }
        stored::write(path, &tensors, HashMap::from([(METADATA_KEY.into(), json)]))
    }

    /// Rounds the weights of convolutions and dense layers to 16-bit floats, which halves the file. Round before
    /// measuring: a checkpoint that is read back has the rounded values.
    pub fn round_to_half(&mut self) {
        for weight in self.weights.values_mut().filter(|w| w.dim() > 1) {
            *weight = weight.to_kind(Kind::Half).to_kind(Kind::Float);
        }
    }
}

fn without_denormals(value: f32) -> f32 {
    if value.is_subnormal() { 0.0 } else { value }
}

fn band_values(
    tensors: &mut BTreeMap<&str, TensorView>,
    name: &str,
) -> Result<[f32; MEL_BANDS], CheckpointProblem> {
    let values = take(tensors, name, &[MEL_BANDS as i64])?;
    let length = values.len();
    values.try_into().map_err(|_| CheckpointProblem::Shape {
        name: name.to_owned(),
        found: vec![length],
        expected: vec![MEL_BANDS as i64],
    })
}

/// Takes a tensor out of the file. It must be there, of this shape, and finite.
fn take(
    tensors: &mut BTreeMap<&str, TensorView>,
    name: &str,
    shape: &[i64],
) -> Result<Vec<f32>, CheckpointProblem> {
    let view = tensors
        .remove(name)
        .ok_or_else(|| CheckpointProblem::MissingTensor(name.to_owned()))?;
    let values = stored::floats(&view).ok_or_else(|| CheckpointProblem::Dtype {
        name: name.to_owned(),
        dtype: view.dtype(),
    })?;
    let found = view.shape();
    if !found.iter().map(|&n| n as i64).eq(shape.iter().copied()) {
        return Err(CheckpointProblem::Shape {
            name: name.to_owned(),
            found: found.to_vec(),
            expected: shape.to_vec(),
        });
    }
    let values: Vec<f32> = values.into_iter().map(without_denormals).collect();
    match values.iter().all(|v| v.is_finite()) {
        true => Ok(values),
        false => Err(CheckpointProblem::NotFinite(name.to_owned())),
    }
}
