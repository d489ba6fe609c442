//! A part of the sounds, for one of several processes.

use std::path::Path;
use std::str::FromStr;

use crate::cli::detect::digest::digest_path;

/// The K-th of N parts. Every sound is in exactly one part, by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    pub number: u32,
    pub of: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parsed {
            Some((number, of)) if number >= 1 && number <= of => Ok(Self { number, of }),
            _ => Err("write K/N, as 3/20 for the third of twenty parts".into()),
        }
    }
}

impl Shard {
    /// Whether the sound of this name belongs to the part.
    pub fn holds(self, name: &Path) -> bool {
        let remainder = digest_path(name) % u128::from(self.of);
        remainder == u128::from(self.number - 1)
    }
}
