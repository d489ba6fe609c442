//! The sounds that the command line names, one after the other, with the places of their labels.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

use crate::audio::sound_files::SOUND_EXTENSIONS;
use crate::cli::detect::digest::digest_path;
use crate::cli::detect::names::{absolute, label_names, shared};
use crate::cli::detect::passed_over::{PassedOver, Reason};
use crate::cli::detect::shard::Shard;
use crate::cli::detect::walk::{Found, Walk};
use crate::pipeline::recording::Input;

/// Extensions of raw samples that a folder is searched for.
const RAW_EXTENSIONS: &[&str] = &["raw", "pcm"];

/// A sound to label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub input: Input,
    /// Path of its labels, without their ending: below the folder of all labels, or beside the sound.
    pub place: PathBuf,
}

impl Job {
    /// The path of its labels with this extension.
    pub fn output(&self, folder: &Path, extension: &str) -> PathBuf {
        // Appended, not replaced: the stem of `take.1.wav` is `take.1`.
        let mut name = folder.join(&self.place).into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }
}

/// What the command line names.
#[derive(Debug)]
pub struct Inputs {
    named: Vec<Named>,
    /// The folder that all of them share. `None`: labels lie beside the sounds.
    base: Option<PathBuf>,
    extensions: &'static [&'static str],
    shard: Option<Shard>,
}

#[derive(Debug)]
struct Named {
    path: PathBuf,
    kind: NamedKind,
    /// Name of its labels if it is a file, without their ending.
    label_name: OsString,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamedKind {
    Stdin,
    Fifo,
    /// A file, folder or FIFO.
    Path,
}

impl Inputs {
    /// The inputs `names`. Labels lie beside the sounds, or keep their paths below the folder that all inputs share.
    pub fn new(names: Vec<OsString>, raw: bool, beside: bool, shard: Option<Shard>) -> Self {
        let mut named: Vec<Named> = names.into_iter().map(Named::new).collect();
        name_labels(&mut named);
        let base = (!beside).then(|| base(&named));
        let extensions: &[&str] = if raw {
            RAW_EXTENSIONS
        } else {
            SOUND_EXTENSIONS
        };
        Self {
            named,
            base,
            extensions,
            shard,
        }
    }

    /// Whether standard input is among them.
    pub fn read_stdin(&self) -> bool {
        self.named
            .iter()
            .any(|named| named.kind == NamedKind::Stdin)
    }

    /// The sounds, in the order of the inputs and, in folders, of the names. Folders are listed when they are reached.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs {
            inputs: self,
            named: self.named.iter(),
            folder: None,
            claims: HashMap::new(),
            passed_over: PassedOver::default(),
        }
    }
}

/// The names in a list: one a line, or each ended by a NUL. `-` is standard input.
pub fn read_list(list: &Path, null: bool) -> anyhow::Result<Vec<OsString>> {
    let mut bytes = Vec::new();
    match list == Path::new("-") {
        true => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
        false => fs::read(list).map(|read| bytes = read),
    }
    .with_context(|| format!("the list {} cannot be read", list.display()))?;
    let end = if null { 0 } else { b'\n' };
    let names = bytes.split(|&byte| byte == end);
    // Lists from Windows end their lines with a carriage return too.
    let names = names.map(|name| match name {
        [name @ .., b'\r'] if !null => name,
        name => name,
    });
    let names: Vec<OsString> = names
        .filter(|name| !name.is_empty())
        .map(|name| OsString::from_vec(name.into()))
        .collect();
    if names.is_empty() {
        bail!("the list {} names no file", list.display());
    }
    Ok(names)
}

impl Named {
    fn new(name: OsString) -> Self {
        let bytes = name.as_bytes();
        let (kind, path) = match bytes.strip_prefix(b"fifo:") {
            Some(path) if !path.is_empty() => {
                (NamedKind::Fifo, OsString::from_vec(path.into()).into())
            }
            _ if bytes == b"-" || bytes == b"stdin:" => (NamedKind::Stdin, PathBuf::from("stdin")),
            _ => (NamedKind::Path, PathBuf::from(name)),
        };
        Self {
            label_name: OsString::new(),
            kind,
            path,
        }
    }
}

/// Gives labels in one folder different names.
fn name_labels(named: &mut [Named]) {
    let mut folders: HashMap<PathBuf, Vec<usize>> = HashMap::new();
    for (place, named) in named.iter().enumerate() {
        folders.entry(parent(&named.path)).or_default().push(place);
    }
    for places in folders.into_values() {
        let mut sounds: Vec<OsString> = places
            .iter()
            .map(|&place| file_name(&named[place].path))
            .collect();
        let all = sounds.clone();
        // A sound that is named twice has one name.
        sounds.sort_unstable();
        sounds.dedup();
        let names: HashMap<OsString, OsString> =
            sounds.iter().cloned().zip(label_names(&sounds)).collect();
        for (place, sound) in places.into_iter().zip(all) {
            named[place].label_name = names.get(&sound).cloned().unwrap_or(sound);
        }
    }
}

