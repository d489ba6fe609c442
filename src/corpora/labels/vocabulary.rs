//! The words of labels: which are voice, which are not, and which are unknown.

use std::collections::BTreeSet;

use super::{LabelError, LabelSettings};

/// Words that are voice.
pub const VOICE_WORDS: [&str; 33] = [
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
    "female singing",
    "male singing",
    "child singing",
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

/// Words of the two lists that are words or sounds of songs too: in a file that has unknown words, they are unknown.
const DOUBTFUL: [&str; 6] = ["v", "n", "nv", "no", "yes", "none"];
/// Words of lyrics that may stand for a pause or be sung.
const DOUBTFUL_IN_LYRICS: [&str; 4] = ["pause", "silence", "silent", "sil"];
/// Last words of short remarks in lyrics.
const REMARKS: [&str; 7] = [
    "music",
    "playing",
    "solo",
    "interlude",
    "intro",
    "outro",
    "break",
];
/// Words of the longest remark.
const REMARK_WORDS: usize = 3;
/// Beginnings of lines in lyrics that name people: before `by`, or before a colon.
const CREDITS: [&str; 14] = [
    "lyrics", "lyricist", "written", "music", "composed", "composer", "arranged", "arranger",
    "produced", "producer", "作词", "作詞", "作曲", "编曲",
];

/// Words of people who speak. For voice they are unknown, unless the settings say otherwise: a label `speech` does not
/// say whether somebody sings meanwhile.
pub const SPEECH_WORDS: [&str; 19] = [
    "speech",
    "spoken",
    "spoken word",
    "spoken words",
    "speak",
    "speaking",
    "speaker",
    "female speaker",
    "male speaker",
    "female speech",
    "male speech",
    "talk",
    "talking",
    "conversation",
    "dialogue",
    "announcer",
    "announcement",
    "narration",
    "narrator",
];

/// Quotes around a word.
const QUOTES: [char; 2] = ['"', '\''];
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
        // Before hyphens are left out: -1 is neither.
        let as_number = number(word.trim().trim_matches(QUOTES));
        let word = normal(word);
        let built_in = |word: &str| {
            if VOICE_WORDS.contains(&word) {
                Some(true)
            } else if NO_VOICE_WORDS.contains(&word) {
                Some(false)
            } else {
                None
            }
        };
        // `voice 2` is `voice`, but `voice 0` may be its absence.
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let is_numbered = word[bare.len()..]
            .trim()
            .parse::<u64>()
            .is_ok_and(|n| n > 0);
        let known = |word: &str| self.settled(word).or_else(|| built_in(word));
        known(&word)
            .or(as_number)
            .or_else(|| known(bare).filter(|_| is_numbered))
            .or_else(|| self.settled(ANY))
    }

    /// Whether any of the words is known; one that is known only among other known words does not count beside unknown
    /// words.
    pub fn knows_any<'a>(&self, words: impl Iterator<Item = &'a str> + Clone) -> bool {
        let has_unknown = words.clone().any(|word| self.class(word).is_none());
        let mut known = words.filter(|word| self.class(word).is_some());
        known.any(|word| !has_unknown || !self.is_doubtful(word))
    }

    /// Whether a word of the built-in lists is known only among other known words.
    pub fn is_doubtful(&self, word: &str) -> bool {
        let word = normal(word);
        self.settled(&word).is_none() && DOUBTFUL.contains(&word.as_str())
    }

    /// Whether a text of lyrics is sung; `None` for a remark that may stand for anything.
    pub fn is_sung(&self, text: &str) -> Option<bool> {
        let text = normal(text.trim_matches(|c: char| !c.is_alphanumeric()));
        let (count, last) = (text.split(' ').count(), text.split(' ').next_back());
        let is_remark = count <= REMARK_WORDS && last.is_some_and(|word| REMARKS.contains(&word))
            || is_credit(&text);
        match self.settled(&text) {
            Some(voice) => Some(voice),
            None if text.split(' ').next() == Some("instrumental") => Some(false),
            None if is_remark || DOUBTFUL_IN_LYRICS.contains(&text.as_str()) => None,
            None if DOUBTFUL.contains(&text.as_str()) || text == "false" => Some(true),
            None => Some(!NO_VOICE_WORDS.contains(&text.as_str())),
        }
    }

    /// Whether a word is speech; `speech 2` is `speech`.
    pub fn is_speech(word: &str) -> bool {
        let word = normal(word);
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
        SPEECH_WORDS.contains(&bare)
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

/// Whether a line of lyrics names a person: `Lyrics by: NAME`, `作曲 : NAME`.
fn is_credit(text: &str) -> bool {
    let head = text.split([':', '：']).next().unwrap_or_default().trim();
    let is_before_colon = head.len() < text.len() && CREDITS.contains(&head);
    let mut words = text.split([' ', ':']);
    let first = words.next().unwrap_or_default();
    is_before_colon || words.next() == Some("by") && CREDITS.contains(&first)
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
    let word = word.trim().trim_matches(QUOTES).to_lowercase();
    let parts = word.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
