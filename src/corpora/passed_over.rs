//! Files of a corpus that belong to no recording: they are passed over, and named.

use std::collections::BTreeSet;
use std::path::Path;

/// Files that are named in a message; further ones are counted.
const NAMED: usize = 5;

/// Reports files below `root` that are passed over; `what` says what they lack.
pub(super) fn report<'a>(root: &Path, what: &str, files: impl IntoIterator<Item = &'a Path>) {
    let files: BTreeSet<&Path> = files.into_iter().collect();
    if files.is_empty() {
        return;
    }
    let names = files.iter().take(NAMED);
    let names = names.map(|file| match file.strip_prefix(root) {
        Ok(below) if below != Path::new("") => below.display().to_string(),
        _ => file.display().to_string(),
    });
    let mut names: Vec<String> = names.collect();
    if files.len() > NAMED {
        names.push(format!("{} more", files.len() - NAMED));
    }
    tracing::warn!(
        "{}: passed over {what}: {}",
        root.display(),
        names.join(", ")
    );
}
