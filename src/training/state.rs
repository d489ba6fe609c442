//! The state of a training, from which it is resumed: weights, their running average, the optimiser, the band
//! normalisation and the progress, in one file that is written after every epoch.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use safetensors::{SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::frontend::MEL_BANDS;
use crate::model::float_values;
use crate::model::layers::Weights;
use crate::model::stored;
use crate::model::stored::StoredTensor;
use crate::model::{Architecture, Normalisation};
use crate::training::adam::Adam;
use crate::training::experiment::Experiment;
use crate::training::flat_params::FlatParams;

const PROGRESS_KEY: &str = "vocald_training";
/// The format's limit.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// A state that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum StateError {
    /// The progress cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Progress { path: PathBuf, reason: StateProblem },
    /// The state cannot be read.
    #[error("{} cannot be resumed from: {reason}; remove it to begin anew", path.display())]
    Unreadable { path: PathBuf, reason: StateProblem },
    /// The state cannot be written.
    #[error("cannot keep the training's state in {}: {reason}", path.display())]
    Unwritable { path: PathBuf, reason: io::Error },
}

/// A problem of a state's file.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum StateProblem {
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The header or the progress is not the expected JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The file is not a safetensors file.
    #[error(transparent)]
    Format(#[from] SafeTensorError),
    /// The file was not written by a training.
    #[error("no progress in it")]
    NoProgress,
    /// A tensor of the network is missing.
    #[error("{name}: {reason}")]
    Tensor {
        name: String,
        reason: SafeTensorError,
    },
    /// A tensor does not fit the network.
    #[error("{name} is of another shape")]
    Shape { name: String },
}

/// The progress of a training.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Progress {
    /// Settings of the experiment that must stay the same when the training is resumed, as TOML.
    pub experiment: String,
    /// Finished epochs.
    pub epochs_done: usize,
    /// Finished training steps.
    pub steps: u64,
    /// Lowest validation loss so far.
    pub best_loss: Option<f64>,
    /// Epochs since then.
    pub epochs_without_gain: usize,
    /// Whether validation has stopped improving.
    pub stopped_early: bool,
    /// Name of the teacher's checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
}

impl Progress {
    /// The progress in a state's file; `None` if there is no file. Only the header is read.
    ///
    /// # Errors
    /// If the file cannot be read or is no state.
    pub fn read(path: &Path) -> Result<Option<Self>, StateError> {
        match Self::from_header(path) {
            Ok(progress) => Ok(Some(progress)),
            Err(StateProblem::Io(e)) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(reason) => Err(StateError::Progress {
                path: path.into(),
                reason,
            }),
        }
    }

    fn from_header(path: &Path) -> Result<Self, StateProblem> {
        let mut file = File::open(path)?;
        // A safetensors file begins with the length of its header, which is JSON.
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let mut header = Vec::new();
        file.take(u64::from_le_bytes(length).min(MAX_HEADER_BYTES))
            .read_to_end(&mut header)?;
        let header: serde_json::Value = serde_json::from_slice(&header)?;
        let json = header["__metadata__"][PROGRESS_KEY].as_str();
        Ok(serde_json::from_str(json.ok_or(StateProblem::NoProgress)?)?)
    }

    /// Whether a training of at most `max_epochs` epochs is finished.
    #[must_use]
    pub fn is_over(&self, max_epochs: usize) -> bool {
        self.stopped_early || self.epochs_done >= max_epochs
    }

    /// Counts an epoch, and returns whether its validation loss is the lowest so far. The training stops early
    /// after `patience_epochs` epochs that are not.
    pub(super) fn end_epoch(&mut self, steps: u64, loss: f64, patience_epochs: usize) -> bool {
        self.epochs_done += 1;
        self.steps = steps;
        let is_best = self.best_loss.is_none_or(|best| loss < best);
        if is_best {
            self.best_loss = Some(loss);
            self.epochs_without_gain = 0;
        } else {
            self.epochs_without_gain += 1;
            self.stopped_early = self.epochs_without_gain >= patience_epochs;
        }
        is_best
    }
}

/// Everything that a training needs to be resumed exactly.
pub struct State {
    /// Finished epochs and steps.
    pub progress: Progress,
    /// The network's current tensors.
    pub weights: FlatParams,
    /// Their running average.
    pub average: FlatParams,
    /// The optimiser.
    pub adam: Adam,
    /// Mean and standard deviation of the input's bands.
    pub normalisation: Normalisation,
}

