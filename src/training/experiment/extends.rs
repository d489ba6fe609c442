//! Experiments that extend others: a file holds only what differs from the file it names.
//!
//! `extends = "../live-14/07-level.toml"`, a path from the folder of the file, takes every setting of that
//! experiment, which must be whole by itself and may extend another one. The file's own settings are merged
//! over it:
//!
//! - **Tables** merge key by key. Any other value replaces the one it extends, lists included.
//! - **Corpora** merge one by one. An entry of `corpus` refers to the corpus with its `id` or, without an `id`,
//!   to the one of its `kind` and `root`. Its other keys are merged over that corpus, which keeps its place.
//!   `remove = true` drops the corpus.
//! - A file that names another **`architecture`** does not take over the `depth`.
//! - An entry that refers to none is a **new corpus**. It stands before the next entry of the file that refers
//!   to one, else at the end; an entry of nothing but a name marks a place. (The order of the corpora decides
//!   which windows a seed draws.)
//!
//! `id` is a name to refer to and nothing else: no setting of the experiment.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};
use toml::{Spanned, Table};

use crate::training::experiment::missing::missing_keys;
use crate::training::experiment::{Experiment, ExperimentError, se_resnet};

/// Where the keys are documented.
const REFERENCE: &str = "docs/experiment-keys.md";
const EXTENDS: &str = "extends";
const ARCHITECTURE: &str = "architecture";
const DEPTH: &str = "depth";
const CORPUS: &str = "corpus";
const ID: &str = "id";
const KIND: &str = "kind";
const ROOT: &str = "root";
const REMOVE: &str = "remove";

/// An experiment that cannot extend another one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum ExtendsError {
    /// `extends` is not a path.
    #[error("extends must be the path of another experiment, from the folder of this one")]
    NoPath,
    /// The extended file cannot be read.
    #[error("it extends {}, which cannot be read: {reason}", parent.display())]
    Unreadable { parent: PathBuf, reason: io::Error },
    /// A file extends itself, directly or through others.
    #[error("it extends itself: {}", route(files))]
    Cycle { files: Vec<PathBuf> },
    /// An entry of `corpus` cannot be identified.
    #[error("every entry of corpus must be a table with an id, or with a kind and a root")]
    Nameless,
    /// An entry changes a corpus that the extended file does not have.
    #[error(
        "it changes the corpus {corpus}, which {} does not have; a new corpus needs a kind and a root",
        parent.display()
    )]
    Unknown { corpus: String, parent: PathBuf },
    /// An entry removes a corpus that the extended file does not have.
    #[error("it removes the corpus {corpus}, which {} does not have", parent.display())]
    NothingToRemove { corpus: String, parent: PathBuf },
    /// An entry removes a corpus and also sets keys of it.
    #[error(
        "it removes the corpus {corpus} by something other than `remove = true` alone, beside its name"
    )]
    Remove { corpus: String },
    /// Two entries refer to the same corpus.
    #[error("it has two entries for the corpus {corpus}")]
    Twice { corpus: String },
    /// An entry refers to several corpora.
    #[error("{} has two corpora {corpus}; give each an id", parent.display())]
    Ambiguous { corpus: String, parent: PathBuf },
}

fn route(files: &[PathBuf]) -> String {
    let files: Vec<_> = files.iter().map(|f| f.display().to_string()).collect();
    files.join(" extends ")
}

/// Reads an experiment with all that it extends; `read` gives the text of a file.
///
/// # Errors
/// Names the file that has the problem: it cannot be read, is no experiment, extends itself, or changes a
/// corpus that is not there.
pub(super) fn resolve(
    path: &Path,
    read: impl Fn(&Path) -> io::Result<String>,
) -> Result<Experiment, ExperimentError> {
    let path = path.to_path_buf();
    let top = match read(&path) {
        Ok(text) => File { path, text },
        Err(reason) => return Err(ExperimentError::Unreadable { path, reason }),
    };
    let below = ancestors(&top, read)?;
    merged(&top, &below).map(|(_, experiment)| experiment)
}

/// A file of an experiment.
struct File {
    path: PathBuf,
    text: String,
}

/// The files that a file extends, its parent first.
fn ancestors(
    top: &File,
    read: impl Fn(&Path) -> io::Result<String>,
) -> Result<Vec<File>, ExperimentError> {
    let identity = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    let mut seen = vec![identity(&top.path)];
    let mut ancestors: Vec<File> = Vec::new();
    loop {
        let child = ancestors.last().unwrap_or(top);
        let Some(parent) = child.parent()? else {
            return Ok(ancestors);
        };
        if seen.contains(&identity(&parent)) {
            let files = [top].into_iter().chain(&ancestors);
            let files = files.map(|f| f.path.clone()).chain([parent]).collect();
            return Err(child.extends(ExtendsError::Cycle { files }));
        }
        seen.push(identity(&parent));
        let text = match read(&parent) {
            Ok(text) => text,
            Err(reason) => {
                return Err(child.extends(ExtendsError::Unreadable { parent, reason }));
            }
        };
        ancestors.push(File { path: parent, text });
    }
}

