//! A file a command.

pub mod train;
