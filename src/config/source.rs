//! `[[source]]`: an audio source and its channels.
//!
//! The texts are parsed by the types of [`audio`](crate::audio), so that the command line and the configuration
//! share one grammar.

use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocald_client::message::Counts;

use crate::audio::{
    AudioError, ChannelChoice, DEFAULT_REOPEN_AFTER, Encoding, Pace, PcmFormat, SourceOptions,
    SourceSpec,
};
use crate::config::model::find;
use crate::config::{ConfigError, DecisionConfig, SourceDecisionConfig};
use crate::decision::NO_GATE_DB;
use crate::frontend::resample;

/// Less is shorter than the blocks of some sound servers.
const STALL_MIN_S: f64 = 0.1;
const STALL_MAX_S: f64 = 3600.0;
/// Values of `gain_db`.
pub const GAIN_DB: RangeInclusive<f32> = -60.0..=60.0;
/// Values of `gate_db`.
pub const GATE_DB: RangeInclusive<f32> = NO_GATE_DB..=0.0;

/// An audio source. Several run side by side and share the model; each is a table of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// Name of the stream in messages, different for each source. Empty: the input.
    pub name: String,
    /// `device:default`, `device:NAME`, `device:ID`, the path of a file, `fifo:PATH`, `-` for standard input, or
    /// `sim:SCRIPT` for a simulated device.
    pub input: String,
    /// The file or FIFO that `input` shows, if its path is not UTF-8. Only the command line can name one.
    #[serde(skip)]
    pub path: Option<PathBuf>,
    /// `all`, or channel numbers from 1, as `1,2`; the mean of these channels is used.
    pub use_channels: String,
    /// Whether each of these channels is a stream of its own, called `NAME/1`, `NAME/2` and so on.
    pub each_channel: bool,
    /// Files and simulations only: `realtime`, or `max` for as fast as the machine can.
    pub pace: String,
    /// Standard input and FIFOs only, required there: `s16le`, `f32le` or another of docs/sound-formats.md.
    pub format: String,
    /// Sample rate of standard input and FIFOs, required there; of a device, the rate to request. 0: the device's own.
    pub rate_hz: u32,
    /// Number of channels of standard input and FIFOs, required there; of a device, the number to request. 0: the
    /// device's own.
    pub channels: u16,
    /// Devices only: frames per callback. 0: the device's own.
    pub period_frames: u32,
    /// After this time without sound, in seconds, an open voice is closed and the stream is `stalled`. 0.1 to 3600.
    /// Files at full pace never stall.
    pub stall_s: f64,
    /// What counts as its voice, for every receiver: `singing`; `speech`; or `either`. The last two need a model with an
    /// output for speech (`vocald model info`).
    pub counts: Counts,
    /// Devices only: whether one that is not there is waited for. If not, a run without it does not start.
    pub wait: bool,
    /// Path of a checkpoint for this source, the name of a shipped one, or `built-in`. Empty: that of `[model]`.
    pub model: String,
    /// Amplification of the sound before anything else, -60 to 60 dB.
    pub gain_db: f32,
    /// Sound below this level is no voice, -120 to 0 dB of full scale after `gain_db`: against the bleed of other
    /// singers. -120: no gate.
    pub gate_db: f32,
    #[allow(missing_docs)] // Documented by its type.
    pub decision: SourceDecisionConfig,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            input: "device:default".into(),
            path: None,
            use_channels: "all".into(),
            each_channel: false,
            pace: "realtime".into(),
            format: String::new(),
            rate_hz: 0,
            channels: 0,
            period_frames: 0,
            stall_s: 1.0,
            counts: Counts::default(),
            wait: true,
            model: String::new(),
            gain_db: 0.0,
            gate_db: NO_GATE_DB,
            decision: SourceDecisionConfig::default(),
        }
    }
}

impl SourceConfig {
    /// Name of the source in messages.
    pub fn stream_name(&self) -> &str {
        if self.name.is_empty() {
            &self.input
        } else {
            &self.name
        }
    }

    /// The parsed `input`.
    ///
    /// # Errors
    ///
    /// If `input` is not a source.
    pub fn spec(&self) -> Result<SourceSpec, ConfigError> {
        match &self.path {
            Some(path) => Ok(match path.as_os_str().as_bytes().strip_prefix(b"fifo:") {
                Some(fifo) => SourceSpec::Fifo(OsStr::from_bytes(fifo).into()),
                None => SourceSpec::File(path.clone()),
            }),
            None => self.input.parse().map_err(|e| self.invalid("input", &e)),
        }
    }

    /// The parsed `use_channels`.
    ///
    /// # Errors
    ///
    /// If `use_channels` is not a choice of channels.
    pub fn channel_choice(&self) -> Result<ChannelChoice, ConfigError> {
        self.use_channels
            .parse()
            .map_err(|e| self.invalid("use_channels", &e))
    }

