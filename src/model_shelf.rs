//! Where the shipped checkpoints are: a name such as `karaoke-14` stands for one of them.

use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The word for the checkpoint inside the program.
pub const BUILT_IN: &str = "built-in";
/// The name of the checkpoint inside the program.
pub const BUILT_IN_NAME: &str = "live-wide";
const EXTENSION: &str = "safetensors";
/// Below a folder for data.
const FOLDER: &str = "vocald/models";
/// Names that differ by more typing errors are not suggested.
const MAX_ERRORS: usize = 3;

/// A checkpoint by the word, the name or the path that a user gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFile {
    /// The one inside the program.
    BuiltIn,
    /// A file.
    File(PathBuf),
}

/// A name that is no shipped checkpoint's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no checkpoint `{name}`{suggestion}; shipped here: {}; or give a file", shipped.join(", "))]
pub struct UnknownModel {
    name: String,
    suggestion: String,
    shipped: Vec<String>,
}

impl ModelFile {
    /// Resolves a word, a name or a path. What has a `/` or ends in `.safetensors` is a path, whether it exists or not.
    ///
    /// # Errors
    ///
    /// If it is the name of no shipped checkpoint.
    pub fn find(text: &str) -> Result<Self, UnknownModel> {
        let path = Path::new(text);
        let is_path = text.contains('/') || path.extension().is_some_and(|e| e == EXTENSION);
        if is_path || path.is_file() {
            return Ok(Self::File(path.into()));
        }
        if text == BUILT_IN || text == BUILT_IN_NAME {
            return Ok(Self::BuiltIn);
        }
        let shipped = shipped();
        if let Some(file) = shipped.iter().find(|file| name(file) == text) {
            return Ok(Self::File(file.clone()));
        }
        let mut names: Vec<String> = shipped.iter().map(|file| name(file)).collect();
        names.push(BUILT_IN_NAME.into());
        let near = names
            .iter()
            .map(|known| (strsim::levenshtein(text, known), known))
            .filter(|&(errors, _)| errors <= MAX_ERRORS)
            .min();
        Err(UnknownModel {
            name: text.into(),
            suggestion: near.map_or(String::new(), |(_, name)| {
                format!(" (did you mean {name}?)")
            }),
            shipped: names,
        })
    }

    /// The file; `None` for the one inside the program.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn => None,
            Self::File(path) => Some(path),
        }
    }
}

impl FromStr for ModelFile {
    type Err = UnknownModel;

    fn from_str(text: &str) -> Result<Self, UnknownModel> {
        Self::find(text)
    }
}

/// The shipped checkpoints beside the one inside the program, one file for each name, in the order of their names.
pub fn shipped() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in folders() {
        for file in checkpoints(&folder) {
            let is_known = |known: &PathBuf| name(known) == name(&file);
            if name(&file) != BUILT_IN_NAME && !files.iter().any(is_known) {
                files.push(file);
            }
        }
    }
    files.sort_by_key(|file| name(file));
    files
}

/// The checkpoints in a folder, in the order of their names.
pub fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == EXTENSION));
    files.sort();
    files
}

/// What a checkpoint is for: the line after `> ` in the page beside it.
pub fn purpose(checkpoint: &Path) -> Option<String> {
    let page = std::fs::read_to_string(checkpoint.with_extension("md")).ok()?;
    purpose_in(&page)
}

/// What the checkpoint inside the program is for.
pub fn built_in_purpose() -> Option<String> {
    purpose_in(include_str!("../models/live-wide.md"))
}

fn purpose_in(page: &str) -> Option<String> {
    let line = page.lines().find_map(|line| line.strip_prefix("> "));
    line.map(str::to_owned)
}

/// Folders with shipped checkpoints: the user's own first, then those of the installation that the program belongs to,
/// of the system, and of the checkout in which it was built.
fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let own = variable("XDG_DATA_HOME").map(PathBuf::from).or_else(|| {
        let home = variable("HOME").map(PathBuf::from);
        home.map(|home| home.join(".local/share"))
    });
    folders.extend(own.map(|data| data.join(FOLDER)));
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    if let Some(folder) = program.ok().as_deref().and_then(Path::parent) {
        let prefix = folder.parent().unwrap_or(folder);
        folders.push(prefix.join("share").join(FOLDER));
        folders.push(folder.join("share").join(FOLDER));
    }
    let system = variable("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    folders.extend(std::env::split_paths(&system).map(|data| data.join(FOLDER)));
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    folders
}

fn name(file: &Path) -> String {
    let name = file.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
