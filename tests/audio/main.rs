//! Sound on its way in: decoding, resampling, the ring, sources, and the features of a window.

mod decode;
mod feed;
mod hostile_input;
mod log_mel;
mod resample;
mod ring;
mod separated_mel;
mod sources;
mod stream;
mod window;
