//! A lock that lets one process at a time train in a folder.

use std::fs::File;
use std::path::Path;

use crate::training::error::TrainError;

/// Keeps other processes from training in a folder while it lives. The system releases the lock when the
/// process ends, however it ends.
#[must_use]
pub(super) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Locks the file `lock` in a folder.
    ///
    /// # Errors
    /// If the file cannot be written, or another process holds the lock.
    pub fn in_folder(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join("lock");
        let file = File::create(&path).map_err(|reason| TrainError::LockUnwritable {
            path: path.clone(),
            reason,
        })?;
        match is_free(&file) {
            true => Ok(Self { _file: file }),
            false => Err(TrainError::Locked {
                folder: folder.into(),
            }),
        }
    }
}

/// Takes the lock if nobody has it. Network file systems without locks do not keep anyone from training.
fn is_free(file: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    let locked = flock(file, FlockOperation::NonBlockingLockExclusive);
    locked != Err(rustix::io::Errno::WOULDBLOCK)
}