impl State {
    /// Writes the state to a file, which appears whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), StateError> {
        let mut tensors = Vec::new();
        let groups = [
            ("weights", &self.weights),
            ("average", &self.average),
            ("adam_mean", &self.adam.mean),
            ("adam_square", &self.adam.square),
        ];
        for (group, weights) in groups {
            for (name, tensor) in weights.parts() {
                let shape = tensor.size().iter().map(|&n| n as usize).collect();
                let values = float_values(tensor);
                tensors.push(StoredTensor::floats(
                    format!("{group}/{name}"),
                    shape,
                    &values,
                ));
            }
        }
        for (name, values) in [
            ("mean", &self.normalisation.mean),
            ("std", &self.normalisation.std),
        ] {
            let name = format!("bands/{name}");
            tensors.push(StoredTensor::floats(name, vec![MEL_BANDS], values));
        }
        serde_json::to_string(&self.progress)
            .map_err(io::Error::other)
            .and_then(|json| {
                let metadata = HashMap::from([(PROGRESS_KEY.into(), json)]);
                stored::write(path, &tensors, metadata)
            })
            .map_err(|reason| StateError::Unwritable {
                path: path.into(),
                reason,
            })
    }

    /// Reads the state of a training of this network and experiment onto a device.
    ///
    /// # Errors
    /// If the file cannot be read, is no state, or does not fit the network.
    pub fn read(
        path: &Path,
        architecture: Architecture,
        experiment: &Experiment,
        device: Device,
    ) -> Result<Self, StateError> {
        let unreadable = |reason| StateError::Unreadable {
            path: path.into(),
            reason,
        };
        let bytes = std::fs::read(path).map_err(|e| unreadable(e.into()))?;
        Self::from_bytes(&bytes, architecture, experiment, device).map_err(unreadable)
    }

    fn from_bytes(
        bytes: &[u8],
        architecture: Architecture,
        experiment: &Experiment,
        device: Device,
    ) -> Result<Self, StateProblem> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let tensors = Tensors(SafeTensors::deserialize(bytes)?);
        let entries = header.metadata().as_ref();
        let json = entries.and_then(|entries| entries.get(PROGRESS_KEY));
        let progress: Progress = serde_json::from_str(json.ok_or(StateProblem::NoProgress)?)?;
        let network = |group| {
            let tensors = tensors.group(group, architecture, false)?;
            Ok::<_, StateProblem>(FlatParams::network(architecture, &tensors, device))
        };
        let trainable = |group| {
            let tensors = tensors.group(group, architecture, true)?;
            Ok::<_, StateProblem>(FlatParams::trainable(architecture, &tensors, device))
        };
        Ok(Self {
            weights: network("weights")?,
            average: network("average")?,
            normalisation: Normalisation {
                level: experiment.level,
                mean: tensors.bands("bands/mean")?,
                std: tensors.bands("bands/std")?,
            },
            adam: Adam::resumed(
                trainable("adam_mean")?,
                trainable("adam_square")?,
                progress.steps,
                experiment.training.weight_decay,
            ),
            progress,
        })
    }
}

/// The tensors of a state's file.
struct Tensors<'a>(SafeTensors<'a>);

impl Tensors<'_> {
    fn values(&self, name: &str, count: i64) -> Result<Vec<f32>, StateProblem> {
        let view = self.0.tensor(name).map_err(|reason| StateProblem::Tensor {
            name: name.into(),
            reason,
        })?;
        stored::floats(&view)
            .filter(|values| values.len() as i64 == count)
            .ok_or_else(|| StateProblem::Shape { name: name.into() })
    }

    /// The tensors of a network below `group/`; only its trained parameters if `trained_only`.
    fn group(
        &self,
        group: &str,
        architecture: Architecture,
        trained_only: bool,
    ) -> Result<Weights, StateProblem> {
        let param_specs = architecture.param_specs().into_iter();
        param_specs
            .filter(|slot| !trained_only || slot.role.is_trained())
            .map(|slot| {
                let name = format!("{group}/{}", slot.name);
                let values = self.values(&name, slot.shape.iter().product())?;
                let tensor = Tensor::from_slice(&values).reshape(&slot.shape);
                Ok((slot.name, tensor))
            })
            .collect()
    }

    /// A value for each band.
    fn bands(&self, name: &str) -> Result<[f32; MEL_BANDS], StateProblem> {
        let values = self.values(name, MEL_BANDS as i64)?;
        values
            .try_into()
            .map_err(|_| StateProblem::Shape { name: name.into() })
    }
}
