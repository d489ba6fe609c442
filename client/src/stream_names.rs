//! Stream names as parts of OSC addresses and MQTT topics.

use std::collections::BTreeMap;

/// `name` as one part of an OSC address. Characters with a meaning there (space `#` `*` `,` `/` `?` `[` `]` `{` `}`)
/// and all that are not printable ASCII become `_` (OSC 1.0, "OSC Methods and OSC Containers").
pub fn part(name: &str) -> String {
    let safe = |c: char| match c {
        '#' | '*' | ',' | '/' | '?' | '[' | ']' | '{' | '}' => '_',
        '!'..='~' => c,
        _ => '_',
    };
    match name {
        "" => "_".into(),
        name => name.chars().map(safe).collect(),
    }
}

/// A part for each stream, none twice: if two names become the same part, the later one gets `-2`, the next `-3`.
#[derive(Debug)]
pub struct StreamNames {
    part: fn(&str) -> String,
    parts: BTreeMap<String, String>,
}

impl Default for StreamNames {
    /// Parts of OSC addresses.
    fn default() -> Self {
        Self::new(part)
    }
}

impl StreamNames {
    /// Parts that the function `part` makes out of names.
    pub fn new(part: fn(&str) -> String) -> Self {
        Self {
            part,
            parts: BTreeMap::new(),
        }
    }

    /// The part of `stream`, the same in every call.
    pub fn of(&mut self, stream: &str) -> &str {
        if !self.parts.contains_key(stream) {
            let part = (self.part)(stream);
            let taken = |own: &String| self.parts.values().any(|other| other == own);
            let mut own = part.clone();
            let mut number = 2;
            while taken(&own) {
                own = format!("{part}-{number}");
                number += 1;
            }
            self.parts.insert(stream.into(), own);
        }
        self.parts.get(stream).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{StreamNames, part};

    #[test]
    fn a_name_becomes_one_part_of_an_address() {
        assert_eq!(part("vocals"), "vocals");
        assert_eq!(part("device:USB Audio/1"), "device:USB_Audio_1");
        assert_eq!(part("#*,?[]{}\n"), "_________");
        assert_eq!(part("Sängerin"), "S_ngerin");
        assert_eq!(part(""), "_");
    }

    #[test]
    fn no_two_streams_share_an_address() {
        let mut addresses = StreamNames::default();
        assert_eq!(addresses.of("a/1"), "a_1");
        assert_eq!(addresses.of("a 1"), "a_1-2");
        assert_eq!(addresses.of("a#1"), "a_1-3");
        assert_eq!(addresses.of("a/1"), "a_1");
    }
}
