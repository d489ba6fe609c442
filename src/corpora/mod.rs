//! Labelled recordings: one file a corpus or label format, and the cache of their features.

pub mod feature_cache;
pub(crate) mod files;
mod jamendo;
pub mod labelled;
pub mod load;
mod mir1k;
mod plain;
pub mod reader;
pub mod recording;
mod rwc;
pub mod settings;
mod stems;
mod ultrastar;

pub use feature_cache::FeatureCache;
pub use load::{Corpus, CorpusError, Coverage, Sound, Split, Track};
pub use reader::CorpusReader;
pub use recording::Recording;
pub use settings::{CorpusKind, CorpusSettings};
