//! Repeats windows in 32 bits whose numbers are too large for float16.

use std::sync::{Arc, OnceLock};

use crate::model::compiled::Compiled;

/// The network of 32-bit numbers. It is made when it is first needed, of the weights in float16, and shares them with the
/// passes of other threads.
#[derive(Clone, Default)]
pub(super) struct WidePass {
    shared: Arc<OnceLock<Compiled>>,
    own: Option<Box<Compiled>>,
}

impl WidePass {
    /// Computes the rows of `probabilities` that are not finite anew. `network` is the one in float16 that gave them for
    /// `windows` with these `numbers`.
    ///
    /// One window makes all of its pass not finite, so each is repeated in float16 first: what a window gets does not
    /// depend on the windows beside it.
    pub fn repeat(
        &mut self,
        network: &mut Compiled,
        windows: &[f32],
        numbers: &[u64],
        probabilities: &mut [f32],
    ) {
        let (values, outputs) = (
            windows.len() / numbers.len().max(1),
            probabilities.len() / numbers.len().max(1),
        );
        let windows = windows.chunks_exact(values).zip(numbers);
        for ((window, &number), row) in windows.zip(probabilities.chunks_exact_mut(outputs)) {
            if is_finite(row) {
                continue;
            }
            let mut own = network.probabilities(window, &[number]);
            if !is_finite(&own) {
                own = self.network(network).probabilities(window, &[number]);
            }
            row.copy_from_slice(&own);
        }
    }

    fn network(&mut self, float16: &Compiled) -> &mut Compiled {
        self.own.get_or_insert_with(|| {
            let shared = self.shared.get_or_init(|| {
                tracing::warn!(
                    "numbers of some windows are too large for float16; these windows are computed in 32 bits"
                );
                float16.clone().widened()
            });
            Box::new(shared.clone())
        })
    }
}

fn is_finite(row: &[f32]) -> bool {
    row.iter().all(|p| p.is_finite())
}
