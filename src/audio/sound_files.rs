//! Sound files below a folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// A folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: the folder cannot be read: {source}", path.display())]
pub struct UnreadableFolder {
    /// The folder.
    pub path: PathBuf,
    /// The system's reason.
    pub source: std::io::Error,
}

/// What to do with a symbolic link to a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderLinks {
    /// Searches the folder that the link leads to, unless it contains the link itself.
    Follow,
    /// Passes over the link.
    Skip,
}

/// Every file below `folder` whose extension is one of `extensions` (lower case; any case matches), in the
/// order of the names. Links to files count as files, a link that leads nowhere too: only its reader can
/// report it.
///
/// # Errors
/// Every folder that could not be read.
pub fn files_below(
    folder: &Path,
    extensions: &[&str],
    links: FolderLinks,
) -> Result<Vec<PathBuf>, Vec<UnreadableFolder>> {
    let mut found = Vec::new();
    let mut unreadable = Vec::new();
    let walk = WalkDir::new(folder)
        .follow_links(links == FolderLinks::Follow)
        .sort_by_file_name();
    for entry in walk {
        match entry {
            Ok(entry) => {
                if !is_folder(&entry) && has_extension(entry.path(), extensions) {
                    found.push(entry.into_path());
                }
            }
            // A link to a folder around it.
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                if path.is_symlink() && !path.exists() {
                    if has_extension(&path, extensions) {
                        found.push(path);
                    }
                    continue;
                }
                let source = error
                    .into_io_error()
                    .unwrap_or_else(|| std::io::Error::other("unknown reason"));
                unreadable.push(UnreadableFolder { path, source });
            }
        }
    }
    match unreadable.is_empty() {
        true => Ok(found),
        false => Err(unreadable),
    }
}

/// A link to a folder is one too.
fn is_folder(entry: &DirEntry) -> bool {
    let kind = entry.file_type();
    kind.is_dir() || (kind.is_symlink() && entry.path().is_dir())
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|own| extensions.iter().any(|e| own.eq_ignore_ascii_case(e)))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn finds_files_in_order_and_ends_at_circular_links() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/deeper"))?;
        for name in ["c.wav", "b/2.FLAC", "b/deeper/1.wav", "a.txt"] {
            fs::write(at(name), "")?;
        }
        symlink(folder.path(), at("b/around"))?;
        symlink(at("c.wav"), at("a.wav"))?;
        symlink(at("nowhere"), at("z.wav"))?;
        let names = |links| -> Vec<String> {
            let found = files_below(folder.path(), &["wav", "flac"], links).unwrap_or_default();
            let names = found
                .iter()
                .filter_map(|p| p.strip_prefix(folder.path()).ok());
            names.map(|p| p.display().to_string()).collect()
        };
        let all = ["a.wav", "b/2.FLAC", "b/deeper/1.wav", "c.wav", "z.wav"];
        assert_eq!(names(FolderLinks::Follow), all);
        assert_eq!(names(FolderLinks::Skip), all);

        let elsewhere = tempfile::tempdir()?;
        fs::write(elsewhere.path().join("1.wav"), "")?;
        symlink(elsewhere.path(), at("linked"))?;
        assert!(names(FolderLinks::Follow).contains(&"linked/1.wav".to_owned()));
        assert_eq!(names(FolderLinks::Skip), all);
        Ok(())
    }
}
