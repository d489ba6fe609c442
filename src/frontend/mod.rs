//! Samples in, windows of log-mel frames out.
//!
//! [`resample`] brings any rate to 22 050 Hz, [`stft`] takes magnitude spectra, [`mel`] sums
//! them into bands, [`window`] collects frames into the windows a network looks at.
//! The daemon, `detect` and the trainer all go through here, so a network
//! sees the same numbers in training and on stage.
//!
//! [`separation`] and [`separated_mel`] are another frontend, for recordings only: what the
//! Bi-LSTM hears. [`features`] says which of the two a network looks at.

pub mod features;
pub mod level;
pub mod mel;
pub mod resample;
pub mod separated_mel;
pub mod separation;
pub mod stft;
pub mod window;

pub use features::Features;
pub use level::SoundLevel;
pub use mel::LogMel;
pub use separated_mel::SeparatedMel;
pub use window::{CaptureTime, Window, WindowLength, Windower};

/// The rate every stage after the resampler works at (Gui et al. 2022, section 3.1).
pub const SAMPLE_RATE_HZ: u32 = 22_050;
/// Samples in a spectrum: 46.4 ms.
pub const FRAME_SAMPLES: usize = 1024;
/// Samples between frames: 14.286 ms, 70 frames a second.
pub const HOP_SAMPLES: usize = 315;
/// Mel bands of a frame.
pub const MEL_BANDS: usize = 80;
/// Lower edge of the first mel band: the lowest note of a piano.
pub const MEL_MIN_HZ: f64 = 27.5;
/// Upper edge of the last mel band.
pub const MEL_MAX_HZ: f64 = 8000.0;
/// Magnitudes below this count as this before the logarithm.
pub const LOG_FLOOR: f32 = 1e-5;
/// Frames from a window to the next: 71.43 ms, fourteen windows a second.
pub const WINDOW_HOP_FRAMES: usize = 5;
/// Samples from the start of a window to the start of the next.
pub const WINDOW_HOP_SAMPLES: usize = WINDOW_HOP_FRAMES * HOP_SAMPLES;
