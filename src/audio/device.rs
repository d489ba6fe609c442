//! Input devices: sound cards and the virtual devices of sound servers, through cpal.
//!
//! A device is found by name or id (`selection`) and opened in a format it offers (`format`,
//! `stream`). The audio thread writes into a ring (`callback`). A supervisor reopens the device
//! when it is lost (`supervisor`). The daemon captures in a process of its own for each device (`helper`, `wire`): a
//! sound library that hangs is ended with it.

mod callback;
mod format;
mod helper;
mod helper_log;
mod selection;
mod stream;
mod supervisor;
mod wire;

pub use callback::CaptureCallback;
pub(super) use helper::HelperSource;
pub use helper::serve;
pub use selection::InputDevice;
pub(super) use supervisor::DeviceSource;
