//! Input devices: sound cards and the virtual devices of sound servers, through cpal.
//!
//! A device is found by name or id (`selection`) and opened in a format it offers (`format`,
//! `stream`). The audio thread writes into a ring (`callback`). A supervisor reopens the device
//! when it is lost (`supervisor`).

mod callback;
mod format;
mod selection;
mod stream;
mod supervisor;

pub use callback::CaptureCallback;
pub use selection::InputDevice;
pub(super) use supervisor::DeviceSource;
