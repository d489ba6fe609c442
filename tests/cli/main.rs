//! The built program, by its commands.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code)] // each binary uses a part of it
#[path = "../support/mod.rs"]
mod support;

mod bench;
mod bilstm;
mod calibrate;
mod channels;
mod command_line;
mod config;
mod config_file;
#[cfg(unix)]
mod control;
mod detect;
mod detect_folders;
mod detect_jobs;
mod detect_pipes;
mod detect_speed;
mod evaluate;
mod export;
mod labels;
mod overlap_averaging;
mod refusals;
#[cfg(unix)]
mod reload;
mod reload_outputs;
#[cfg(unix)]
mod reproduce;
mod run;
mod scnn;
mod sim;
#[cfg(target_os = "linux")]
mod speech;
#[cfg(unix)]
mod speech_ends;
mod stall;
#[cfg(unix)]
mod stand_ins;
#[cfg(target_os = "linux")]
mod systemd;
mod train_folder;
mod watch;
#[cfg(target_os = "linux")]
mod watch_terminal;
