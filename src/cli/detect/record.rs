//! A line of a manifest: what was done with one sound.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cli::detect::digest::digest;
use crate::pipeline::verdict::Verdict;

/// What was done with one sound. Times are in seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    pub v: u32,
    #[serde(flatten)]
    pub sound: PathText,
    pub state: State,
    /// Length of the file in bytes, and when it was modified, in nanoseconds since 1970; absent for pipes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_ns: Option<u64>,
    pub model: String,
    /// The precision that the network was computed in; absent in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// A digest of the model's weights and of all settings that the labels depend on, the requested precision included.
    pub settings: String,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The formats that were requested.
    pub formats: Vec<String>,
    /// The sound's label files that vocald wrote, in these and in other formats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<LabelFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Unix time.
    pub finished: f64,
}

/// How far a sound came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Done,
    Failed,
    /// Its label files are about to be written. The last word on a sound only where the process was killed then.
    Writing,
}

/// A label file and the digest of its content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabelFile {
    #[serde(flatten)]
    pub path: PathText,
    pub sha256: String,
}

/// A path as text. One that is not UTF-8 has its bytes too, with `%XX` for all but letters, digits and `-._~/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathText {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_percent: Option<String>,
}

impl PathText {
    /// The text of `path`.
    pub fn new(path: &Path) -> Self {
        match path.as_os_str().to_string_lossy() {
            Cow::Borrowed(text) => Self {
                path: text.into(),
                path_percent: None,
            },
            Cow::Owned(text) => Self {
                path: text,
                path_percent: Some(percent(path.as_os_str().as_bytes())),
            },
        }
    }

    /// A digest that is different for different paths.
    pub fn digest(&self) -> u128 {
        let bytes = self.path_percent.as_deref().unwrap_or(&self.path);
        digest(&[bytes.as_bytes(), &[u8::from(self.path_percent.is_some())]])
    }
}

fn percent(bytes: &[u8]) -> String {
    let text = bytes.iter().map(|&byte| match byte {
        b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    text.collect()
}

impl Record {
    /// A digest of what must be the same for the sound to need no new labels.
    pub fn key(&self) -> u128 {
        let number = |number: Option<u64>| number.map_or(String::new(), |n| n.to_string());
        let (size, modified) = (number(self.size), number(self.modified_ns));
        let mut parts = vec![
            size.as_bytes(),
            modified.as_bytes(),
            self.settings.as_bytes(),
        ];
        let mut formats: Vec<&[u8]> = self.formats.iter().map(String::as_bytes).collect();
        formats.sort_unstable();
        parts.extend(formats);
        digest(&parts)
    }
}
