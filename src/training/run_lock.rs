//! One training a folder at a time.

use std::fs::File;
use std::path::Path;

/// While it lives, no other program trains in the folder. The system lets go of it when the
/// program ends, however it ends.
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// The error is a sentence.
    pub fn in_folder(folder: &Path) -> Result<Self, String> {
        let path = folder.join("lock");
        let file = File::create(&path)
            .map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
        lock(&file, folder)?;
        Ok(Self { _file: file })
    }
}

#[cfg(unix)]
fn lock(file: &File, folder: &Path) -> Result<(), String> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Err(format!(
            "another program is training in {}; wait for its end",
            folder.display()
        )),
        // Some network file systems have no locks; that is no reason not to train.
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn lock(_: &File, _: &Path) -> Result<(), String> {
    Ok(())
}
