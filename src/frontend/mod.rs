//! Features of networks, computed from mono samples.
//!
//! For live and recorded sound: [`resample`] converts any rate to 22 050 Hz, [`mel`] computes
//! log-mel frames, [`window`] collects frames into the windows that are a network's input.
//! Daemon, `detect` and training share this code, so that a network gets the same numbers in
//! all of them.
//!
//! For whole recordings only, the input of the Bi-LSTM: [`separation`] splits harmonic from
//! percussive sound, [`separated_mel`] computes the features of the parts.
//!
//! [`features`] names the kind of features that a network takes.

mod dot_product;
pub mod features;
pub mod level;
pub mod mel;
pub mod resample;
pub mod separated_mel;
pub mod separation;
mod stft;
pub mod window;

pub use features::Features;
pub use level::SoundLevel;
pub use mel::LogMel;
pub use separated_mel::SeparatedMel;
pub use window::{CaptureTime, Window, WindowLength, Windower};

/// Sample rate of all stages after the resampler (Gui et al. 2022, section 3.1).
pub const SAMPLE_RATE_HZ: u32 = 22_050;
/// Samples in a frame, of which a spectrum is taken: 46.4 ms.
pub const FRAME_SAMPLES: usize = 1024;
/// Samples from one frame to the next: 14.286 ms, 70 frames per second.
pub const HOP_SAMPLES: usize = 315;
/// Mel bands in a frame.
pub const MEL_BANDS: usize = 80;
/// Lower edge of the first mel band: the lowest note of a piano.
pub const MEL_MIN_HZ: f64 = 27.5;
/// Upper edge of the last mel band.
pub const MEL_MAX_HZ: f64 = 8000.0;
/// Floor of the magnitudes before the logarithm.
pub const LOG_FLOOR: f32 = 1e-5;
/// Frames from one window to the next: 71.43 ms, 14 windows per second.
pub const WINDOW_HOP_FRAMES: usize = 5;
/// Samples from the start of a window to the start of the next.
pub const WINDOW_HOP_SAMPLES: usize = WINDOW_HOP_FRAMES * HOP_SAMPLES;
