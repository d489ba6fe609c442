//! Folder for data that can be computed again.

use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy as _, choose_base_strategy};

/// The program's cache folder: `$XDG_CACHE_HOME/vocald`, or `~/.cache/vocald` where that is not set.
/// `None` where there is no home folder.
#[must_use]
pub fn cache_dir() -> Option<PathBuf> {
    let base = choose_base_strategy().ok()?;
    Some(base.cache_dir().join("vocald"))
}
