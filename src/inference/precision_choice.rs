//! The precision that `auto` takes, by built-in tests on the network itself.

use crate::frontend::{
    CaptureTime, Features, LOG_FLOOR, MEL_BANDS, SAMPLE_RATE_HZ, WindowLength, Windower,
};
use crate::inference::compute_precision::{MOST_APART, WeightPrecision, faster_than_float32};
use crate::model::compiled::{Compiled, InstructionSet};
use crate::model::{Checkpoint, Normalisation};

/// Above every log-mel value of a sound. Samples are at most 1e10 and gains at most 60 dB, 29.9 nepers together; a Hann
/// window sums to 512, which adds 6.2. Neither a resampler nor a mel filter adds more than 1.
const LOUDEST: f32 = 38.0;

/// The fastest precision that moves no probability of the test windows too far.
pub(super) fn choose(checkpoint: &Checkpoint, mut exact: Compiled) -> (Compiled, WeightPrecision) {
    let Features::Mel(length) = checkpoint.architecture.features() else {
        return (exact, WeightPrecision::Float32);
    };
    let has_float16 = InstructionSet::detect().is_some_and(InstructionSet::has_float16);
    let mut faster = faster_than_float32(has_float16, exact.weight_bytes()).peekable();
    if faster.peek().is_none() {
        return (exact, WeightPrecision::Float32);
    }
    let windows = test_windows(length, &checkpoint.normalisation);
    let numbers: Vec<u64> = (0..(windows.len() / length.values()) as u64).collect();
    let expected = exact.probabilities(&windows, &numbers);
    for precision in faster {
        let narrow = exact.clone();
        let candidate = match precision {
            WeightPrecision::Float16 => narrow.float16(),
            _ => Some(narrow.bfloat16()),
        };
        let Some(mut candidate) = candidate else {
            tracing::info!("{precision} is not used: a weight is too large for it");
            continue;
        };
        let found = candidate.probabilities(&windows, &numbers);
        let apart = expected.iter().zip(&found).map(|(a, b)| (a - b).abs());
        let most = apart.clone().fold(0.0, f32::max);
        let problem = if found.iter().any(|p| !p.is_finite()) {
            "numbers are too large for it".into()
        } else if !apart.clone().all(|apart| apart <= MOST_APART) {
            format!("it moves a probability by {most:.4}")
        } else if !endures_loudest(&mut candidate, checkpoint, length) {
            "in very loud sound numbers are too large for it".into()
        } else {
            return (candidate, precision);
        };
        tracing::info!("{precision} is not used: {problem}");
    }
    (exact, WeightPrecision::Float32)
}

/// Whether no number becomes too large in windows louder than any sound, of all members.
fn endures_loudest(network: &mut Compiled, checkpoint: &Checkpoint, length: WindowLength) -> bool {
    let loudest = loudest_windows(length);
    let members = checkpoint.architecture.members.max(1) as u64;
    (0..members).all(|member| {
        loudest.iter().all(|log_mel| {
            let mut window = vec![0.0; length.values()];
            checkpoint.normalisation.apply(log_mel, &mut window);
            let found = network.probabilities(&window, &[member]);
            found.iter().all(|p| p.is_finite())
        })
    })
}

/// Log-mel values of windows louder than any sound: all of it, and for networks to which level is no information, in
/// contrast with silence, the second half, a frame, and a band.
fn loudest_windows(length: WindowLength) -> [Vec<f32>; 4] {
    let middle = length.frames() / 2;
    let window = |is_loud: &dyn Fn(usize, usize) -> bool| {
        let places = (0..length.values()).map(|at| (at / MEL_BANDS, at % MEL_BANDS));
        let value = |(frame, band)| match is_loud(frame, band) {
            true => LOUDEST,
            false => LOG_FLOOR.ln(),
        };
        places.map(value).collect()
    };
    [
        window(&|_, _| true),
        window(&|frame, _| frame >= middle),
        window(&|frame, _| frame == middle),
        window(&|_, band| band == MEL_BANDS / 2),
    ]
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
