//! Sound on its way in: decoding, resampling, the ring, sources, and the features of a window.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod decode;
mod feed;
mod hostile_input;
mod log_mel;
mod resample;
mod ring;
mod separated_mel;
mod sources;
mod stream;
mod supervision;
mod window;
