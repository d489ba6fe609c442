//! The sound files below a folder, found one after the other in the order of their names.
//!
//! One folder after the other is listed, so that the first file is found at once and no more than the folders on the
//! way to the present file are in memory.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use crate::audio::sound_files::{Hidden, has_extension};
use crate::cli::detect::names::label_names;
use crate::cli::detect::passed_over::{PassedOver, Reason};

/// What a walk finds.
#[derive(Debug)]
pub enum Found {
    Sound {
        path: PathBuf,
        /// Its labels' path below the folder, without their ending.
        place: PathBuf,
    },
    Unreadable {
        folder: PathBuf,
        reason: io::Error,
    },
}

/// A walk through a folder.
#[derive(Debug)]
pub struct Walk<'a> {
    root: PathBuf,
    /// Without links; empty if it is unknown.
    real_root: PathBuf,
    extensions: &'a [&'a str],
    /// The folders around the present file, the innermost last.
    open: Vec<Listing>,
    /// Folders outside that links have led to.
    followed: HashSet<PathBuf>,
    /// What was passed over so far.
    pub passed_over: PassedOver,
}

#[derive(Debug)]
struct Listing {
    folder: PathBuf,
    entries: vec::IntoIter<Entry>,
}

#[derive(Debug)]
enum Entry {
    Folder(OsString),
    Sound {
        name: OsString,
        /// Of its labels, without their ending.
        label_name: OsString,
    },
}

impl<'a> Walk<'a> {
    /// Searches `root` for files with these extensions (lower case; any case matches).
    pub fn new(root: &Path, extensions: &'a [&'a str]) -> Self {
        Self {
            root: root.into(),
            real_root: root.canonicalize().unwrap_or_default(),
            extensions,
            // The folder is listed by the first call of `next`.
            open: vec![Listing {
                folder: PathBuf::new(),
                entries: vec![Entry::Folder(root.into())].into_iter(),
            }],
            followed: HashSet::new(),
            passed_over: PassedOver::default(),
        }
    }

    fn list(&mut self, folder: &Path) -> io::Result<Listing> {
        let (mut folders, mut sounds) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match self.kind(&entry) {
                Kind::Folder => folders.push(entry.file_name()),
                Kind::Sound => sounds.push(entry.file_name()),
                Kind::PassedOver(reason) => self.passed_over.count(reason),
            }
        }
        let label_names = label_names(&sounds);
        let sounds = sounds.into_iter().zip(label_names);
        let mut entries: Vec<Entry> = sounds
            .map(|(name, label_name)| Entry::Sound { name, label_name })
            .chain(folders.into_iter().map(Entry::Folder))
            .collect();
        entries.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        Ok(Listing {
            folder: folder.into(),
            entries: entries.into_iter(),
        })
    }

    fn kind(&mut self, entry: &DirEntry) -> Kind {
        let name = entry.file_name();
        if let Some(hidden) = Hidden::of(&name) {
            return Kind::PassedOver(Reason::Hidden(hidden));
        }
        let path = entry.path();
        // None for what has vanished since the folder was listed.
        let file_type = entry.file_type().ok();
        let is_link = file_type.is_some_and(|kind| kind.is_symlink());
        let target = match is_link {
            true => fs::metadata(&path).ok().map(|target| target.file_type()),
            false => file_type,
        };
        match target {
            Some(target) if target.is_dir() => match is_link && !self.follows(&path) {
                true => Kind::PassedOver(Reason::FolderLink),
                false => Kind::Folder,
            },
            _ if !has_extension(&path, self.extensions) => {
                Kind::PassedOver(Reason::Ending(ending(&path)))
            }
            Some(target) if !target.is_file() => Kind::PassedOver(Reason::Special),
            // A link that leads nowhere too: only its reader can report it.
            _ => Kind::Sound,
        }
    }

    /// Whether a link to a folder leads to files that are not found without it.
    fn follows(&mut self, link: &Path) -> bool {
        let Ok(target) = link.canonicalize() else {
            return false;
        };
        let around = self.real_root.starts_with(&target) || link.starts_with(&target);
        !around && !target.starts_with(&self.real_root) && self.followed.insert(target)
    }
}

impl Iterator for Walk<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let listing = self.open.last_mut()?;
            let Some(entry) = listing.entries.next() else {
                self.open.pop();
                continue;
            };
            let path = listing.folder.join(entry.name());
            match entry {
                Entry::Folder(_) => match self.list(&path) {
                    Ok(listing) => self.open.push(listing),
                    Err(reason) => {
                        return Some(Found::Unreadable {
                            folder: path,
                            reason,
                        });
                    }
                },
                Entry::Sound { label_name, .. } => {
                    let place = path.strip_prefix(&self.root).unwrap_or(&path);
                    return Some(Found::Sound {
                        place: place.with_file_name(label_name),
                        path,
                    });
                }
            }
        }
    }
}

enum Kind {
    Folder,
    Sound,
    PassedOver(Reason),
}

impl Entry {
    fn name(&self) -> &OsStr {
        match self {
            Self::Folder(name) | Self::Sound { name, .. } => name,
        }
    }
}

/// The ending of a name in lower case, with its dot; empty if there is none.
fn ending(path: &Path) -> String {
    let extension = path.extension().map(OsStr::to_string_lossy);
    extension.map_or_else(String::new, |e| format!(".{}", e.to_lowercase()))
}
