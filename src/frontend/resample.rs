//! Conversion of mono sound from any sample rate to 22 050 Hz (16 kHz for recordings that are
//! separated), without a time shift.
//!
//! Each output sample is a product of a windowed sinc, tabulated at every position between two input samples that
//! occurs, with the input around it (a polyphase filter).
//!
//! The filter has a Blackman-Harris window (side lobes below -92 dB), is 4 ms long and has at
//! least 192 taps. At 44.1 and 48 kHz it passes sound up to 9 kHz, above the last mel band's
//! 8 kHz, rejects everything from 11.025 kHz on, and looks 2 ms ahead. Low rates have little
//! bandwidth to spare and need the taps for a steep edge: 16 kHz passes up to 7.3 kHz and looks
//! 6 ms ahead.

use crate::frontend::SAMPLE_RATE_HZ;
use crate::frontend::dot_product::{LANES, Product, product_for_processor};

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
/// Up to this many positions between two input samples, all of them are tabulated.
const MAX_EXACT_POSITIONS: usize = 1024;
/// Otherwise so many are, and the filters between them interpolated: 100 dB below the sound.
const POSITIONS: usize = 256;

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
            false => Some(Sinc::new(input_rate_hz, output_hz)),
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

    /// Longest time in seconds from a sample's capture to its output: half the filter, which looks ahead.
    pub fn delay_s(&self) -> f64 {
        self.sinc.as_ref().map_or(0.0, |sinc| {
            (sinc.taps / 2 + 1) as f64 / f64::from(self.input_rate_hz)
        })
    }
}

/// The resampler for different rates.
struct Sinc {
    rate_hz: u32,
    output_hz: u32,
    taps: usize,
    filters: Filters,
    /// Input from the first tap of the next output sample on.
    input: Vec<f32>,
    /// Position of the next output sample beyond the input sample before it, in units of `1 / period_out` input
    /// samples.
    fraction: usize,
    /// One output sample is `period_in / period_out` input samples.
    period_in: usize,
    period_out: usize,
    input_samples: u64,
    output_samples: u64,
}

/// Filters for positions between two input samples, in equal steps from 0 to 1.
struct Filters {
    taps: usize,
    /// Steps from 0 to 1.
    positions: usize,
    /// (positions + 1) × taps.
    values: Vec<f32>,
}

impl Sinc {
    fn new(rate_hz: u32, output_hz: u32) -> Self {
        let rate = f64::from(rate_hz);
        let divisor = greatest_common_divisor(rate_hz, output_hz);
        let period_out = (output_hz / divisor) as usize;
        let taps = ((FILTER_LENGTH_S * rate).ceil() as usize)
            .max(MIN_TAPS)
            .next_multiple_of(LANES);
        // The stop band begins at half the lower rate.
        let stop_hz = rate.min(f64::from(output_hz)) / 2.0;
        let cutoff_hz = stop_hz - MAIN_LOBE_BINS * rate / taps as f64;
        let positions = match period_out {
            ..=MAX_EXACT_POSITIONS => period_out,
            _ => POSITIONS,
        };
        let mut sinc = Self {
            rate_hz,
            output_hz,
            taps,
            filters: Filters::new(taps, positions, 2.0 * cutoff_hz / rate),
            input: Vec::new(),
            fraction: 0,
            period_in: (rate_hz / divisor) as usize,
            period_out,
            input_samples: 0,
            output_samples: 0,
        };
        sinc.restart();
        sinc
    }

    fn restart(&mut self) {
        self.input.clear();
        // Silence before the sound, half a filter of it.
        self.input.resize(self.taps / 2 - 1, 0.0);
        self.fraction = 0;
        self.input_samples = 0;
        self.output_samples = 0;
    }

    fn push(&mut self, mono: &[f32], out: &mut Vec<f32>) {
        self.input_samples += mono.len() as u64;
        self.input.extend_from_slice(mono);
        self.produce(u64::MAX, out);
    }

    fn flush(&mut self, out: &mut Vec<f32>) {
        let rate = u64::from(self.rate_hz);
        let total = (self.input_samples * u64::from(self.output_hz) * 2 + rate) / (2 * rate);
        // The last output sample may lie half of one beyond the input.
        let silence = self.taps + self.period_in.div_ceil(self.period_out);
        self.input.resize(self.input.len() + silence, 0.0);
        self.produce(total, out);
        self.restart();
    }

    /// Appends the output samples that the input completes, up to `total` of the sound.
    fn produce(&mut self, total: u64, out: &mut Vec<f32>) {
        let product = product_for_processor();
        let mut first = 0;
        while let Some(input) = self.input.get(first..first + self.taps)
            && self.output_samples < total
        {
            let sample = self
                .filters
                .apply(self.fraction, self.period_out, input, product);
            out.push(sample);
            self.output_samples += 1;
            self.fraction += self.period_in;
            first += self.fraction / self.period_out;
            self.fraction %= self.period_out;
        }
        // One step is shorter than a filter, so the next output sample begins within the input.
        self.input.drain(..first);
    }
}

impl Filters {
    /// Windowed sincs of this cutoff frequency, relative to half the input rate.
    fn new(taps: usize, positions: usize, cutoff: f64) -> Self {
        let mut values = Vec::with_capacity((positions + 1) * taps);
        for position in 0..=positions {
            let centre = (taps / 2 - 1) as f64 + position as f64 / positions as f64;
            let filter: Vec<f64> = (0..taps)
                .map(|tap| {
                    let x = tap as f64 - centre;
                    sinc(cutoff * x) * blackman_harris(x / taps as f64)
                })
                .collect();
            // Constant sound keeps its level at every position.
            let sum: f64 = filter.iter().sum();
            values.extend(filter.iter().map(|value| (value / sum) as f32));
        }
        Self {
            taps,
            positions,
            values,
        }
    }

    /// The output sample at the position `fraction / of` between two input samples.
    fn apply(&self, fraction: usize, of: usize, input: &[f32], product: Product) -> f32 {
        let filter = |position: usize| &self.values[position * self.taps..][..self.taps];
        if of == self.positions {
            return product(input, filter(fraction));
        }
        let place = fraction * self.positions;
        let (below, between) = (place / of, (place % of) as f32 / of as f32);
        let [low, high] = [below, below + 1].map(|position| product(input, filter(position)));
        low + between * (high - low)
    }
}

fn sinc(x: f64) -> f64 {
    let x = std::f64::consts::PI * x;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// The window at `x`, from -1/2 to 1/2 (Harris 1978: four terms, side lobes below -92 dB).
fn blackman_harris(x: f64) -> f64 {
    const TERMS: [f64; 4] = [0.35875, 0.48829, 0.14128, 0.01168];
    let phase = std::f64::consts::TAU * x;
    let terms = TERMS.iter().zip(0u8..);
    terms.map(|(a, k)| a * (f64::from(k) * phase).cos()).sum()
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
