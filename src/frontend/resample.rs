//! Any rate to 22 050 Hz (or, for recordings that are separated, 16 kHz), mono, without a sample's
//! shift.
//!
//! rubato's windowed-sinc resampler, not its FFT one: the FFT resampler works in blocks that are
//! whole periods of the ratio (11 025 Hz needs 1, but 44 101 Hz needs 44 101 samples, a second of
//! latency), while the length of a sinc filter is ours to choose.
//!
//! The choice: Blackman-Harris (side lobes below -92 dB), 4 ms long and at least
//! [`MIN_TAPS`] taps. At 44.1 and 48 kHz sound up to 9 kHz passes, above the last mel band's
//! 8 kHz, all from 11.025 kHz on is rejected, and the filter looks 2 ms ahead. Low rates, which
//! have no room above the voice to waste, get their steepness from the taps: 16 kHz passes up to
//! 7.3 kHz and looks 6 ms ahead.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::frontend::SAMPLE_RATE_HZ;

/// The rates a source may have, in Hz.
pub const MIN_INPUT_RATE_HZ: u32 = 8_000;
pub const MAX_INPUT_RATE_HZ: u32 = 192_000;

/// At high rates the filter is this long: its transition band is then 2 kHz wide, what lies
/// between the last mel band and half of 22 050 Hz.
const FILTER_LENGTH_S: f64 = 0.004;
/// At low rates it has this many taps: the transition band of a 16 kHz source is 667 Hz wide.
const MIN_TAPS: usize = 192;
/// A Blackman-Harris window's main lobe reaches this many bins (rate / taps) to each side.
const MAIN_LOBE_BINS: f64 = 4.0;
/// Input is taken in chunks of this length whatever the caller's blocks are: that makes the
/// output independent of them, and 1 ms does not matter to the latency.
const CHUNK_S: f64 = 0.001;
/// Filters are tabled for this many positions between two input samples, or a little more:
/// the output's place is right to 1/256 of an input sample.
const MIN_POSITIONS: usize = 256;
/// Up to so many positions a table holds every one that occurs, and nothing is interpolated.
const MAX_EXACT_POSITIONS: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    #[error(
        "a sample rate of {rate_hz} Hz cannot be used: choose one from {MIN_INPUT_RATE_HZ} to \
         {MAX_INPUT_RATE_HZ} Hz"
    )]
    Rate { rate_hz: u32 },
    #[error("no resampler from {rate_hz} Hz to {output_hz} Hz could be made: {reason}")]
    Construction {
        rate_hz: u32,
        output_hz: u32,
        reason: String,
    },
}

/// Refuses a rate that no resampler is made for.
pub fn check_rate(rate_hz: u32) -> Result<(), ResampleError> {
    match (MIN_INPUT_RATE_HZ..=MAX_INPUT_RATE_HZ).contains(&rate_hz) {
        true => Ok(()),
        false => Err(ResampleError::Rate { rate_hz }),
    }
}

/// Brings mono sound of one rate to 22 050 Hz, block by block.
///
/// Output sample n speaks of the time n / 22 050 s: the filter's delay is taken off at the start.
/// The output does not depend on how the input was cut into blocks, bit for bit.
/// A source that has the output's rate passes through untouched.
pub struct Resampler {
    input_rate_hz: u32,
    sinc: Option<Sinc>,
}

impl Resampler {
    /// `input_rate_hz`: 8 000 to 192 000.
    pub fn new(input_rate_hz: u32) -> Result<Self, ResampleError> {
        Self::to(SAMPLE_RATE_HZ, input_rate_hz)
    }

    /// The same with another rate to come out, 8 000 Hz at least. What lies a little below its half
    /// is weakened: at 16 kHz, 7 kHz and more.
    pub fn to(output_hz: u32, input_rate_hz: u32) -> Result<Self, ResampleError> {
        check_rate(input_rate_hz)?;
        let sinc = match input_rate_hz == output_hz {
            true => None,
            false => Some(Sinc::new(input_rate_hz, output_hz)?),
        };
        Ok(Self {
            input_rate_hz,
            sinc,
        })
    }

    pub fn input_rate_hz(&self) -> u32 {
        self.input_rate_hz
    }

    /// Takes samples and appends to `out` all that can be told from them.
    pub fn push(&mut self, mono: &[f32], out: &mut Vec<f32>) {
        match &mut self.sinc {
            None => out.extend_from_slice(mono),
            Some(sinc) => sinc.push(mono, out),
        }
    }

    /// Ends the sound: appends what the filter still holds, so that all output together is
    /// round(input · output rate / rate) samples, and makes ready for another sound.
    pub fn flush(&mut self, out: &mut Vec<f32>) {
        if let Some(sinc) = &mut self.sinc {
            sinc.flush(out);
        }
    }

    /// Forgets all that was pushed, as after lost samples: the next sample is a sound's first.
    pub fn reset(&mut self) {
        if let Some(sinc) = &mut self.sinc {
            sinc.restart();
        }
    }

    /// How long after a sound's capture its sample may come out, in seconds: the half of the
    /// filter that looks ahead, and a chunk.
    pub fn delay_s(&self) -> f64 {
        self.sinc.as_ref().map_or(0.0, |sinc| {
            (sinc.taps / 2 + 1 + sinc.pending.samples.len()) as f64 / f64::from(self.input_rate_hz)
        })
    }
}

