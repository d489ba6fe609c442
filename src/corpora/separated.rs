//! Features of separated sound, as the Bi-LSTM uses them.

use crate::frontend::{MEL_BANDS, SeparatedMel};

/// Mel energies of a recording's separated parts: `frames()` × 80, every 16 ms, the first centred on
/// its first sample. Separation is not linear: the energies of a mix are not the sum of its parts'.
#[derive(Debug, Clone, PartialEq)]
pub struct SeparatedTrack {
    energies: Vec<f32>,
}

impl SeparatedTrack {
    /// Separates samples at 16 kHz.
    pub fn of_samples(samples: &[f32]) -> Self {
        Self {
            energies: SeparatedMel::new().energies(samples),
        }
    }

    /// Energies that [`energies`](Self::energies) has returned; `None` if they are not whole frames.
    pub(super) fn from_energies(energies: Vec<f32>) -> Option<Self> {
        let whole = !energies.is_empty() && energies.len().is_multiple_of(MEL_BANDS);
        whole.then_some(Self { energies })
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.energies.len() / self.bands()
    }

    /// Values of a frame: 80.
    pub fn bands(&self) -> usize {
        MEL_BANDS
    }

    /// The energies of a frame; those of the last frame for any index after it.
    ///
    /// # Panics
    /// If there are no frames.
    pub fn frame(&self, index: usize) -> &[f32] {
        let index = index.min(self.frames().saturating_sub(1));
        &self.energies[index * MEL_BANDS..][..MEL_BANDS]
    }

    /// All frames, one after the other.
    pub fn energies(&self) -> &[f32] {
        &self.energies
    }
}
