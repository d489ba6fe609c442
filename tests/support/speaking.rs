//! A checkpoint with an output for speech.

use std::path::{Path, PathBuf};

use tch::Tensor;
use vocald::model::{Checkpoint, HEAD};

use super::libtorch::exclusive;
use super::program::model;

/// The tests' model with an output for speech, which is always or never present.
pub fn speaking(folder: &Path, speaks: bool) -> PathBuf {
    let _exclusive = exclusive();
    let mut checkpoint = Checkpoint::read(model())
        .unwrap()
        .with_speech(true)
        .unwrap();
    let bias = checkpoint.weights.get_mut(&format!("{HEAD}.bias")).unwrap();
    let odds = if speaks { 3.0 } else { -3.0 };
    let speech = Tensor::from_slice(&[0.0f32, odds, 0.0, odds]);
    *bias = Tensor::cat(&[bias.narrow(0, 0, 4), speech], 0);
    let path = folder.join(format!("speaking-{speaks}.safetensors"));
    checkpoint.write(&path).unwrap();
    path
}