/// Input that waits until it fills a chunk.
struct Chunk {
    samples: Vec<f64>,
    filled: usize,
}

struct Sinc {
    rubato: Async<f64>,
    taps: usize,
    rate_hz: u32,
    output_hz: u32,
    pending: Chunk,
    produced: Vec<f64>,
    /// Silence put before a sound, so that its first sample falls on an output sample.
    lead_in: usize,
    /// Output samples that speak of times before the sound's first sample.
    outputs_before: usize,
    /// Of those, how many are still to come.
    to_skip: usize,
    input_samples: u64,
    output_samples: u64,
}

impl Sinc {
    fn new(rate_hz: u32, output_hz: u32) -> Result<Self, ResampleError> {
        let failed = |e: &dyn std::fmt::Display| ResampleError::Construction {
            rate_hz,
            output_hz,
            reason: e.to_string(),
        };
        let rate = f64::from(rate_hz);
        let ratio = f64::from(output_hz) / rate;
        // The steps from an output sample to the next, in input samples, are `period_in / period_out`.
        let divisor = greatest_common_divisor(rate_hz, output_hz);
        let period_in = (rate_hz / divisor) as usize;
        let period_out = (output_hz / divisor) as usize;

        let taps = ((FILTER_LENGTH_S * rate).ceil() as usize)
            .max(MIN_TAPS)
            .next_multiple_of(8);
        // The stop band begins at the half of the lower rate.
        let stop_hz = rate.min(f64::from(output_hz)) / 2.0;
        let cutoff = 1.0 - MAIN_LOBE_BINS * rate / taps as f64 / stop_hz;
        let parameters = SincInterpolationParameters::new(taps, WindowFunction::BlackmanHarris)
            .f_cutoff(cutoff as f32);
        let parameters = if period_out <= MAX_EXACT_POSITIONS {
            parameters
                .oversampling_factor(MIN_POSITIONS.next_multiple_of(period_out))
                .interpolation(SincInterpolationType::Nearest)
        } else {
            parameters
                .oversampling_factor(MIN_POSITIONS)
                .interpolation(SincInterpolationType::Cubic)
        };
        let chunk = (CHUNK_S * rate).ceil() as usize;
        let rubato = Async::new_sinc(ratio, 1.0, &parameters, chunk, 1, FixedAsync::Input)
            .map_err(|e| failed(&e))?;

        // rubato's output sample n speaks of the input at (n + 1) · step - taps / 2. With
        // `lead_in` samples of silence in front, the sound's first sample lies a whole number of
        // periods after the first of these places.
        let periods = (taps / 2).div_ceil(period_in);
        let lead_in = periods * period_in - taps / 2;
        let outputs_before = periods * period_out - 1;
        let mut sinc = Self {
            produced: vec![0.0; rubato.output_frames_max()],
            rubato,
            taps,
            rate_hz,
            output_hz,
            pending: Chunk {
                samples: vec![0.0; chunk],
                filled: 0,
            },
            lead_in,
            outputs_before,
            to_skip: 0,
            input_samples: 0,
            output_samples: 0,
        };
        sinc.restart();
        Ok(sinc)
    }

    fn restart(&mut self) {
        self.rubato.reset();
        self.pending.filled = 0;
        self.to_skip = self.outputs_before;
        self.input_samples = 0;
        self.output_samples = 0;
        let mut nothing = Vec::new();
        for _ in 0..self.lead_in {
            self.feed(0.0, &mut nothing);
        }
        debug_assert!(nothing.is_empty());
    }

    fn push(&mut self, mono: &[f32], out: &mut Vec<f32>) {
        self.input_samples += mono.len() as u64;
        for &sample in mono {
            self.feed(f64::from(sample), out);
        }
    }

    fn flush(&mut self, out: &mut Vec<f32>) {
        let rate = u64::from(self.rate_hz);
        let total = (self.input_samples * u64::from(self.output_hz) * 2 + rate) / (2 * rate);
        while self.output_samples < total {
            self.feed(0.0, out);
        }
        out.truncate(out.len() - (self.output_samples - total) as usize);
        self.restart();
    }

    fn feed(&mut self, sample: f64, out: &mut Vec<f32>) {
        self.pending.samples[self.pending.filled] = sample;
        self.pending.filled += 1;
        if self.pending.filled == self.pending.samples.len() {
            self.pending.filled = 0;
            self.process_chunk(out);
        }
    }

    fn process_chunk(&mut self, out: &mut Vec<f32>) {
        let (chunk, room) = (self.pending.samples.len(), self.produced.len());
        // The only errors are wrong buffer lengths, and the lengths are rubato's own.
        let produced = InterleavedSlice::new(&self.pending.samples, 1, chunk)
            .ok()
            .and_then(|input| {
                let mut output = InterleavedSlice::new_mut(&mut self.produced, 1, room).ok()?;
                self.rubato
                    .process_into_buffer(&input, &mut output, None)
                    .ok()
            });
        debug_assert!(produced.is_some());
        let frames = produced.map_or(0, |(_, frames)| frames);
        let skipped = frames.min(self.to_skip);
        self.to_skip -= skipped;
        out.extend(self.produced[skipped..frames].iter().map(|&x| x as f32));
        self.output_samples += (frames - skipped) as u64;
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
