//! Options of `run` and `detect` for the model and the decision, applied over the configuration file.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::{Config, ConfigError, FromCheckpoint};

/// `N/M` on the command line.
#[derive(Debug, Clone, Copy)]
pub struct Confirm {
    n: u32,
    m: u32,
}

impl FromStr for Confirm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('/')
            .and_then(|(n, m)| {
                Some(Self {
                    n: n.parse().ok()?,
                    m: m.parse().ok()?,
                })
            })
            .ok_or_else(|| "write N/M, as 3/5 for three of the last five windows".into())
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Decision")]
pub struct DecisionOptions {
    /// Configuration file (TOML); options override it
    #[arg(
        long,
        value_name = "FILE",
        env = "VOCALD_CONFIG",
        help_heading = None
    )]
    config: Option<PathBuf>,
    /// Use the longest look-ahead that is at most this, in seconds [default: from the checkpoint]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    lookahead: Option<f64>,
    /// Decide for the frame this many frames (14.286 ms each) before the window's last; `vocald model info`
    /// lists the model's horizons [default: from the checkpoint]
    #[arg(long, value_name = "FRAMES", conflicts_with = "lookahead")]
    horizon: Option<u32>,
    /// Shift the onset, re-entry and offset thresholds together, by the difference between this probability
    /// and the checkpoint's own threshold [default: no shift]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// Onset threshold: voice begins at this probability or above [default: from the checkpoint]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    enter: Option<f32>,
    /// Onset threshold while recent output contained singing; as high as --enter for no difference [default:
    /// from the checkpoint]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    reenter: Option<f32>,
    /// Time constant of "recent", in seconds [default: from the checkpoint]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    recency: Option<f32>,
    /// Offset threshold: voice ends below this probability [default: from the checkpoint]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    leave: Option<f32>,
    /// Windows that must agree before the state changes, N of the last M [default: from the checkpoint]
    #[arg(long, value_name = "N/M")]
    confirm: Option<Confirm>,
    /// Minimum duration of a voice segment, in seconds [default: from the checkpoint]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    min_voice: Option<f32>,
    /// Bridge gaps between voice segments that are shorter than this, in seconds [default: from the
    /// checkpoint]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    min_gap: Option<f32>,
    /// Checkpoint: a file, or the name of one that `vocald model list` shows [default: the built-in one]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Model")]
    model: Option<String>,
    /// Device of the network: auto (CUDA if available), cpu or cuda:N [default: auto]
    #[arg(long, help_heading = "Model")]
    device: Option<String>,
    /// Precision of the network: float32, bfloat16 (weights of half the size), float16 (half the time; needs
    /// AVX512-FP16 or a GPU), or auto: on a CPU float16 if it has it, else bfloat16 for weights of more than 32 MiB,
    /// where that hardly moves a probability, else float32 [default: auto]
    #[arg(long, help_heading = "Model")]
    precision: Option<String>,
}

impl DecisionOptions {
    /// The configuration file or the defaults, overridden by the environment and then by these options. The
    /// sources are not checked yet.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::load(self.config.as_deref(), environment())?;
        if let Some(model) = &self.model {
            config.model.file.clone_from(model);
            config.model.find()?;
        }
        if let Some(device) = &self.device {
            config.model.device.clone_from(device);
        }
        if let Some(precision) = &self.precision {
            config.model.precision.clone_from(precision);
        }
        let decision = &mut config.decision;
        if self.horizon.is_some() || self.lookahead.is_some() {
            decision.horizon_frames = self.horizon.into();
            decision.lookahead_s = self.lookahead.into();
        }
        set(&mut decision.threshold, self.threshold);
        set(&mut decision.enter, self.enter);
        set(&mut decision.reenter, self.reenter);
        set(&mut decision.recency_s, self.recency);
        set(&mut decision.leave, self.leave);
        set(&mut decision.confirm_n, self.confirm.map(|c| c.n));
        set(&mut decision.confirm_m, self.confirm.map(|c| c.m));
        set(&mut decision.min_voice_s, self.min_voice);
        set(&mut decision.min_gap_s, self.min_gap);
        Ok(config)
    }
}

/// The process's environment variables that are valid UTF-8.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

fn set<T>(value: &mut FromCheckpoint<T>, option: Option<T>) {
    if let Some(option) = option {
        *value = FromCheckpoint::Set(option);
    }
}
