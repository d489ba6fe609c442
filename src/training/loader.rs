//! Draws batches on worker threads, ahead of the training step and in a fixed order.

use crossbeam_channel::{Receiver, bounded};
use std::thread::Scope;

use crate::frontend::LogMel;
use crate::model::Normalisation;
use crate::training::sampler::{Sampler, window_rng};

/// Batches that a worker draws ahead of the training step.
const AHEAD: usize = 4;

/// Windows or sequences of one training step, with their labels.
pub struct Batch {
    /// Normalised values: windows × frames × 80.
    pub windows: Vec<f32>,
    /// Labels: windows × outputs of the network; 0 to 1 or [`UNLABELLED`](crate::training::sampler::UNLABELLED).
    pub labels: Vec<f32>,
}

/// The size of an epoch and the origin of its random numbers.
pub(super) struct Epoch {
    pub seed: u64,
    /// Its number, from 0.
    pub epoch: u64,
    pub batches: usize,
    pub batch_windows: usize,
}

/// Starts `workers` threads (at least one) and returns the batches of an epoch. Their number changes neither
/// the batches nor their order. Dropping the iterator ends the threads.
pub(super) fn start<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    sampler: &'env Sampler<'env>,
    normalisation: &'env Normalisation,
    epoch: &'env Epoch,
    workers: usize,
) -> impl Iterator<Item = Batch> + use<> {
    let workers = workers.max(1);
    let receivers: Vec<Receiver<Batch>> = (0..workers)
        .map(|worker| {
            let (sender, receiver) = bounded(AHEAD);
            scope.spawn(move || {
                let mut log_mel = LogMel::new();
                for index in (worker..epoch.batches).step_by(workers) {
                    if sender
                        .send(draw(sampler, &mut log_mel, normalisation, epoch, index))
                        .is_err()
                    {
                        return;
                    }
                }
            });
            receiver
        })
        .collect();
    let count = epoch.batches;
    (0..count).map_while(move |index| receivers[index % workers].recv().ok())
}

fn draw(
    sampler: &Sampler,
    log_mel: &mut LogMel,
    normalisation: &Normalisation,
    epoch: &Epoch,
    index: usize,
) -> Batch {
    let (values, outputs) = (sampler.values(), sampler.labels());
    let mut drawn = vec![0.0; values];
    let mut windows = vec![0.0; epoch.batch_windows * values];
    let mut labels = vec![0.0; epoch.batch_windows * outputs];
    let places = windows
        .chunks_exact_mut(values)
        .zip(labels.chunks_exact_mut(outputs));
    for (i, (window, labels)) in places.enumerate() {
        let number = (index * epoch.batch_windows + i) as u64;
        let mut rng = window_rng(epoch.seed, epoch.epoch, number);
        sampler.draw(log_mel, &mut rng, &mut drawn, labels);
        normalisation.apply(&drawn, window);
    }
    Batch { windows, labels }
}
