//! Digests of paths and texts: 128 bits of SHA-256, the same on every machine.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// A digest of several parts, in order. The division into parts matters.
pub fn digest(parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let bytes = hash.finalize();
    bytes
        .iter()
        .take(16)
        .fold(0, |number, &byte| number << 8 | u128::from(byte))
}

/// The digest of a path.
pub fn digest_path(path: &Path) -> u128 {
    digest(&[path.as_os_str().as_bytes()])
}
