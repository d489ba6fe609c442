//! Options that `run` and `detect` share, laid over the configuration file.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::{Config, ConfigError, FromCheckpoint};

/// `N/M`, as on the command line.
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
#[command(next_help_heading = "Model and decision")]
pub struct Settings {
    /// Configuration file (TOML); options given here have the last word.
    #[arg(long, value_name = "FILE", env = "VOCALD_CONFIG")]
    config: Option<PathBuf>,
    /// Checkpoint to use instead of the one inside the program.
    #[arg(long, value_name = "FILE")]
    model: Option<String>,
    /// What inference runs on: auto (CUDA when there is one), cpu or cuda:N.
    #[arg(long)]
    device: Option<String>,
    /// Decide on the frame this far before the window's last, in frames of 14.286 ms
    /// (`vocald model info` lists those that the model offers).
    #[arg(long, value_name = "FRAMES", conflicts_with = "lookahead")]
    horizon: Option<u32>,
    /// Decide with the longest look-ahead that is not above this, in seconds.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    lookahead: Option<f64>,
    /// Move the thresholds to enter and to leave voice together, by the distance of this probability
    /// from the checkpoint's own threshold.
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// Voice begins at this probability and above.
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    enter: Option<f32>,
    /// Onset threshold while recent output contained singing; equal to --enter it makes no difference.
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    reenter: Option<f32>,
    /// Time constant of "recent", in seconds.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    recency: Option<f32>,
    /// Voice ends below this probability.
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    leave: Option<f32>,
    /// How many of the last windows must agree before the state changes.
    #[arg(long, value_name = "N/M")]
    confirm: Option<Confirm>,
    /// A voice that has begun lasts at least this long.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    min_voice: Option<f32>,
    /// A shorter gap between voices is bridged.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    min_gap: Option<f32>,
}

impl Settings {
    /// The file or the defaults, with the environment and then the options laid over. The sources are
    /// still unchecked.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::load(self.config.as_deref(), environment())?;
        if let Some(model) = &self.model {
            config.model.file.clone_from(model);
        }
        if let Some(device) = &self.device {
            config.model.device.clone_from(device);
        }
        let decision = &mut config.decision;
        if self.horizon.is_some() || self.lookahead.is_some() {
            decision.horizon_frames = self.horizon.into();
            decision.lookahead_s = self.lookahead.into();
        }
        over(&mut decision.threshold, self.threshold);
        over(&mut decision.enter, self.enter);
        over(&mut decision.reenter, self.reenter);
        over(&mut decision.recency_s, self.recency);
        over(&mut decision.leave, self.leave);
        over(&mut decision.confirm_n, self.confirm.map(|c| c.n));
        over(&mut decision.confirm_m, self.confirm.map(|c| c.m));
        over(&mut decision.min_voice_s, self.min_voice);
        over(&mut decision.min_gap_s, self.min_gap);
        Ok(config)
    }
}

/// The variables that are text.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

fn over<T>(value: &mut FromCheckpoint<T>, option: Option<T>) {
    if let Some(option) = option {
        *value = FromCheckpoint::Set(option);
    }
}
