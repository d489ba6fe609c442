//! What is left out of label files: counted, never silent.

use std::collections::BTreeMap;
use std::fmt;

/// Words named in a message; further ones are counted.
const NAMED_WORDS: usize = 20;
/// Characters of a word in a message.
const WORD_CHARS: usize = 40;

/// What was left out while labels were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Labels by their unknown word, in lower case.
    pub words: BTreeMap<String, u64>,
    /// Labels by the reason why they are left out.
    pub counts: BTreeMap<Reason, u64>,
}

/// Why a label is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It has no duration.
    Point,
    /// It is faulty, and faulty lines are to be skipped.
    Faulty,
    /// It lies behind the end mark of its file.
    AfterEnd,
    /// Its end is unknown.
    OpenEnd,
    /// UltraStar's freestyle notes, if they are to be left out.
    Freestyle,
    /// It is no label: the file has none, and its format marks voices only.
    NoLabel,
}

impl LeftOut {
    /// Counts a label for a reason.
    pub(super) fn count(&mut self, reason: Reason) {
        *self.counts.entry(reason).or_default() += 1;
    }

    /// Counts a label with an unknown word.
    pub(super) fn word(&mut self, word: &str) {
        let word = word.trim().to_lowercase();
        let short: String = word.chars().take(WORD_CHARS).collect();
        *self.words.entry(short).or_default() += 1;
    }

    /// How many labels were left out for a reason.
    pub fn counted(&self, reason: Reason) -> u64 {
        self.counts.get(&reason).copied().unwrap_or(0)
    }

    /// Adds what was left out elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (word, count) in &other.words {
            *self.words.entry(word.clone()).or_default() += count;
        }
        for (reason, count) in &other.counts {
            *self.counts.entry(*reason).or_default() += count;
        }
    }

    /// The unknown words with their counts, the most frequent first.
    pub(super) fn word_list(&self) -> String {
        let mut words: Vec<(&String, &u64)> = self.words.iter().collect();
        words.sort_by_key(|(word, count)| (std::cmp::Reverse(**count), word.as_str()));
        let more = words.len().saturating_sub(NAMED_WORDS);
        let name = |(word, count): &(&String, &u64)| match word.as_str() {
            "" => format!("no word ({count})"),
            word => format!("`{word}` ({count})"),
        };
        let mut named: Vec<String> = words.iter().take(NAMED_WORDS).map(name).collect();
        if more > 0 {
            named.push(format!("{more} more words"));
        }
        named.join(", ")
    }

    /// A sentence for each kind of label that was left out.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if !self.words.is_empty() {
            let labels: u64 = self.words.values().sum();
            let words = self.word_list();
            sentences.push(format!(
                "{labels} labels with unknown words are left out, neither voice nor no voice: {words}"
            ));
        }
        let counts = self.counts.iter();
        sentences.extend(counts.map(|(reason, count)| format!("{count} {reason}")));
        sentences
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Point => "point labels, which have no duration, are left out",
            Self::Faulty => "faulty lines are skipped",
            Self::AfterEnd => "lines after the end mark of their file are ignored",
            Self::OpenEnd => "words or lines without an end are left out from their start on",
            Self::Freestyle => "freestyle notes are left out",
            Self::NoLabel => "files hold no label, which stands for no voice throughout",
        })
    }
}
