//! Sound files below a folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Extensions of files with sound, lower case: sounds, and films with a sound track. Whether a file can be decoded is
/// decided by its content.
pub const SOUND_EXTENSIONS: &[&str] = &[
    "3g2", "3gp", "aac", "ac3", "adts", "aif", "aifc", "aiff", "alac", "amr", "ape", "asf", "au",
    "avi", "awb", "bw64", "bwf", "caf", "dff", "divx", "dsf", "dts", "eac3", "f4v", "flac", "flv",
    "gsm", "m2t", "m2ts", "m4a", "m4b", "m4r", "m4v", "mka", "mkv", "mlp", "mov", "mp1", "mp2",
    "mp3", "mp4", "mpc", "mpeg", "mpg", "mts", "mxf", "nut", "oga", "ogg", "ogv", "oma", "opus",
    "qt", "ra", "rf64", "rm", "rmvb", "snd", "sph", "spx", "tak", "thd", "ts", "tta", "vob", "voc",
    "w64", "wav", "wave", "webm", "wma", "wmv", "wtv", "wv",
];

/// Why a file or folder is passed over in folders, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// The name begins with a dot.
    Dot,
    /// Data of a Mac's file system: `._NAME` or `__MACOSX`.
    AppleDouble,
}

impl Hidden {
    /// `None` for a name that is not hidden.
    pub fn of(name: &OsStr) -> Option<Self> {
        match name.as_encoded_bytes() {
            [b'.', b'_', ..] | b"__MACOSX" => Some(Self::AppleDouble),
            [b'.', ..] => Some(Self::Dot),
            _ => None,
        }
    }
}

/// A folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: the folder cannot be read: {source}", path.display())]
pub struct UnreadableFolder {
    /// The folder.
    pub path: PathBuf,
    /// The system's reason.
    pub source: std::io::Error,
}

/// Every file below `folder` whose extension is one of `extensions` (lower case; any case matches), in the
/// order of the names. Links to folders are followed, unless they lead to a folder around them. Links to files count as
/// files, a link that leads nowhere too: only its reader can report it.
///
/// # Errors
/// Every folder that could not be read.
pub fn files_below(
    folder: &Path,
    extensions: &[&str],
) -> Result<Vec<PathBuf>, Vec<UnreadableFolder>> {
    let mut found = Vec::new();
    let mut unreadable = Vec::new();
    let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name();
    for entry in walk {
        match entry {
            Ok(entry) => {
                if !entry.file_type().is_dir() && has_extension(entry.path(), extensions) {
                    found.push(entry.into_path());
                }
            }
            // A link to a folder around it.
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                // A link that leads nowhere, or a file that has vanished since its folder was listed.
                if path != folder && !path.exists() {
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

/// Whether a path has one of these extensions (lower case; any case matches).
pub fn has_extension(path: &Path, extensions: &[&str]) -> bool {
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
        let names = || -> Vec<String> {
            let found = files_below(folder.path(), &["wav", "flac"]).unwrap_or_default();
            let names = found
                .iter()
                .filter_map(|p| p.strip_prefix(folder.path()).ok());
            names.map(|p| p.display().to_string()).collect()
        };
        let all = ["a.wav", "b/2.FLAC", "b/deeper/1.wav", "c.wav", "z.wav"];
        assert_eq!(names(), all);

        let elsewhere = tempfile::tempdir()?;
        fs::write(elsewhere.path().join("1.wav"), "")?;
        symlink(elsewhere.path(), at("linked"))?;
        assert!(names().contains(&"linked/1.wav".to_owned()));
        Ok(())
    }
}
