//! The settings of the frontend that a checkpoint was trained with.

use serde::{Deserialize, Serialize};

use crate::frontend;
use crate::frontend::separated_mel as separated;
use crate::frontend::separation::{ALPHA, GAMMA, ITERATIONS};
use crate::frontend::{Features, WindowLength};

/// Settings of the frontend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontendSettings {
    /// Sample rate in Hz.
    pub sample_rate_hz: u32,
    /// Samples in a frame of the spectrogram.
    pub frame_samples: usize,
    /// Samples from one frame to the next.
    pub hop_samples: usize,
    /// Mel bands.
    pub mel_bands: usize,
    /// Lower edge of the lowest band in Hz.
    pub mel_min_hz: f64,
    /// Upper edge of the highest band in Hz.
    pub mel_max_hz: f64,
    /// Minimum under the logarithm: a magnitude, or with separation an energy.
    pub log_floor: f32,
    /// Frames in a window or sequence.
    pub window_frames: usize,
    /// Frames from one window or sequence to the next.
    pub window_hop_frames: usize,
    /// Settings of the separation, if the sound is separated first; each part then has half the bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation: Option<SeparationSettings>,
}

/// Settings of the two-stage separation. Its second stage has the frames of the frontend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeparationSettings {
    /// Samples in a frame of the first stage.
    pub first_frame_samples: usize,
    /// Samples from one frame of the first stage to the next.
    pub first_hop_samples: usize,
    /// Range compression, see [`GAMMA`].
    pub gamma: f32,
    /// Balance of the parts, see [`ALPHA`].
    pub alpha: f32,
    /// Updates, see [`ITERATIONS`].
    pub iterations: usize,
}

impl FrontendSettings {
    /// The settings for these features.
    pub fn of_features(features: Features) -> Self {
        match features {
            Features::Mel(window) => Self::of(window),
            Features::SeparatedMel => Self {
                sample_rate_hz: separated::SEPARATED_RATE_HZ,
                frame_samples: separated::SECOND_FRAME_SAMPLES,
                hop_samples: separated::SEPARATED_HOP_SAMPLES,
                mel_bands: frontend::MEL_BANDS,
                mel_min_hz: separated::PART_MIN_HZ,
                mel_max_hz: separated::PART_MAX_HZ,
                log_floor: separated::ENERGY_FLOOR,
                window_frames: separated::SEQUENCE_FRAMES,
                window_hop_frames: separated::SEQUENCE_HOP_FRAMES,
                separation: Some(SeparationSettings {
                    first_frame_samples: separated::FIRST_FRAME_SAMPLES,
                    first_hop_samples: separated::FIRST_FRAME_SAMPLES / 2,
                    gamma: GAMMA,
                    alpha: ALPHA,
                    iterations: ITERATIONS,
                }),
            },
        }
    }

    /// The settings for log-mel windows of this length.
    pub fn of(window: WindowLength) -> Self {
        Self {
            sample_rate_hz: frontend::SAMPLE_RATE_HZ,
            frame_samples: frontend::FRAME_SAMPLES,
            hop_samples: frontend::HOP_SAMPLES,
            mel_bands: frontend::MEL_BANDS,
            mel_min_hz: frontend::MEL_MIN_HZ,
            mel_max_hz: frontend::MEL_MAX_HZ,
            log_floor: frontend::LOG_FLOOR,
            window_frames: window.frames(),
            window_hop_frames: frontend::WINDOW_HOP_FRAMES,
            separation: None,
        }
    }
}
