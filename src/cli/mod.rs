//! A file a command.

pub mod evaluate;
pub mod model;
pub mod train;
