//! A forward pass on any processor: by a network compiled for the CPU where there is one, else by libtorch.

use tch::{Device, Kind, Tensor};

use crate::frontend::{CaptureTime, Features, SAMPLE_RATE_HZ, WindowLength, Windower};
use crate::inference::compute_precision::{ComputePrecision, MOST_APART, WeightPrecision};
use crate::model::compiled::{Compiled, InstructionSet};
use crate::model::layers::channels_last;
use crate::model::{Checkpoint, Network, Normalisation, float_values};

/// A network on a processor. Use it on one thread: libtorch's gradient mode and thread settings belong to the thread.
pub struct ForwardPass {
    backend: Backend,
    precision: WeightPrecision,
}

enum Backend {
    Compiled(Box<Compiled>),
    Libtorch { network: Network, device: Device },
}

impl ForwardPass {
    /// Makes the network of a checkpoint ready for `windows` windows at once. Float16 counts as `Auto` on a processor
    /// without it.
    #[must_use]
    pub fn new(
        checkpoint: &Checkpoint,
        device: Device,
        precision: ComputePrecision,
        windows: usize,
    ) -> Self {
        let set = InstructionSet::detect().filter(|_| device == Device::Cpu);
        let compiled = set.and_then(|set| Compiled::new(checkpoint, set, windows));
        let Some(compiled) = compiled else {
            return Self {
                backend: Backend::Libtorch {
                    network: checkpoint.network(device),
                    device,
                },
                precision: match precision {
                    ComputePrecision::Float16 => WeightPrecision::Float16,
                    ComputePrecision::Bfloat16 => WeightPrecision::Bfloat16,
                    ComputePrecision::Auto | ComputePrecision::Float32 => WeightPrecision::Float32,
                },
            };
        };
        let (compiled, precision) = match precision {
            ComputePrecision::Float32 => (compiled, WeightPrecision::Float32),
            ComputePrecision::Bfloat16 => (compiled.bfloat16(), WeightPrecision::Bfloat16),
            ComputePrecision::Float16 => match compiled.clone().float16() {
                Some(compiled) => (compiled, WeightPrecision::Float16),
                None => choose(checkpoint, compiled),
            },
            ComputePrecision::Auto => choose(checkpoint, compiled),
        };
        Self {
            backend: Backend::Compiled(Box::new(compiled)),
            precision,
        }
    }

    /// A second pass over the same weights, for another thread; `None` where libtorch computes.
    #[must_use]
    pub fn share(&self) -> Option<Self> {
        match &self.backend {
            Backend::Compiled(compiled) => Some(Self {
                backend: Backend::Compiled(compiled.clone()),
                precision: self.precision,
            }),
            Backend::Libtorch { .. } => None,
        }
    }

    /// The precision in use.
    #[must_use]
    pub fn precision(&self) -> WeightPrecision {
        self.precision
    }

    /// Probabilities, windows × outputs of the architecture, of normalised windows, windows × frames × 80. `numbers` holds the
    /// number of each window in its stream, which chooses the member of an alternating ensemble.
    ///
    /// # Panics
    ///
    /// libtorch fails: a lost GPU, no memory left.
    pub fn probabilities(&mut self, windows: &[f32], numbers: &[u64]) -> Vec<f32> {
        match &mut self.backend {
            Backend::Compiled(network) => network.probabilities(windows, numbers),
            Backend::Libtorch { network, device } => tch::no_grad(|| {
                let shape = network.input_shape(numbers.len());
                let input = Tensor::from_slice(windows)
                    .reshape(shape)
                    .to_device(*device);
                let input = match (&device, self.precision) {
                    (Device::Cpu, WeightPrecision::Float32) => channels_last(&input),
                    (_, WeightPrecision::Float32) => input,
                    (_, WeightPrecision::Bfloat16) => channels_last(&input.to_kind(Kind::BFloat16)),
                    (_, WeightPrecision::Float16) => channels_last(&input.to_kind(Kind::Half)),
                };
                float_values(&network.probabilities_of_stream(&input, numbers))
            }),
        }
    }
}

