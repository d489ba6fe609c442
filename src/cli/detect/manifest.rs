//! The manifest: a file of JSON lines that records what was done with each sound.
//!
//! A line is added when a sound is finished, so that a job that is killed goes on where it was. The last line of a
//! sound counts. When a job ends, only that line is left.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};

use crate::atomic_file::AtomicFile;
use crate::cli::detect::record::{Record, State};
use crate::cli::detect::shard::Shard;
use crate::pipeline::verdict::Verdict;

/// A manifest that is being written; no other process writes it meanwhile.
pub struct Manifest {
    path: PathBuf,
    state: Mutex<Recorded>,
}

struct Recorded {
    file: File,
    /// Finished sounds by the digest of their paths.
    done: HashMap<u128, Done>,
    /// Digests of all label files that vocald wrote.
    written: HashSet<String>,
    /// A sound has several lines.
    has_older_lines: bool,
}

/// A finished sound.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    key: u128,
    pub seconds: f64,
    pub voice_share: f64,
    pub verdict: Verdict,
}

impl Manifest {
    /// Opens the manifest `path`, of a part of the sounds if `shard` is given: `labels.jsonl` is `labels-3-of-20.jsonl`
    /// for the shard 3/20. What manifests of other parts beside it record counts as done too.
    pub fn open(path: &Path, shard: Option<Shard>) -> anyhow::Result<Self> {
        let own = match shard {
            Some(shard) => part_name(path, shard),
            None => path.into(),
        };
        let context = || format!("the manifest {} cannot be written", own.display());
        if let Some(folder) = own.parent() {
            std::fs::create_dir_all(folder).with_context(context)?;
        }
        let mut options = File::options();
        let options = options.read(true).append(true).create(true);
        let file = options.open(&own).with_context(context)?;
        // A file system without locks keeps nobody away.
        if flock(&file, FlockOperation::NonBlockingLockExclusive)
            == Err(rustix::io::Errno::WOULDBLOCK)
        {
            bail!(
                "the manifest {} is in use by another vocald: wait for its end, or use --shard or another --manifest",
                own.display()
            );
        }
        let mut recorded = Recorded {
            file,
            done: HashMap::new(),
            written: HashSet::new(),
            has_older_lines: false,
        };
        for other in parts(path).into_iter().filter(|other| *other != own) {
            recorded.read(&other)?;
        }
        let whole_bytes = recorded.read(&own)?;
        // The last line of a process that was killed while it wrote it.
        recorded.file.set_len(whole_bytes).with_context(context)?;
        Ok(Self {
            path: own,
            state: Mutex::new(recorded),
        })
    }

    /// The finished sound of which `record` would be the line, if it needs no new labels.
    pub fn done(&self, record: &Record) -> Option<Done> {
        let done = self.lock().done.get(&record.sound.digest()).copied();
        done.filter(|done| done.key == record.key())
    }

    /// Whether a label file with this digest was written by vocald.
    pub fn has_written(&self, sha256: &str) -> bool {
        self.lock().written.contains(sha256)
    }

    /// Adds a line.
    pub fn add(&self, record: &Record) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let mut recorded = self.lock();
        recorded.note(record);
        let mut written = recorded.file.write_all(&line);
        if record.state == State::Writing {
            // On the disk before the label files are.
            written = written.and_then(|()| recorded.file.sync_data());
            recorded.has_older_lines = true;
        }
        written.with_context(|| format!("the manifest {} cannot be written", self.path.display()))
    }

    /// Leaves the last line of each sound, in the order in which the sounds were finished.
    pub fn finish(self) -> anyhow::Result<()> {
        let recorded = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if !recorded.has_older_lines {
            return Ok(());
        }
        compact(&self.path)
            .with_context(|| format!("the manifest {} cannot be written", self.path.display()))
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorded {
    /// Reads the lines of a manifest; the number of bytes of whole lines.
    fn read(&mut self, path: &Path) -> anyhow::Result<u64> {
        let mut bytes = 0;
        let mut sounds = HashSet::new();
        for line in lines(path)? {
            let line = line?;
            self.note(&line.record);
            self.has_older_lines |= !sounds.insert(line.record.sound.digest());
            bytes = line.end;
        }
        Ok(bytes)
    }

    fn note(&mut self, record: &Record) {
        let sound = record.sound.digest();
        match (record.state, record.verdict) {
            (State::Done, Some(verdict)) => {
                let done = Done {
                    key: record.key(),
                    seconds: record.seconds.unwrap_or_default(),
                    voice_share: record.voice_share.unwrap_or_default(),
                    verdict,
                };
                self.done.insert(sound, done);
            }
            _ => _ = self.done.remove(&sound),
        }
        let digests = record.outputs.iter().map(|output| output.sha256.clone());
        self.written.extend(digests);
    }
}

/// A line of a manifest.
struct Line {
    text: Vec<u8>,
    record: Record,
    /// Bytes of the file up to its end.
    end: u64,
}

/// The whole lines of a manifest.
fn lines(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Line>>> {
    let context = format!("the manifest {} cannot be read", path.display());
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        opened => Some(opened.with_context(|| context.clone())?),
    };
    let mut reader = file.map(BufReader::new);
    let (mut end, mut number) = (0, 0u64);
    let path = path.to_owned();
    Ok(std::iter::from_fn(move || {
        let mut text = Vec::new();
        match reader.as_mut()?.read_until(b'\n', &mut text) {
            Ok(_) if text.last() != Some(&b'\n') => return None,
            Ok(_) => {}
            Err(e) => return Some(Err(anyhow::Error::from(e).context(context.clone()))),
        }
        number += 1;
        end += text.len() as u64;
        let record = serde_json::from_slice(&text);
        let place = || format!("{}: line {number} is no record of vocald", path.display());
        let line = record.with_context(place);
        if line.is_err() {
            reader = None;
        }
        Some(line.map(|record| Line { text, record, end }))
    }))
}

fn compact(path: &Path) -> anyhow::Result<()> {
    let mut last = HashMap::new();
    for line in lines(path)? {
        let line = line?;
        last.insert(line.record.sound.digest(), line.end);
    }
    let mut file = BufWriter::new(AtomicFile::create(path)?);
    for line in lines(path)? {
        let line = line?;
        if last.get(&line.record.sound.digest()) == Some(&line.end) {
            file.write_all(&line.text)?;
        }
    }
    let file = file
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    Ok(file.commit()?)
}

/// `labels-3-of-20.jsonl` for `labels.jsonl`.
fn part_name(path: &Path, shard: Shard) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{}-of-{}", shard.number, shard.of));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The manifest `path` and those of its parts.
fn parts(path: &Path) -> Vec<PathBuf> {
    let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let is_part = |other: &PathBuf| {
        let numbers = other.file_stem().and_then(OsStr::to_str).and_then(|name| {
            name.strip_prefix(stem)?
                .strip_prefix('-')?
                .split_once("-of-")
        });
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        other.extension() == path.extension()
            && numbers.is_some_and(|(number, of)| is_number(number) && is_number(of))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| path.with_file_name(entry.file_name()));
    let mut parts: Vec<PathBuf> = names.filter(is_part).collect();
    parts.push(path.into());
    parts.sort();
    parts
}