/// The settings of a file over those of its ancestors, as they stand in the files and as an experiment. Each
/// ancestor is checked by itself, so what is wrong stands in the file that is named.
fn merged<'a>(
    top: &'a File,
    below: &'a [File],
) -> Result<(Spanned<DeTable<'a>>, Experiment), ExperimentError> {
    let mut own = top.tree()?;
    own.get_mut().remove(EXTENDS);
    let whole = match below.split_first() {
        None => own,
        Some((parent, below)) => {
            let (base, _) = merged(parent, below)?;
            let span = own.span();
            let whole = extend(base.into_inner(), own.into_inner(), &parent.path);
            Spanned::new(span, whole.map_err(|problem| top.extends(problem))?)
        }
    };
    let experiment = top.experiment(&whole)?;
    Ok((whole, experiment))
}

impl File {
    fn tree(&self) -> Result<Spanned<DeTable<'_>>, ExperimentError> {
        DeTable::parse(&self.text).map_err(|problem| self.problem(&problem.to_string()))
    }

    /// The path of the file that this one extends.
    fn parent(&self) -> Result<Option<PathBuf>, ExperimentError> {
        let tree = self.tree()?;
        let Some(path) = tree.get_ref().get(EXTENDS) else {
            return Ok(None);
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        match path.get_ref().as_str() {
            Some(path) => Ok(Some(folder.join(path))),
            None => Err(self.extends(ExtendsError::NoPath)),
        }
    }

    /// The settings of this file, merged over those that it extends.
    fn experiment(&self, whole: &Spanned<DeTable>) -> Result<Experiment, ExperimentError> {
        let whole = without_ids(whole.clone());
        let mut problem = match Experiment::deserialize(Deserializer::from(whole.clone())) {
            Ok(experiment) => return Ok(experiment),
            Err(problem) => problem,
        };
        let given = Table::deserialize(Deserializer::from(whole)).unwrap_or_default();
        let is_missing = problem.message().starts_with("missing field");
        let missing = missing_keys(&given);
        // The place of the problem is in this file: a merged table has the place of the file's own.
        problem.set_input(Some(&self.text));
        let problem = match is_missing && missing.len() > 1 {
            true => format!("missing keys: {}", missing.join(", ")),
            false => problem.to_string().trim_end().to_owned(),
        };
        Err(self.problem(&match is_missing {
            true => format!("{problem} ({REFERENCE} documents every key)"),
            false => problem,
        }))
    }

    fn problem(&self, problem: &str) -> ExperimentError {
        ExperimentError::Syntax {
            path: self.path.clone(),
            problem: problem.trim_end().into(),
        }
    }

    fn extends(&self, problem: ExtendsError) -> ExperimentError {
        ExperimentError::Extends {
            path: self.path.clone(),
            problem,
        }
    }
}

/// The settings of an experiment, `base`, with those of a file that extends it.
fn extend<'a>(
    mut base: DeTable<'a>,
    mut own: DeTable<'a>,
    parent: &Path,
) -> Result<DeTable<'a>, ExtendsError> {
    if let (Some(DeValue::Array(corpora)), Some(own)) = (
        base.get_mut(CORPUS).map(Spanned::get_mut),
        own.get_mut(CORPUS),
    ) && let DeValue::Array(changes) = own.get_mut()
    {
        *changes = merge_corpora(take(corpora), take(changes), parent)?;
    }
    let architecture = |table: &DeTable| text(table, ARCHITECTURE).map(str::to_owned);
    if let Some(named) = architecture(&own)
        && named != architecture(&base).unwrap_or_else(se_resnet)
    {
        base.remove(DEPTH);
    }
    Ok(merge(base, own))
}

fn take<'a>(corpora: &mut DeArray<'a>) -> DeArray<'a> {
    std::mem::replace(corpora, DeArray::new())
}

/// A table over another, key by key. The places in the text become those of `own` wherever it has a say.
fn merge<'a>(mut base: DeTable<'a>, own: DeTable<'a>) -> DeTable<'a> {
    for (key, value) in own {
        let old = base.remove(key.get_ref().as_ref()).map(Spanned::into_inner);
        let place = value.span();
        let value = match (old, value.into_inner()) {
            (Some(DeValue::Table(old)), DeValue::Table(new)) => DeValue::Table(merge(old, new)),
            (_, new) => new,
        };
        base.insert(key, Spanned::new(place, value));
    }
    base
}

