//! Counts of what is passed over, by reason.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use crate::audio::sound_files::Hidden;

/// Endings that are counted one by one; further ones are counted together.
const MAX_ENDINGS: usize = 200;
/// Endings that are listed.
const LISTED_ENDINGS: usize = 4;

/// Why a file or folder is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Its name is hidden.
    Hidden(Hidden),
    /// Its name does not end as that of a sound does.
    Ending(String),
    /// A link to a folder that is searched anyway.
    FolderLink,
    /// A FIFO, socket or device.
    Special,
    /// Named before.
    Twice,
}

/// How much was passed over.
#[derive(Debug, Clone, Default)]
pub struct PassedOver {
    hidden: u64,
    apple_double: u64,
    endings: BTreeMap<String, u64>,
    folder_links: u64,
    special: u64,
    twice: u64,
}

impl PassedOver {
    pub fn count(&mut self, reason: Reason) {
        match reason {
            Reason::Hidden(Hidden::Dot) => self.hidden += 1,
            Reason::Hidden(Hidden::AppleDouble) => self.apple_double += 1,
            Reason::FolderLink => self.folder_links += 1,
            Reason::Special => self.special += 1,
            Reason::Twice => self.twice += 1,
            Reason::Ending(ending) => {
                let known = self.endings.contains_key(&ending);
                let ending = match known || self.endings.len() < MAX_ENDINGS {
                    true => ending,
                    false => "other".into(),
                };
                *self.endings.entry(ending).or_default() += 1;
            }
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.hidden += other.hidden;
        self.apple_double += other.apple_double;
        self.folder_links += other.folder_links;
        self.special += other.special;
        self.twice += other.twice;
        for (ending, count) in &other.endings {
            *self.endings.entry(ending.clone()).or_default() += count;
        }
    }

    pub fn total(&self) -> u64 {
        let others = self.hidden + self.apple_double + self.folder_links + self.special;
        others + self.twice + self.endings.values().sum::<u64>()
    }
}

/// `5 passed over (3 hidden, 2 not sounds by their names: 2 .jpg)`.
impl Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_name: u64 = self.endings.values().sum();
        let reasons = [
            (self.hidden, "hidden"),
            (self.apple_double, "of a Mac's file system"),
            (self.folder_links, "links to folders searched anyway"),
            (self.special, "no regular files"),
            (self.twice, "named twice"),
            (by_name, "no sounds by their names"),
        ];
        let parts = reasons.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, reason)| format!("{count} {reason}"))
            .collect();
        write!(f, "{} passed over ({}", self.total(), parts.join(", "))?;
        let mut endings: Vec<(&String, &u64)> = self.endings.iter().collect();
        endings.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let listed = endings.iter().take(LISTED_ENDINGS).map(|(ending, count)| {
            let ending = if ending.is_empty() {
                "without ending"
            } else {
                ending.as_str()
            };
            format!("{count} {ending}")
        });
        let listed: Vec<String> = listed.collect();
        if !listed.is_empty() {
            let more = if endings.len() > LISTED_ENDINGS {
                " …"
            } else {
                ""
            };
            write!(f, ": {}{more}", listed.join(", "))?;
        }
        f.write_str(")")
    }
}
