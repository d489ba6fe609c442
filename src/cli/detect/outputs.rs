//! Label files: their paths, their content, and the care not to overwrite what others wrote.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::atomic_file;
use crate::cli::detect::formats::Format;
use crate::cli::detect::inputs::Job;
use crate::cli::detect::manifest::Manifest;
use crate::cli::detect::record::{LabelFile, PathText};
use crate::pipeline::labels::Labels;

/// Where label files are written, and which.
pub struct Outputs {
    pub folder: PathBuf,
    pub formats: Vec<Format>,
    pub overwrite: bool,
    /// Whether formats of singing alone get speech too.
    pub speech: bool,
}

/// The label file of one sound in one format.
pub struct Output {
    pub path: PathBuf,
    format: Format,
    speech: bool,
}

/// A label file that is ready to be written.
pub struct Rendered {
    path: PathBuf,
    text: String,
}

impl Outputs {
    /// The words of the formats.
    pub fn format_names(&self) -> Vec<String> {
        let names = self.formats.iter().map(|format| format.name().to_owned());
        names.collect()
    }

    /// The label files of a sound.
    pub fn of(&self, job: &Job) -> Vec<Output> {
        self.in_formats(job, &self.formats)
    }

    /// The sound's label files in other formats, which earlier jobs may have written.
    pub fn others_of(&self, job: &Job) -> Vec<Output> {
        let all = Format::all().into_iter().map(|(_, format)| format);
        let others: Vec<Format> = all
            .filter(|format| !self.formats.contains(format))
            .collect();
        self.in_formats(job, &others)
    }

    fn in_formats(&self, job: &Job, formats: &[Format]) -> Vec<Output> {
        let output = |&format: &Format| Output {
            path: job.output(&self.folder, format.extension()),
            format,
            speech: self.speech,
        };
        formats.iter().map(output).collect()
    }

    /// Refuses to overwrite a file that vocald did not write, or that was changed since.
    pub fn check(&self, outputs: &[Output], manifest: Option<&Manifest>) -> anyhow::Result<()> {
        if self.overwrite {
            return Ok(());
        }
        for Output { path, .. } in outputs {
            if path.symlink_metadata().is_ok() && !is_own(path, manifest) {
                let path = path.display();
                match manifest {
                    Some(_) => bail!(
                        "{path} exists and is not as vocald wrote it: --overwrite replaces it"
                    ),
                    None => bail!(
                        "{path} exists: --overwrite replaces it; with --manifest, vocald remembers what it wrote"
                    ),
                }
            }
        }
        Ok(())
    }
}

fn is_own(path: &Path, manifest: Option<&Manifest>) -> bool {
    own_digest(path, manifest).is_some()
}

/// The digest of a file that vocald wrote.
fn own_digest(path: &Path, manifest: Option<&Manifest>) -> Option<String> {
    let digest = sha256(&std::fs::read(path).ok()?);
    manifest
        .is_some_and(|m| m.has_written(&digest))
        .then_some(digest)
}

/// Those of the label files that vocald wrote and that still are as they were.
pub fn written_before(outputs: &[Output], manifest: &Manifest) -> Vec<LabelFile> {
    let file = |output: &Output| {
        Some(LabelFile {
            path: PathText::new(&output.path),
            sha256: own_digest(&output.path, Some(manifest))?,
        })
    };
    outputs.iter().filter_map(file).collect()
}

/// The content of the label files.
pub fn render(outputs: Vec<Output>, labels: &Labels) -> anyhow::Result<Vec<Rendered>> {
    let render = |output: Output| {
        Ok(Rendered {
            text: output.format.write(labels, output.speech)?,
            path: output.path,
        })
    };
    outputs.into_iter().map(render).collect()
}

impl Rendered {
    /// Its line in the manifest.
    pub fn record(&self) -> LabelFile {
        LabelFile {
            path: PathText::new(&self.path),
            sha256: sha256(self.text.as_bytes()),
        }
    }

    /// Writes the file; one that exists is replaced only by a complete one.
    pub fn write(&self) -> anyhow::Result<()> {
        self.path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| atomic_file::write(&self.path, &self.text))
            .with_context(|| format!("{} cannot be written", self.path.display()))
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
