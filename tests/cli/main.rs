//! The built program, by its commands.

#[allow(dead_code)] // each binary uses a part of it
#[path = "../support/mod.rs"]
mod support;

mod bilstm;
mod calibrate;
mod config;
mod config_file;
mod detect;
mod evaluate;
mod overlap_averaging;
mod refusals;
#[cfg(unix)]
mod reproduce;
mod run;
mod scnn;
#[cfg(target_os = "linux")]
mod systemd;
mod watch;
