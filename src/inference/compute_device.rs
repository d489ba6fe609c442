//! The processor that a network runs on.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Once;

use tch::Device;

/// A requested processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ComputeDevice {
    /// CUDA when there is one, the CPU otherwise.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of this index; an error where there is none.
    Cuda(usize),
}

/// Why a processor cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not the name of a processor.
    #[error("`{0}` is not a device: use auto, cpu or cuda:N")]
    Unknown(String),
    /// The machine, or the libtorch in use, has no such CUDA device.
    #[error(
        "cuda:{index} was requested, but libtorch sees {count} CUDA devices; \
         use --device cpu, or a CUDA libtorch (`scripts/setup cuda`)"
    )]
    NoCuda {
        /// The requested index.
        index: usize,
        /// CUDA devices that libtorch sees.
        count: i64,
    },
}

impl FromStr for ComputeDevice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let index = |digits: &str| digits.parse().ok().map(Self::Cuda);
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(index)
                .ok_or_else(|| DeviceError::Unknown(text.into())),
        }
    }
}

impl ComputeDevice {
    /// The libtorch device.
    ///
    /// # Errors
    /// [`DeviceError::NoCuda`] where a CUDA device is requested that does not exist.
    pub fn resolve(self) -> Result<Device, DeviceError> {
        if self == Self::Cpu {
            return Ok(Device::Cpu);
        }
        load_cuda();
        let count = if tch::Cuda::is_available() {
            tch::Cuda::device_count().max(0)
        } else {
            0
        };
        match self {
            Self::Auto if count > 0 => Ok(Device::Cuda(0)),
            Self::Cpu | Self::Auto => Ok(Device::Cpu),
            Self::Cuda(index) if (index as i64) < count => Ok(Device::Cuda(index)),
            Self::Cuda(index) => Err(DeviceError::NoCuda { index, count }),
        }
    }
}

/// Loads libtorch's CUDA half by name, where the libtorch in use has it. No symbol of the program refers to it, so the
/// linker leaves it out.
fn load_cuda() {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        #[cfg(unix)]
        {
            use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
            // SAFETY: the library is libtorch's own, and its initialisers do no more than register it.
            let library =
                unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) };
            if let Ok(library) = library {
                // Registered for the life of the process.
                std::mem::forget(library);
            }
        }
    });
}

/// CPU cores that this process may use, at least 1.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The name of a device as `--device` takes it: `cpu` or `cuda:0`.
#[must_use]
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".into(),
    }
}
