//! Files that appear whole or not at all: written under a temporary name in the same folder, synced, renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Permissions of a new file before the process's umask, as [`File::create`] has them.
const MODE: u32 = 0o666;

/// Writes `bytes` to `path`, over whatever is there.
///
/// # Errors
///
/// What the system reports; `path` is then as it was before.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes.as_ref())?;
    file.commit()
}

/// A file that takes its name on [`commit`](Self::commit); dropped before that, it leaves nothing behind.
///
/// ```
/// # use std::io::Write as _;
/// # use vocald::atomic_file::AtomicFile;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("report.md");
/// let mut file = AtomicFile::create(&path)?;
/// writeln!(file, "# Report")?;
/// file.commit()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "without commit() the file never appears"]
#[derive(Debug)]
pub struct AtomicFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Opens a temporary file in the folder of `path`, which must exist.
    ///
    /// # Errors
    ///
    /// What the system reports: no such folder, no permission, no space.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = tempfile::Builder::new()
            .prefix(".vocald-")
            .suffix(".part")
            .permissions(fs::Permissions::from_mode(MODE))
            .tempfile_in(folder(path))?;
        Ok(Self {
            writer: BufWriter::new(file),
            path: path.into(),
        })
    }

    /// The temporary path, for libraries that write to a path. Do not mix this with [`Write`].
    #[must_use]
    pub fn temporary_path(&self) -> &Path {
        self.writer.get_ref().path()
    }

    /// Syncs the file to the disk and renames it.
    ///
    /// # Errors
    ///
    /// What the system reports; what was at the path before is then still there.
    pub fn commit(self) -> io::Result<()> {
        let file = self.writer.into_inner()?;
        // By name: a library may have replaced the file at the temporary path.
        File::open(file.path())?.sync_all()?;
        file.persist(&self.path)?;
        // Some file systems cannot sync a folder; the content of the file is safe without.
        let _ = File::open(folder(&self.path)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, "first").unwrap();
        write(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn an_uncommitted_file_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_library_may_write_to_the_temporary_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = AtomicFile::create(&path).unwrap();
        fs::write(file.temporary_path(), "by path").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "by path");
    }

    #[test]
    fn permissions_are_those_of_any_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, atomic) = (folder.path().join("plain"), folder.path().join("atomic"));
        fs::write(&plain, "").unwrap();
        write(&atomic, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&plain), mode(&atomic));
    }
}
