//! The words of labels: which are voice, which are not, and which are unknown.

use std::collections::BTreeSet;

use super::{LabelError, LabelSettings};

/// Words that are voice.
pub const VOICE_WORDS: [&str; 30] = [
    "sing",
    "singing",
    "sung",
    "singer",
    "voice",
    "voices",
    "vocal",
    "vocals",
    "vox",
    "v",
    "with voice",
    "with vocals",
    "lead voice",
    "lead vocal",
    "lead vocals",
    "singing voice",
    "female singer",
    "male singer",
    "female voice",
    "male voice",
    "female vocals",
    "male vocals",
    "rap",
    "rapping",
    "rapper",
    "female rapper",
    "male rapper",
    "choir",
    "true",
    "yes",
];

/// Words that are no voice.
pub const NO_VOICE_WORDS: [&str; 26] = [
    "nosing",
    "no sing",
    "no singing",
    "non singing",
    "nonsinging",
    "novoice",
    "no voice",
    "non voice",
    "nonvoice",
    "no vocal",
    "no vocals",
    "novocal",
    "novocals",
    "non vocal",
    "nonvocal",
    "without voice",
    "instrumental",
    "silence",
    "silent",
    "sil",
    "pause",
    "none",
    "n",
    "nv",
    "false",
    "no",
];

/// Stands for every word that is not known otherwise.
const ANY: &str = "*";

/// Classifies the words of labels.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    voice: BTreeSet<String>,
    no_voice: BTreeSet<String>,
}

impl Vocabulary {
    /// The built-in words and those of the settings.
    pub fn new(settings: &LabelSettings) -> Result<Self, LabelError> {
        let set = |words: &[String]| words.iter().map(|word| normal(word)).collect();
        let (voice, no_voice): (BTreeSet<String>, BTreeSet<String>) =
            (set(&settings.voice_words), set(&settings.no_voice_words));
        match voice.intersection(&no_voice).next() {
            Some(word) => Err(LabelError::BothWords { word: word.clone() }),
            None => Ok(Self { voice, no_voice }),
        }
    }

    /// Whether a word is voice (`true`) or no voice (`false`); `None` for an unknown word.
    pub fn class(&self, word: &str) -> Option<bool> {
        let word = normal(word);
        let built_in = |word: &str| {
            if VOICE_WORDS.contains(&word) {
                Some(true)
            } else if NO_VOICE_WORDS.contains(&word) {
                Some(false)
            } else {
                number(word)
            }
        };
        // `voice 2` is `voice`; a number alone is a word of its own.
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let known = |word: &str| self.settled(word).or_else(|| built_in(word));
        known(&word)
            .or_else(|| known(bare).filter(|_| !bare.is_empty()))
            .or_else(|| self.settled(ANY))
    }

    /// The class that the settings give a word, `*` included.
    pub fn configured(&self, word: &str) -> Option<bool> {
        self.settled(&normal(word)).or_else(|| self.settled(ANY))
    }

    fn settled(&self, word: &str) -> Option<bool> {
        if self.voice.contains(word) {
            Some(true)
        } else if self.no_voice.contains(word) {
            Some(false)
        } else {
            None
        }
    }
}

/// 1 is voice, 0 is none, however they are written.
fn number(word: &str) -> Option<bool> {
    match word.parse::<f64>() {
        Ok(1.0) => Some(true),
        Ok(0.0) => Some(false),
        _ => None,
    }
}

/// A word without case, quotes, hyphens, underscores and surplus blanks.
fn normal(word: &str) -> String {
    let word = word.trim().trim_matches(['"', '\'']).to_lowercase();
    let parts = word.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
