//! Files to label, and the paths of their labels.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

use crate::atomic_file;
use crate::audio::sound_files::{FolderLinks, files_below};
use crate::cli::Usage;

/// Extensions of sound files that a folder is searched for. A file named on the command line may have any.
const SOUND_EXTENSIONS: [&str; 12] = [
    "wav", "wave", "flac", "mp3", "ogg", "oga", "m4a", "mp4", "aac", "alac", "aif", "aiff",
];

/// A file to label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub input: PathBuf,
    /// Path below the output folder, without an extension.
    place: PathBuf,
}

impl Job {
    pub fn output(&self, folder: &Path, extension: &str) -> PathBuf {
        // Appended, not replaced: the stem of `take.1.wav` is `take.1`.
        let mut name = folder.join(&self.place).into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }
}

/// The files that `inputs` name and the sound files of folders among them, in the order of their names.
pub fn jobs(inputs: &[PathBuf]) -> anyhow::Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for input in inputs {
        if input.is_dir() {
            let files = files_below(input, &SOUND_EXTENSIONS, FolderLinks::Skip);
            let mut files = files.map_err(|errors| anyhow!(lines(&errors)))?;
            files.retain(|path| path.is_file());
            if files.is_empty() {
                bail!("{}: there is no sound file in this folder", input.display());
            }
            jobs.extend(files.into_iter().map(|path| {
                let place = path.strip_prefix(input).unwrap_or(&path).with_extension("");
                Job { input: path, place }
            }));
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

fn lines<E: ToString>(errors: &[E]) -> String {
    let lines: Vec<String> = errors.iter().map(E::to_string).collect();
    lines.join("\n")
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

/// Writes labels to a file; an existing file is replaced only by a complete one.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    path.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| atomic_file::write(path, text))
        .with_context(|| format!("{} cannot be written", path.display()))
}
