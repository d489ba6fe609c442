//! Where sound comes from, and which of its channels.

use serde::{Deserialize, Serialize};

use crate::audio::{
    AudioError, ChannelChoice, Encoding, Pace, PcmFormat, SourceOptions, SourceSpec,
};
use crate::config::ConfigError;
use crate::frontend::resample;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// What its stream is called in messages; as the input where this is empty.
    pub name: String,
    /// `device:default`, `device:NAME`, `device:ID`, a file's path, `fifo:PATH`, or `-` for standard input.
    pub input: String,
    /// `all`, or numbers from 1, as `1,2`: their mean is listened to.
    pub use_channels: String,
    /// Each of these channels is a stream of its own, called NAME/1, NAME/2 and so on.
    pub each_channel: bool,
    /// Of a file: `realtime`, or `max` for as fast as it can be worked through.
    pub pace: String,
    /// Of standard input and FIFOs: `s16le`, `s32le` or `f32le`.
    pub format: String,
    /// Of standard input and FIFOs; of a device, what to ask it for. 0: the device's own.
    pub rate_hz: u32,
    /// The same for the number of channels.
    pub channels: u16,
    /// Of a device: frames a callback. 0: the device's own.
    pub period_frames: u32,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            input: "device:default".into(),
            use_channels: "all".into(),
            each_channel: false,
            pace: "realtime".into(),
            format: String::new(),
            rate_hz: 0,
            channels: 0,
            period_frames: 0,
        }
    }
}

impl SourceConfig {
    /// What messages call it.
    pub fn stream_name(&self) -> &str {
        if self.name.is_empty() {
            &self.input
        } else {
            &self.name
        }
    }

    pub fn spec(&self) -> Result<SourceSpec, ConfigError> {
        self.input.parse().map_err(|e| self.fault("input", &e))
    }

    pub fn channel_choice(&self) -> Result<ChannelChoice, ConfigError> {
        self.use_channels
            .parse()
            .map_err(|e| self.fault("use_channels", &e))
    }

    /// The sound can wait for what comes after it, so that nothing need be lost: a file as fast
    /// as it can be worked through, and pipes, whose writer waits.
    pub fn can_wait(&self) -> Result<bool, ConfigError> {
        Ok(match self.spec()? {
            SourceSpec::Device(_) => false,
            SourceSpec::File(_) => self.pace()? == Pace::Max,
            SourceSpec::Stdin | SourceSpec::Fifo(_) => true,
        })
    }

    pub fn options(&self) -> Result<SourceOptions, ConfigError> {
        let own = |n: u32| (n > 0).then_some(n);
        let pcm = match self.spec()? {
            SourceSpec::Stdin | SourceSpec::Fifo(_) => Some(self.pcm()?),
            SourceSpec::Device(_) | SourceSpec::File(_) => None,
        };
        Ok(SourceOptions {
            pace: self.pace()?,
            pcm,
            device_rate_hz: own(self.rate_hz),
            device_channels: (self.channels > 0).then_some(self.channels),
            device_period_frames: own(self.period_frames),
            ..SourceOptions::default()
        })
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.channel_choice()?;
        self.options()?;
        match self.rate_hz {
            0 => Ok(()),
            rate_hz => resample::check_rate(rate_hz).map_err(|e| self.fault("rate_hz", &e)),
        }
    }

    fn pace(&self) -> Result<Pace, ConfigError> {
        match self.pace.as_str() {
            "realtime" => Ok(Pace::RealTime),
            "max" => Ok(Pace::Max),
            other => Err(self.fault(
                "pace",
                &format!("`{other}` is no pace: say realtime or max"),
            )),
        }
    }

    fn pcm(&self) -> Result<PcmFormat, ConfigError> {
        if self.format.is_empty() || self.rate_hz == 0 || self.channels == 0 {
            let fault = AudioError::PcmUnknown {
                spec: self.input.clone(),
            };
            return Err(ConfigError::Conflict(fault.to_string()));
        }
        let encoding: Encoding = self.format.parse().map_err(|e| self.fault("format", &e))?;
        Ok(PcmFormat {
            encoding,
            rate_hz: self.rate_hz,
            channels: self.channels,
        })
    }

    fn fault(&self, key: &str, fault: &dyn std::fmt::Display) -> ConfigError {
        ConfigError::value(
            format!("source {}: {key}", self.stream_name()),
            fault.to_string(),
        )
    }
}
