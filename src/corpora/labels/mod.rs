//! Labels of recordings: one module for each format, which reads it and, if `vocald detect` writes it, writes it.
//!
//! [`read`] reads a file in any format. Each parser hands its labels to a collector, which classifies their words by
//! [`vocabulary`], checks their times, counts what is left out, and puts them in order.
//!
//! Nothing here depends on the rest of the program, so that the fuzz target compiles without libtorch.

pub mod audacity;
mod collector;
mod error;
mod format;
pub mod jams;
pub mod json;
pub mod lab;
mod left_out;
pub mod lrc;
pub mod settings;
mod span;
pub mod subtitles;
pub mod table;
mod table_columns;
mod text;
pub mod textgrid;
mod textgrid_tokens;
pub mod ultrastar;
mod ultrastar_tempo;
pub mod voca_inst;
pub mod vocabulary;
pub mod vocal;
mod writer;
pub mod xlights;

pub use error::{Fault, LabelError, Place};
pub use format::{EXTENSIONS, read};
pub(crate) use format::{LabelFiles, expected, is_voca_inst, recording_name};
pub use left_out::{LeftOut, Reason};
pub use settings::{FaultyLabels, Freestyle, LabelSettings};
pub use span::{LabelFile, Span};
pub use writer::{RecordingVoice, Row, WrittenFormat};

/// The text of a label file, for the parser of a format; see [`read`].
///
/// # Errors
/// If the file cannot be read, is larger than 64 MiB or is no text.
pub fn read_text(path: &std::path::Path) -> Result<String, LabelError> {
    text::read(path)
}

/// The text of a label file from its bytes, as [`read`] decodes them: for parsers that are called directly.
///
/// # Errors
/// If the bytes are no text.
pub fn decode(bytes: &[u8]) -> Result<String, LabelError> {
    text::decode(bytes)
}