/// A corpus while a file's entries are merged over those of its parent.
struct Merged<'a> {
    corpus: Spanned<DeTable<'a>>,
    /// An entry of the file refers to it, or is it.
    named: bool,
    removed: bool,
}

fn merge_corpora<'a>(
    base: DeArray<'a>,
    own: DeArray<'a>,
    parent: &Path,
) -> Result<DeArray<'a>, ExtendsError> {
    let mut corpora = Vec::new();
    for corpus in base {
        corpora.push(Merged {
            corpus: table(corpus)?,
            named: false,
            removed: false,
        });
    }
    // From the last entry to the first: a new corpus stands before the entry that follows it.
    let mut next = corpora.len();
    for entry in own.into_iter().rev() {
        let entry = table(entry)?;
        let removes = removes(entry.get_ref())?;
        let corpus = name(entry.get_ref()).ok_or(ExtendsError::Nameless)?;
        let parent = || parent.to_path_buf();
        let mut places = (0..corpora.len())
            .filter(|&place| is_same(corpora[place].corpus.get_ref(), entry.get_ref()));
        let (place, another) = (places.next(), places.next());
        match place {
            Some(place) if corpora[place].named => return Err(ExtendsError::Twice { corpus }),
            Some(_) if another.is_some() => {
                let parent = parent();
                return Err(ExtendsError::Ambiguous { corpus, parent });
            }
            Some(place) => {
                next = place;
                let merged = &mut corpora[place];
                (merged.named, merged.removed) = (true, removes);
                let old = std::mem::take(merged.corpus.get_mut());
                let span = entry.span();
                merged.corpus = Spanned::new(span, merge(old, entry.into_inner()));
            }
            None if removes => {
                let parent = parent();
                return Err(ExtendsError::NothingToRemove { corpus, parent });
            }
            None if [KIND, ROOT]
                .iter()
                .any(|&key| text(entry.get_ref(), key).is_none()) =>
            {
                let parent = parent();
                return Err(ExtendsError::Unknown { corpus, parent });
            }
            None => corpora.insert(
                next,
                Merged {
                    corpus: entry,
                    named: true,
                    removed: false,
                },
            ),
        }
    }
    let left = corpora.into_iter().filter(|merged| !merged.removed);
    let value = |merged: Merged<'a>| {
        let place = merged.corpus.span();
        Spanned::new(place, DeValue::Table(merged.corpus.into_inner()))
    };
    Ok(left.map(value).collect())
}

fn table(entry: Spanned<DeValue>) -> Result<Spanned<DeTable>, ExtendsError> {
    let place = entry.span();
    match entry.into_inner() {
        DeValue::Table(table) => Ok(Spanned::new(place, table)),
        _ => Err(ExtendsError::Nameless),
    }
}

fn text<'a>(corpus: &'a DeTable, key: &str) -> Option<&'a str> {
    corpus.get(key).and_then(|value| value.get_ref().as_str())
}

/// What an entry refers to, for people.
fn name(entry: &DeTable) -> Option<String> {
    match text(entry, ID) {
        Some(id) => Some(id.into()),
        None => Some(format!("{} {}", text(entry, KIND)?, text(entry, ROOT)?)),
    }
}

fn is_same(corpus: &DeTable, entry: &DeTable) -> bool {
    let keys: &[&str] = match text(entry, ID) {
        Some(_) => &[ID],
        None => &[KIND, ROOT],
    };
    keys.iter().all(|key| text(corpus, key) == text(entry, key))
}

/// Whether an entry removes what it refers to.
fn removes(entry: &DeTable) -> Result<bool, ExtendsError> {
    let Some(remove) = entry.get(REMOVE) else {
        return Ok(false);
    };
    let names = |key: &str| [ID, KIND, ROOT, REMOVE].contains(&key);
    let alone = entry.keys().all(|key| names(key.get_ref()));
    match remove.get_ref().as_bool() {
        Some(true) if alone => Ok(true),
        _ => Err(ExtendsError::Remove {
            corpus: name(entry).ok_or(ExtendsError::Nameless)?,
        }),
    }
}

/// The settings alone.
fn without_ids(mut whole: Spanned<DeTable>) -> Spanned<DeTable> {
    if let Some(DeValue::Array(corpora)) = whole.get_mut().get_mut(CORPUS).map(Spanned::get_mut) {
        for corpus in corpora.iter_mut() {
            if let DeValue::Table(corpus) = corpus.get_mut() {
                corpus.remove(ID);
            }
        }
    }
    whole
}
