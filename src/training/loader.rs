//! Draws batches on worker threads, ahead of the training step and in a fixed order.

use crossbeam_channel::{Receiver, bounded};
use std::thread::Scope;

use crate::frontend::LogMel;
use crate::model::Normalisation;
use crate::training::sampler::{Sampler, window_rng};

/// Batches a worker may be ahead.
const AHEAD: usize = 4;

/// Normalised windows, one after the other, and their labels, a row of the network's answers each.
pub struct Batch {
    pub windows: Vec<f32>,
    pub labels: Vec<i64>,
}

/// The batches of one epoch.
pub struct Epoch {
    pub seed: u64,
    pub epoch: u64,
    pub batches: usize,
    pub batch_windows: usize,
}

/// Starts `workers` threads; the batches come in the same order whatever their number. A
/// receiver that is dropped ends them.
pub fn start<'scope, 'env>(
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
    let (values, answers) = (sampler.values(), sampler.labels());
    let mut drawn = vec![0.0; values];
    let mut windows = vec![0.0; epoch.batch_windows * values];
    let mut labels = vec![0; epoch.batch_windows * answers];
    let places = windows
        .chunks_exact_mut(values)
        .zip(labels.chunks_exact_mut(answers));
    for (i, (window, labels)) in places.enumerate() {
        let number = (index * epoch.batch_windows + i) as u64;
        let mut rng = window_rng(epoch.seed, epoch.epoch, number);
        sampler.draw(log_mel, &mut rng, &mut drawn, labels);
        normalisation.apply(&drawn, window);
    }
    Batch { windows, labels }
}
