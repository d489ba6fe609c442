//! The readers of label files by themselves, from the program's own files.

// Parts that only the rest of the program uses.
#[allow(dead_code, unused_imports)]
#[path = "../../../src/corpora/labels/mod.rs"]
pub mod labels;
