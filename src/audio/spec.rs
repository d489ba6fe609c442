//! Names of sources, as written on the command line and in the configuration.

use std::path::PathBuf;
use std::str::FromStr;

use crate::audio::device::{DeviceSource, HelperSource};
use crate::audio::file::FileSource;
use crate::audio::pcm::PcmSource;
use crate::audio::sim::SimSource;
use crate::audio::{AudioError, InputDevice, Source, SourceOptions};

/// An input by its name. [`Display`](std::fmt::Display) writes what [`FromStr`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// An input device.
    Device(InputDevice),
    /// A sound file.
    File(PathBuf),
    /// Raw samples on standard input.
    Stdin,
    /// Raw samples from a FIFO.
    Fifo(PathBuf),
    /// A simulated device that plays this script.
    Sim(PathBuf),
}

impl FromStr for SourceSpec {
    type Err = AudioError;

    /// `device:default`, `device:NAME`, `device:ID`, `-` or `stdin:`, `fifo:PATH`, `sim:SCRIPT`, or a path.
    fn from_str(text: &str) -> Result<Self, AudioError> {
        let invalid = || AudioError::Spec { text: text.into() };
        match text.split_once(':') {
            Some(("device" | "fifo" | "sim", "")) => Err(invalid()),
            Some(("device", "default")) => Ok(Self::Device(InputDevice::Default)),
            Some(("device", device)) => Ok(Self::Device(InputDevice::Named(device.into()))),
            Some(("fifo", path)) => Ok(Self::Fifo(path.into())),
            Some(("sim", path)) => Ok(Self::Sim(path.into())),
            Some(("stdin", "")) => Ok(Self::Stdin),
            _ if text == "-" => Ok(Self::Stdin),
            _ if text.is_empty() => Err(invalid()),
            _ => Ok(Self::File(text.into())),
        }
    }
}

impl std::fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(InputDevice::Default) => f.write_str("device:default"),
            Self::Device(InputDevice::Named(device)) => write!(f, "device:{device}"),
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("stdin:"),
            Self::Fifo(path) => write!(f, "fifo:{}", path.display()),
            Self::Sim(path) => write!(f, "sim:{}", path.display()),
        }
    }
}

impl SourceSpec {
    /// Opens the source without starting it.
    ///
    /// # Errors
    /// When the file, FIFO or device does not exist or cannot be used, or when raw samples have
    /// no valid format. Whatever can be checked before sound flows is checked here.
    pub fn open(&self, options: &SourceOptions) -> Result<Box<dyn Source>, AudioError> {
        let pcm = || {
            options.pcm.ok_or_else(|| AudioError::PcmUnknown {
                spec: self.to_string().trim_end_matches(':').into(),
            })
        };
        Ok(match self {
            Self::Device(choice) => match &options.helper {
                None => Box::new(DeviceSource::open(choice.clone(), options)?),
                Some(helper) => {
                    if !options.wait {
                        DeviceSource::open(choice.clone(), options)?;
                    }
                    Box::new(HelperSource::new(helper, choice.clone(), options))
                }
            },
            Self::File(path) => Box::new(FileSource::open(path, options.pace, options.ring_s)?),
            Self::Stdin => Box::new(PcmSource::stdin(pcm()?, options)?),
            Self::Fifo(path) => Box::new(PcmSource::fifo(path, pcm()?, options)?),
            Self::Sim(path) => Box::new(SimSource::open(path, options)?),
        })
    }
}
