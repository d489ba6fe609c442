//! Runs a sequence network over a whole recording, in overlapping sequences.

use tch::{Device, Tensor};

use crate::frontend::MEL_BANDS;
use crate::frontend::separated_mel::{
    ENERGY_FLOOR, SEPARATED_HOP_SAMPLES, SEPARATED_RATE_HZ, SEQUENCE_FRAMES, SEQUENCE_HOP_FRAMES,
};
use crate::model::Normalisation;
use crate::model::float_values;
use crate::model::network::Network;

/// Sequences in one pass.
const BATCH_SEQUENCES: usize = 32;

/// The logarithm of mel energies.
pub fn log_energy(energy: f32) -> f32 {
    energy.max(ENERGY_FLOOR).ln()
}

/// The probability of voice in every frame of a recording, from its mel energies (frames × 80).
///
/// Sequences overlap by half, and the last one ends with the recording. Each frame is predicted by the sequence whose
/// middle is nearest to it, so that context lies on both sides.
pub fn frame_probabilities(
    network: &Network,
    normalisation: &Normalisation,
    energies: &[f32],
    device: Device,
) -> Vec<f32> {
    let frames = energies.len() / MEL_BANDS;
    let Normalisation { mean, std, .. } = normalisation;
    let normalised: Vec<f32> = energies
        .iter()
        .enumerate()
        .map(|(i, &energy)| (log_energy(energy) - mean[i % MEL_BANDS]) / std[i % MEL_BANDS])
        .collect();
    // A recording that is shorter than a sequence is a shorter sequence.
    let length = SEQUENCE_FRAMES.min(frames);
    let starts = starts(frames);
    let mut values: Vec<f32> = Vec::with_capacity(frames);
    for (batch_index, batch) in starts.chunks(BATCH_SEQUENCES).enumerate() {
        let sequences: Vec<f32> = batch
            .iter()
            .flat_map(|start| &normalised[start * MEL_BANDS..][..length * MEL_BANDS])
            .copied()
            .collect();
        let shape = [batch.len() as i64, 1, length as i64, MEL_BANDS as i64];
        let input = Tensor::from_slice(&sequences)
            .reshape(shape)
            .to_device(device);
        let rows = float_values(&network.probabilities(&input));
        for (i, (row, start)) in rows.chunks_exact(length).zip(batch).enumerate() {
            let next = starts.get(batch_index * BATCH_SEQUENCES + i + 1);
            // The next sequence takes over in the middle of the overlap.
            let end = next.map_or(frames, |next| (next + start + length) / 2);
            values.extend(&row[values.len() - start..end - start]);
        }
    }
    values
}

/// First frames of the sequences of a recording.
fn starts(frames: usize) -> Vec<usize> {
    let Some(last) = frames.checked_sub(SEQUENCE_FRAMES) else {
        return vec![0; usize::from(frames > 0)];
    };
    let mut starts: Vec<usize> = (0..last).step_by(SEQUENCE_HOP_FRAMES).collect();
    starts.push(last);
    starts
}

/// The value at a time between frames.
pub fn at_time(frame_values: &[f32], t_s: f64) -> f32 {
    let frame_s = SEPARATED_HOP_SAMPLES as f64 / f64::from(SEPARATED_RATE_HZ);
    let place = (t_s / frame_s).max(0.0);
    let last = frame_values.len().saturating_sub(1);
    let before = (place as usize).min(last);
    let part = (place - before as f64).min(1.0) as f32;
    let value = |frame: usize| frame_values.get(frame).copied().unwrap_or(0.0);
    value(before) * (1.0 - part) + value((before + 1).min(last)) * part
}
