//! Labelled recordings: one file for each corpus and label format, and the cache of their features.
//!
//! [`load::load`] reads a split of a corpus. The file of its [`CorpusKind`] finds the recordings and their
//! labels; [`FeatureCache`] decodes the recordings.

mod error;
pub mod feature_cache;
pub mod files;
pub mod folder;
mod frame_labels;
mod item;
mod jamendo;
mod labelled;
pub mod labels;
pub mod load;
mod mir1k;
mod passed_over;
mod plain;
pub mod reader;
pub mod recording;
mod rwc;
mod separated;
pub mod settings;
pub mod song_split;
mod sound_file;
mod stems;
mod track;
mod ultrastar;

pub use error::{CorpusError, CorpusProblem, SoundError};
pub use feature_cache::FeatureCache;
pub use load::Coverage;
pub use reader::CorpusReader;
pub use recording::Recording;
pub use separated::SeparatedTrack;
pub use settings::{CorpusKind, CorpusSettings};
pub use sound_file::Channels;
pub use track::{Corpus, Sound, Split, Track};
