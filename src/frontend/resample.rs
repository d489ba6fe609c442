//! Conversion of mono sound from any sample rate to 22 050 Hz (16 kHz for recordings that are
//! separated), without a time shift.
//!
//! It is done by rubato's windowed-sinc resampler. Its FFT resampler works in blocks of whole
//! periods of the ratio (1 sample at 11 025 Hz, but 44 101 samples, a second of latency, at
//! 44 101 Hz), while the length of a sinc filter can be chosen.
//!
//! The filter has a Blackman-Harris window (side lobes below -92 dB), is 4 ms long and has at
//! least 192 taps. At 44.1 and 48 kHz it passes sound up to 9 kHz, above the last mel band's
//! 8 kHz, rejects everything from 11.025 kHz on, and looks 2 ms ahead. Low rates have little
//! bandwidth to spare and need the taps for a steep edge: 16 kHz passes up to 7.3 kHz and looks
//! 6 ms ahead.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::frontend::SAMPLE_RATE_HZ;

/// Lowest sample rate of a source, in Hz.
pub const MIN_INPUT_RATE_HZ: u32 = 8_000;
/// Highest sample rate of a source, in Hz.
pub const MAX_INPUT_RATE_HZ: u32 = 192_000;

/// Filter length at high rates: it makes the transition band 2 kHz wide and lets it end at half
/// of 22 050 Hz, above the last mel band.
const FILTER_LENGTH_S: f64 = 0.004;
/// Filter length at low rates: the transition band of a 16 kHz source is 667 Hz wide.
const MIN_TAPS: usize = 192;
/// Reach of a Blackman-Harris window's main lobe to each side, in bins (rate / taps).
const MAIN_LOBE_BINS: f64 = 4.0;
/// Chunk in which input is processed, whatever the caller's blocks are, so that the output does
/// not depend on them. 1 ms adds little latency.
const CHUNK_S: f64 = 0.001;
/// Positions between two input samples for which filters are tabulated, at least: output times
/// are exact to 1/256 of an input sample.
const MIN_POSITIONS: usize = 256;
/// Up to this many positions the table holds every position that occurs, without interpolation.
const MAX_EXACT_POSITIONS: usize = 1024;

/// Why there is no resampler for a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// The source's rate is not supported.
    #[error(
        "a sample rate of {rate_hz} Hz cannot be used: choose one from {MIN_INPUT_RATE_HZ} to \
         {MAX_INPUT_RATE_HZ} Hz"
    )]
    Rate {
        /// Sample rate of the source in Hz.
        rate_hz: u32,
    },
    /// rubato refuses the parameters.
    #[error("no resampler from {rate_hz} Hz to {output_hz} Hz could be made: {reason}")]
    Construction {
        /// Sample rate of the source in Hz.
        rate_hz: u32,
        /// Requested sample rate in Hz.
        output_hz: u32,
        /// The cause.
        reason: String,
    },
}

/// Checks that a source's rate is supported.
///
/// # Errors
/// When it is below [`MIN_INPUT_RATE_HZ`] or above [`MAX_INPUT_RATE_HZ`].
pub fn check_rate(rate_hz: u32) -> Result<(), ResampleError> {
    match (MIN_INPUT_RATE_HZ..=MAX_INPUT_RATE_HZ).contains(&rate_hz) {
        true => Ok(()),
        false => Err(ResampleError::Rate { rate_hz }),
    }
}

/// Converts mono sound from one rate to another, block by block.
///
/// Output sample n is at time n / output rate: the filter's delay is removed at the start.
/// The output does not depend on the sizes of the input blocks, bit for bit.
/// Sound that already has the output rate passes unchanged.
pub struct Resampler {
    input_rate_hz: u32,
    sinc: Option<Sinc>,
}

impl Resampler {
    /// A resampler to 22 050 Hz.
    ///
    /// # Errors
    /// When `input_rate_hz` is not between 8 000 and 192 000.
    pub fn new(input_rate_hz: u32) -> Result<Self, ResampleError> {
        Self::to(SAMPLE_RATE_HZ, input_rate_hz)
    }

    /// A resampler to `output_hz`, at least 8 000. Frequencies a little below half of it are
    /// attenuated: for 16 kHz, those from 7 kHz on.
    ///
    /// # Errors
    /// When `input_rate_hz` is not between 8 000 and 192 000.
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

    /// Sample rate of the input in Hz.
    pub fn input_rate_hz(&self) -> u32 {
        self.input_rate_hz
    }

    /// Takes samples and appends to `out` all output that they complete.
    pub fn push(&mut self, mono: &[f32], out: &mut Vec<f32>) {
        match &mut self.sinc {
            None => out.extend_from_slice(mono),
            Some(sinc) => sinc.push(mono, out),
        }
    }

    /// Ends the sound: appends what the filter still holds, so that the whole output has
    /// round(input samples · output rate / input rate) samples, and resets the resampler.
    pub fn flush(&mut self, out: &mut Vec<f32>) {
        if let Some(sinc) = &mut self.sinc {
            sinc.flush(out);
        }
    }

    /// Discards everything pushed so far, as after lost samples: the next sample is the first of
    /// a new sound.
    pub fn reset(&mut self) {
        if let Some(sinc) = &mut self.sinc {
            sinc.restart();
        }
    }

    /// Longest time in seconds from a sample's capture to its output: half the filter, which looks
    /// ahead, and one chunk.
    pub fn delay_s(&self) -> f64 {
        self.sinc.as_ref().map_or(0.0, |sinc| {
            (sinc.taps / 2 + 1 + sinc.pending.samples.len()) as f64 / f64::from(self.input_rate_hz)
        })
    }
}

/// Input that does not fill a chunk yet.
struct Chunk {
    samples: Vec<f64>,
    filled: usize,
}

/// The resampler for different rates.
struct Sinc {
    rubato: Async<f64>,
    taps: usize,
    rate_hz: u32,
    output_hz: u32,
    pending: Chunk,
    produced: Vec<f64>,
    /// Samples of silence before a sound, which put its first sample at an output sample.
    lead_in: usize,
    /// Output samples before the sound's first sample.
    outputs_before: usize,
    /// How many of them are still to come.
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
        // One output sample is `period_in / period_out` input samples.
        let divisor = greatest_common_divisor(rate_hz, output_hz);
        let period_in = (rate_hz / divisor) as usize;
        let period_out = (output_hz / divisor) as usize;

        let taps = ((FILTER_LENGTH_S * rate).ceil() as usize)
            .max(MIN_TAPS)
            .next_multiple_of(8);
        // The stop band begins at half the lower rate.
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

        // rubato's output sample n is at input position (n + 1) · step - taps / 2. With `lead_in`
        // samples of silence in front, the sound's first sample is at such a position too, a
        // whole number of periods from input position -taps / 2.
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
        // Fails only for wrong buffer lengths, and rubato chose the lengths.
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
