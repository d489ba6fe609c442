//! What the tests of every binary share. Each `main.rs` includes it by its path.

pub mod browser;
pub mod capture_rig;
pub mod daemon;
pub mod libtorch;
pub mod mqtt_rig;
pub mod program;
pub mod python;
pub mod speaking;
#[cfg(unix)]
pub mod stage;
pub mod two_tones;
pub mod untrained;
