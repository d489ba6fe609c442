//! Everything a training needs to go on where it was: weights, their running average, the
//! optimiser, the band normalisation and the progress, in one file, written after every epoch.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::frontend::MEL_BANDS;
use crate::model::float_values;
use crate::model::layers::Weights;
use crate::model::stored;
use crate::model::stored::Stored;
use crate::model::{Architecture, Normalisation};
use crate::training::adam::Adam;
use crate::training::experiment::Experiment;
use crate::training::flat_params::FlatParams;

const PROGRESS_KEY: &str = "vocald_training";
/// What the format allows at most.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// How far a training is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Progress {
    /// The experiment as it was when the training began: another one cannot go on from here.
    pub experiment: String,
    pub epochs_done: usize,
    pub steps: u64,
    pub best_loss: Option<f64>,
    pub epochs_without_gain: usize,
    pub stopped_early: bool,
    /// The checkpoint that it learns from beside the labels, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
}

impl Progress {
    /// How far the training with this state is, or nothing where none was begun. Reads the head of
    /// the file only. The error is a sentence.
    pub fn read(path: &Path) -> Result<Option<Self>, String> {
        let unreadable = |fault: String| format!("{} cannot be read: {fault}", path.display());
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unreadable(e.to_string())),
        };
        // A safetensors file begins with the length of its header, which is JSON.
        let mut head = [0; 8];
        file.read_exact(&mut head)
            .map_err(|e| unreadable(e.to_string()))?;
        let mut header = Vec::new();
        file.take(u64::from_le_bytes(head).min(MAX_HEADER_BYTES))
            .read_to_end(&mut header)
            .map_err(|e| unreadable(e.to_string()))?;
        let header: serde_json::Value =
            serde_json::from_slice(&header).map_err(|e| unreadable(e.to_string()))?;
        let json = header["__metadata__"][PROGRESS_KEY].as_str();
        let json = json.ok_or_else(|| unreadable("no progress in it".into()))?;
        serde_json::from_str(json)
            .map(Some)
            .map_err(|e| unreadable(e.to_string()))
    }

    /// Whether nothing is left to do with these limits.
    pub fn is_over(&self, max_epochs: usize) -> bool {
        self.stopped_early || self.epochs_done >= max_epochs
    }
}

pub struct State {
    pub progress: Progress,
    pub weights: FlatParams,
    pub average: FlatParams,
    pub adam: Adam,
    pub normalisation: Normalisation,
}

impl State {
    pub fn write(&self, path: &Path) -> Result<(), String> {
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
                tensors.push(Stored::floats(format!("{group}/{name}"), shape, &values));
            }
        }
        for (name, values) in [
            ("mean", &self.normalisation.mean),
            ("std", &self.normalisation.std),
        ] {
            let name = format!("bands/{name}");
            tensors.push(Stored::floats(name, vec![MEL_BANDS], values));
        }
        let json = serde_json::to_string(&self.progress).map_err(|e| e.to_string())?;
        stored::write(path, &tensors, HashMap::from([(PROGRESS_KEY.into(), json)])).map_err(|e| {
            format!(
                "cannot keep the training's state in {}: {e}",
                path.display()
            )
        })
    }

    /// Reads a state of the same network and experiment onto a device.
    pub fn read(
        path: &Path,
        architecture: Architecture,
        experiment: &Experiment,
        device: Device,
    ) -> Result<Self, String> {
        let damaged = |fault: String| {
            format!(
                "{} cannot be resumed from: {fault}; remove it to begin anew",
                path.display()
            )
        };
        let bytes = std::fs::read(path).map_err(|e| damaged(e.to_string()))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
        let entries = header.metadata().clone().unwrap_or_default();
        let json = entries
            .get(PROGRESS_KEY)
            .ok_or_else(|| damaged("no progress in it".into()))?;
        let progress: Progress = serde_json::from_str(json).map_err(|e| damaged(e.to_string()))?;
        let tensor = |name: String, shape: &[i64]| -> Result<Tensor, String> {
            let view = file
                .tensor(&name)
                .map_err(|e| damaged(format!("{name}: {e}")))?;
            let values: Vec<f32> = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect();
            if values.len() as i64 != shape.iter().product::<i64>() {
                return Err(damaged(format!("{name} is of another shape")));
            }
            Ok(Tensor::from_slice(&values).reshape(shape))
        };
        let group = |group: &str, trained_only: bool| -> Result<Weights, String> {
            let slots = architecture.slots();
            let wanted = slots
                .iter()
                .filter(|s| !trained_only || s.role.is_trained());
            wanted
                .map(|s| {
                    Ok((
                        s.name.clone(),
                        tensor(format!("{group}/{}", s.name), &s.shape)?,
                    ))
                })
                .collect()
        };
        let bands = |name: &str| -> Result<[f32; MEL_BANDS], String> {
            float_values(&tensor(format!("bands/{name}"), &[MEL_BANDS as i64])?)
                .try_into()
                .map_err(|_| damaged(format!("{name} is of another length")))
        };
        let network = |name: &str| {
            let tensors = group(name, false)?;
            Ok::<_, String>(FlatParams::network(architecture, &tensors, device))
        };
        let learnt = |name: &str| {
            let tensors = group(name, true)?;
            Ok::<_, String>(FlatParams::learnt(architecture, &tensors, device))
        };
        let adam = Adam::resumed(
            learnt("adam_mean")?,
            learnt("adam_square")?,
            progress.steps,
            experiment.training.weight_decay,
        );
        Ok(Self {
            weights: network("weights")?,
            average: network("average")?,
            normalisation: Normalisation {
                level: experiment.level,
                mean: bands("mean")?,
                std: bands("std")?,
            },
            adam,
            progress,
        })
    }
}
