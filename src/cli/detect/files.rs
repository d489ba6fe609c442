//! Which files are labelled, and where their labels go.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::cli::Usage;

/// In a folder, what ends so is a sound file. A file that is named itself may end as it likes.
const SOUND_EXTENSIONS: [&str; 12] = [
    "wav", "wave", "flac", "mp3", "ogg", "oga", "m4a", "mp4", "aac", "alac", "aif", "aiff",
];

/// A file to label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub input: PathBuf,
    /// Its place under the output folder, without an extension.
    place: PathBuf,
}

impl Job {
    pub fn output(&self, folder: &Path, extension: &str) -> PathBuf {
        // Added, not replaced: the rest of `take.1.wav` is `take.1`.
        let mut name = folder.join(&self.place).into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }
}

/// Every file that `inputs` name, folders walked, in a steady order.
pub fn jobs(inputs: &[PathBuf]) -> anyhow::Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for input in inputs {
        if input.is_dir() {
            let before = jobs.len();
            walk(input, Path::new(""), &mut jobs)?;
            if jobs.len() == before {
                bail!("{}: there is no sound file in this folder", input.display());
            }
        } else {
            let place = PathBuf::from(input.file_stem().unwrap_or(input.as_os_str()));
            jobs.push(Job {
                input: input.clone(),
                place,
            });
        }
    }
    Ok(jobs)
}

fn walk(folder: &Path, place: &Path, jobs: &mut Vec<Job>) -> anyhow::Result<()> {
    let unreadable = || format!("{}: the folder cannot be read", folder.display());
    let mut entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .with_context(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // A link to a folder is not followed: it might lead back here.
        let kind = entry.file_type().with_context(unreadable)?;
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, &place.join(entry.file_name()), jobs)?;
        } else if is_sound(&path) && path.is_file() {
            let place = place.join(path.file_stem().unwrap_or(path.as_os_str()));
            jobs.push(Job { input: path, place });
        }
    }
    Ok(())
}

fn is_sound(path: &Path) -> bool {
    let extension = path
        .extension()
        .and_then(OsStr::to_str)
        .map(str::to_ascii_lowercase);
    extension.is_some_and(|extension| SOUND_EXTENSIONS.contains(&extension.as_str()))
}

/// Refuses inputs whose labels would overwrite each other.
pub fn check_outputs(folder: &Path, jobs: &[Job]) -> anyhow::Result<()> {
    if folder.exists() && !folder.is_dir() {
        bail!(Usage(format!(
            "--out {} is a file, not a folder",
            folder.display()
        )));
    }
    let mut taken: BTreeMap<&Path, &Path> = BTreeMap::new();
    for job in jobs {
        if let Some(other) = taken.insert(&job.place, &job.input) {
            if other == job.input {
                bail!(Usage(format!("{} is named twice", other.display())));
            }
            bail!(Usage(format!(
                "the labels of {} and {} would have the same name: label them into different folders",
                other.display(),
                job.input.display()
            )));
        }
    }
    Ok(())
}

/// Writes a file whole or not at all; one that is there already stays until the new one is complete.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let unwritable = || format!("{} cannot be written", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(unwritable)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = folder.join(name);
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, path))
        .inspect_err(|_| _ = std::fs::remove_file(&part))
        .with_context(unwritable)
}