/// The folder below which all labels keep their paths.
fn base(named: &[Named]) -> PathBuf {
    let paths = named.iter().filter(|named| named.kind != NamedKind::Stdin);
    match paths.clone().count() {
        1 => paths
            .map(|named| match named.path.is_dir() {
                true => absolute(&named.path),
                false => parent(&named.path),
            })
            .next(),
        _ => paths
            .map(|named| parent(&named.path))
            .reduce(|a, b| shared(&a, &b)),
    }
    .unwrap_or_default()
}

/// The folder that holds a file or folder.
fn parent(path: &Path) -> PathBuf {
    let path = absolute(path);
    path.parent().unwrap_or(&path).into()
}

fn file_name(path: &Path) -> OsString {
    path.file_name().unwrap_or(OsStr::new("sound")).into()
}

/// The sounds of [`Inputs`], one after the other.
pub struct Jobs<'a> {
    inputs: &'a Inputs,
    named: std::slice::Iter<'a, Named>,
    folder: Option<Folder<'a>>,
    /// The places that are taken, and by which inputs.
    claims: HashMap<u128, u128>,
    /// What was passed over so far.
    pub passed_over: PassedOver,
}

/// A folder being searched.
struct Folder<'a> {
    path: &'a Path,
    walk: Walk<'a>,
    sounds: u64,
}

impl<'a> Jobs<'a> {
    /// The next sound, whether it is in the shard or not, with the name that decides it. `None` in place of a sound
    /// that was there before.
    fn next_sound(&mut self) -> Option<anyhow::Result<Option<(Job, PathBuf)>>> {
        loop {
            if let Some(folder) = &mut self.folder {
                let Some(found) = folder.walk.next() else {
                    let end = folder.end(&mut self.passed_over);
                    self.folder = None;
                    match end {
                        Ok(()) => continue,
                        Err(error) => return Some(Err(error)),
                    }
                };
                folder.sounds += 1;
                let folder = folder.path;
                return Some(match found {
                    Found::Sound { path, place } => {
                        let name = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                        let place = self.place_below(folder, &place);
                        let job = self.claim(Input::File(path), place);
                        Ok(job.map(|job| (job, name)))
                    }
                    Found::Unreadable { folder, reason } => Err(anyhow!(
                        "{}: the folder cannot be read: {reason}",
                        folder.display()
                    )),
                });
            }
            let named = self.named.next()?;
            let input = match named.kind {
                NamedKind::Stdin => Input::Stdin,
                NamedKind::Fifo => Input::Fifo(named.path.clone()),
                NamedKind::Path => match fs::metadata(&named.path).map(|found| found.file_type()) {
                    Ok(kind) if kind.is_dir() => {
                        self.folder = Some(Folder {
                            path: &named.path,
                            walk: Walk::new(&named.path, self.inputs.extensions),
                            sounds: 0,
                        });
                        continue;
                    }
                    Ok(kind) if kind.is_fifo() => Input::Fifo(named.path.clone()),
                    // What is wrong with it is found when it is opened.
                    _ => Input::File(named.path.clone()),
                },
            };
            let place = match named.path.parent() {
                _ if named.kind == NamedKind::Stdin => named.label_name.clone().into(),
                Some(folder) => self.place_below(folder, Path::new(&named.label_name)),
                None => named.label_name.clone().into(),
            };
            let job = self.claim(input, place);
            return Some(Ok(job.map(|job| (job, named.path.clone()))));
        }
    }

    /// The place of labels that lie at `place` below `folder`.
    fn place_below(&self, folder: &Path, place: &Path) -> PathBuf {
        match &self.inputs.base {
            None => folder.join(place),
            Some(base) => {
                let folder = absolute(folder);
                folder
                    .strip_prefix(base)
                    .unwrap_or(Path::new(""))
                    .join(place)
            }
        }
    }

    /// A job for `input` whose labels no other input has; `None` if it was named before.
    fn claim(&mut self, input: Input, mut place: PathBuf) -> Option<Job> {
        let by = digest_path(&absolute(input.path()));
        let mut number = 1;
        loop {
            match self.claims.entry(digest_path(&place)) {
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(by);
                    return Some(Job { input, place });
                }
                std::collections::hash_map::Entry::Occupied(taken) if *taken.get() == by => {
                    self.passed_over.count(Reason::Twice);
                    return None;
                }
                std::collections::hash_map::Entry::Occupied(_) => {
                    let mut name = file_name(input.path());
                    if number > 1 {
                        name.push(format!(" ({number})"));
                    }
                    number += 1;
                    place.set_file_name(name);
                }
            }
        }
    }
}

impl Folder<'_> {
    fn end(&self, passed_over: &mut PassedOver) -> anyhow::Result<()> {
        let here = &self.walk.passed_over;
        passed_over.add(here);
        if self.sounds > 0 {
            return Ok(());
        }
        let but = match here.total() {
            0 => String::new(),
            _ => format!("; {here}"),
        };
        bail!(
            "{}: there is no sound file in this folder{but}",
            self.path.display()
        )
    }
}

impl Iterator for Jobs<'_> {
    type Item = anyhow::Result<Job>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_sound()? {
                Err(error) => return Some(Err(error)),
                Ok(Some((job, name))) if self.inputs.shard.is_none_or(|s| s.holds(&name)) => {
                    return Some(Ok(job));
                }
                Ok(_) => {}
            }
        }
    }
}