    /// Whether the source can wait for the stages after it, so that no sound need be lost: files at full speed, and
    /// pipes, whose writer waits.
    ///
    /// # Errors
    ///
    /// If `input` or `pace` is not valid.
    pub fn can_wait(&self) -> Result<bool, ConfigError> {
        Ok(match self.spec()? {
            SourceSpec::Device(_) => false,
            SourceSpec::File(_) | SourceSpec::Sim(_) => self.pace()? == Pace::Max,
            SourceSpec::Stdin | SourceSpec::Fifo(_) => true,
        })
    }

    /// The error of `counts` where the model has no output for speech.
    pub fn no_speech_output(&self, model: &str) -> ConfigError {
        let problem = format!(
            "`{}` needs an output for speech, which the model {model} does not have",
            self.counts.word()
        );
        self.invalid("counts", &problem)
    }

    /// `stall_s`, within its limits.
    #[allow(clippy::manual_clamp)] // `clamp` would keep NaN.
    pub fn stall_after(&self) -> Duration {
        // NaN becomes the lower limit.
        Duration::from_secs_f64(self.stall_s.max(STALL_MIN_S).min(STALL_MAX_S))
    }

    /// How to open the source.
    ///
    /// # Errors
    ///
    /// If `input`, `pace` or `format` is not valid, or raw samples lack one of `format`, `rate_hz` and `channels`.
    pub fn options(&self) -> Result<SourceOptions, ConfigError> {
        let own = |n: u32| (n > 0).then_some(n);
        let pcm = match self.spec()? {
            SourceSpec::Stdin | SourceSpec::Fifo(_) => Some(self.pcm()?),
            SourceSpec::Device(_) | SourceSpec::File(_) | SourceSpec::Sim(_) => None,
        };
        Ok(SourceOptions {
            pace: self.pace()?,
            pcm,
            device_rate_hz: own(self.rate_hz),
            device_channels: (self.channels > 0).then_some(self.channels),
            device_period_frames: own(self.period_frames),
            reopen_after: DEFAULT_REOPEN_AFTER.max(3 * self.stall_after()),
            wait: self.wait,
            ..SourceOptions::default()
        })
    }

    /// Whether `other` plays the same sound: what only decides on it aside.
    pub fn plays_as(&self, other: &Self) -> bool {
        let sound = |source: &Self| Self {
            model: String::new(),
            gain_db: 0.0,
            gate_db: NO_GATE_DB,
            counts: Counts::default(),
            decision: SourceDecisionConfig::default(),
            ..source.clone()
        };
        sound(self) == sound(other)
    }

    /// Replaces the name of a shipped checkpoint by its path.
    pub(super) fn find_model(&mut self) -> Result<(), ConfigError> {
        if !self.model.is_empty() {
            self.model = find(&self.model).map_err(|e| self.invalid("model", &e))?;
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.channel_choice()?;
        if !(STALL_MIN_S..=STALL_MAX_S).contains(&self.stall_s) {
            let problem = format!(
                "{} is not in {STALL_MIN_S} to {STALL_MAX_S} s",
                self.stall_s
            );
            return Err(self.invalid("stall_s", &problem));
        }
        self.options()?;
        let key = |key| format!("source {}: {key}", self.stream_name());
        check_level(&key("gain_db"), self.gain_db, GAIN_DB)?;
        check_level(&key("gate_db"), self.gate_db, GATE_DB)?;
        self.decision.over(&DecisionConfig::default()).check()?;
        match self.rate_hz {
            0 => Ok(()),
            rate_hz => resample::check_rate(rate_hz).map_err(|e| self.invalid("rate_hz", &e)),
        }
    }

    fn pace(&self) -> Result<Pace, ConfigError> {
        match self.pace.as_str() {
            "realtime" => Ok(Pace::RealTime),
            "max" => Ok(Pace::Max),
            other => Err(self.invalid(
                "pace",
                &format!("`{other}` is no pace: use realtime or max"),
            )),
        }
    }

    fn pcm(&self) -> Result<PcmFormat, ConfigError> {
        if self.format.is_empty() || self.rate_hz == 0 || self.channels == 0 {
            let unknown = AudioError::PcmUnknown {
                spec: self.input.clone(),
            };
            return Err(ConfigError::Conflict(unknown.to_string()));
        }
        let encoding: Encoding = self
            .format
            .parse()
            .map_err(|e| self.invalid("format", &e))?;
        Ok(PcmFormat {
            encoding,
            rate_hz: self.rate_hz,
            channels: self.channels,
        })
    }

    fn invalid(&self, key: &str, problem: &dyn std::fmt::Display) -> ConfigError {
        ConfigError::value(
            format!("source {}: {key}", self.stream_name()),
            problem.to_string(),
        )
    }
}

/// Checks a number of decibels.
///
/// # Errors
///
/// If it is not within `range`.
pub fn check_level(key: &str, db: f32, range: RangeInclusive<f32>) -> Result<(), ConfigError> {
    match range.contains(&db) {
        true => Ok(()),
        false => Err(ConfigError::value(
            key,
            format!("{db} is not in {} to {} dB", range.start(), range.end()),
        )),
    }
}
