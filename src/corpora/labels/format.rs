//! Which files are labels, in which format, and of which recording.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{
    LabelError, LabelFile, LabelSettings, audacity, jams, json, lab, lrc, subtitles, table, text,
    textgrid, ultrastar, voca_inst, vocal,
};

/// Endings of label files.
pub const EXTENSIONS: [&str; 11] = [
    "lab", "txt", "csv", "tsv", "textgrid", "jams", "vocal", "json", "srt", "vtt", "lrc",
];
/// Endings that other programs use beside songs for something else: such a file holds the labels only where there is
/// no other.
const SECONDARY: [&str; 4] = ["json", "srt", "vtt", "lrc"];
/// Behind the name of the song in the annotation of RWC, `RM-P001.VOCA_INST.TXT`.
const VOCA_INST: &str = ".voca_inst";

/// Reads a label file in the format that its name and, for `.txt`, its text state.
///
/// # Errors
/// If the file cannot be read or parsed.
pub fn read(path: &Path, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let text = text::read(path)?;
    match extension(path).as_str() {
        "lab" => lab::parse(&text, settings),
        "csv" | "tsv" => table::parse(&text, settings),
        "textgrid" => textgrid::parse(&text, settings),
        "jams" => jams::parse(&text, settings),
        "json" => json::parse(&text, settings),
        "srt" | "vtt" => subtitles::parse(&text, settings),
        "lrc" => lrc::parse(&text, settings),
        "vocal" => vocal::parse(&text, settings),
        _ if is_voca_inst(path) => voca_inst::parse(&text, settings),
        _ if ultrastar::is_ultrastar(&text) => ultrastar::parse(&text, settings),
        _ => audacity::parse(&text, settings),
    }
}

/// Label files by the names of their recordings.
pub(crate) struct LabelFiles(BTreeMap<String, Vec<PathBuf>>);

impl LabelFiles {
    pub fn new(files: Vec<PathBuf>) -> Self {
        let mut by_name: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for path in files {
            by_name.entry(recording_name(&path)).or_default().push(path);
        }
        Self(by_name)
    }

    /// The label files of a recording, in one folder or in all: one, several that would have to be chosen from, or none.
    pub fn of(&self, name: &str, folder: Option<&Path>) -> Vec<&Path> {
        let named = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
        let named = named.iter().map(PathBuf::as_path);
        let named: Vec<&Path> = named
            .filter(|path| folder.is_none() || path.parent() == folder)
            .collect();
        let primary: Vec<&Path> = named
            .iter()
            .copied()
            .filter(|path| is_primary(path))
            .collect();
        match primary.is_empty() {
            true => named,
            false => primary,
        }
    }

    /// The files that label none of the recordings with these names; endings that serve other ends too are left out.
    pub fn without(&self, recordings: &BTreeSet<String>) -> Vec<&Path> {
        let others = self
            .0
            .iter()
            .filter(|(name, _)| !recordings.contains(*name));
        let files = others.flat_map(|(_, files)| files).map(PathBuf::as_path);
        files.filter(|path| is_primary(path)).collect()
    }
}

fn is_primary(path: &Path) -> bool {
    !SECONDARY.contains(&extension(path).as_str())
}

/// What a recording may have as labels, for people.
pub(crate) fn expected(name: &str) -> String {
    format!("labels ({name}.lab, .txt, .csv, .TextGrid, .jams or another format of docs/files.md)")
}

/// Whether a file is an annotation of RWC.
pub(crate) fn is_voca_inst(path: &Path) -> bool {
    stem(path).to_ascii_lowercase().ends_with(VOCA_INST)
}

/// The name of the recording that a file labels.
pub(crate) fn recording_name(path: &Path) -> String {
    let mut name = stem(path);
    if is_voca_inst(path) {
        name.truncate(name.len() - VOCA_INST.len());
    }
    name
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn extension(path: &Path) -> String {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or("");
    extension.to_ascii_lowercase()
}
