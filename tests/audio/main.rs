//! Sound on its way in: decoding, resampling, the ring, sources, and the features of a window.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod by_ffmpeg;
mod changing_files;
mod decode;
mod feed;
mod hostile_input;
mod log_mel;
mod matroska;
mod raw_samples;
mod resample;
mod riff_family;
mod riff_file;
mod ring;
mod separated_mel;
mod sound_formats;
mod sound_soak;
mod sources;
mod stream;
mod supervision;
mod tone;
mod window;