/// The fastest precision that moves no probability of the test windows too far.
fn choose(checkpoint: &Checkpoint, mut exact: Compiled) -> (Compiled, WeightPrecision) {
    let Features::Mel(length) = checkpoint.architecture.features() else {
        return (exact, WeightPrecision::Float32);
    };
    let windows = test_windows(length, &checkpoint.normalisation);
    let numbers: Vec<u64> = (0..(windows.len() / length.values()) as u64).collect();
    let expected = exact.probabilities(&windows, &numbers);
    for precision in [WeightPrecision::Float16, WeightPrecision::Bfloat16] {
        let narrow = exact.clone();
        let candidate = match precision {
            WeightPrecision::Float16 => narrow.float16(),
            _ => Some(narrow.bfloat16()),
        };
        let Some(mut candidate) = candidate else {
            continue;
        };
        let found = candidate.probabilities(&windows, &numbers);
        let apart = expected.iter().zip(&found).map(|(a, b)| (a - b).abs());
        // Not a number counts as far apart.
        let is_close = apart.clone().all(|apart| apart <= MOST_APART);
        if is_close && endures_loudest(&mut candidate, checkpoint, length) {
            return (candidate, precision);
        }
        let apart = apart.fold(0.0, f32::max);
        tracing::info!(
            "{precision} is not used: it moves a probability by {apart:.4}, or numbers become too large"
        );
    }
    (exact, WeightPrecision::Float32)
}

/// Whether no number becomes too large in windows louder than any sound, of all members.
fn endures_loudest(network: &mut Compiled, checkpoint: &Checkpoint, length: WindowLength) -> bool {
    let members = checkpoint.architecture.members.max(1);
    let mut windows = vec![0.0; members * length.values()];
    for window in windows.chunks_exact_mut(length.values()) {
        let loudest = vec![f32::MAX.ln(); length.values()];
        checkpoint.normalisation.apply(&loudest, window);
    }
    let numbers: Vec<u64> = (0..members as u64).collect();
    let found = network.probabilities(&windows, &numbers);
    found.iter().all(|p| p.is_finite())
}

/// Normalised windows of a sound with and without a voice-like part: a gliding tone with harmonics and vibrato over noise.
fn test_windows(length: WindowLength, normalisation: &Normalisation) -> Vec<f32> {
    const SECONDS: usize = 3;
    /// More would delay the start.
    const TEST_WINDOWS: usize = 8;
    let mut noise = 1u32;
    let mut phase = 0.0f32;
    let samples: Vec<f32> = (0..SECONDS * SAMPLE_RATE_HZ as usize)
        .map(|n| {
            let t = n as f32 / SAMPLE_RATE_HZ as f32;
            let vibrato = (std::f32::consts::TAU * 5.5 * t).sin();
            let frequency = 220.0 * (1.0 + 0.2 * t) * (1.0 + 0.02 * vibrato);
            phase = (phase + frequency / SAMPLE_RATE_HZ as f32).fract();
            let tone = |harmonic: u8| {
                let harmonic = f32::from(harmonic);
                (std::f32::consts::TAU * phase * harmonic).sin() / harmonic
            };
            // xorshift
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let noise = noise as f32 / u32::MAX as f32 - 0.5;
            let level = (t - 1.0).clamp(0.0, 1.0);
            0.05 * noise + 0.1 * level * (1..=12).map(tone).sum::<f32>()
        })
        .collect();
    let mut windows = Vec::new();
    Windower::new(length).push(&samples, CaptureTime::default(), &mut windows);
    let spaced = windows.len().div_ceil(TEST_WINDOWS);
    let windows: Vec<_> = windows.iter().step_by(spaced).collect();
    let mut values = vec![0.0; windows.len() * length.values()];
    for (window, values) in windows.iter().zip(values.chunks_exact_mut(length.values())) {
        normalisation.apply(&window.log_mel, values);
    }
    values
}
