//! Stream names as parts of OSC addresses.

use std::collections::BTreeMap;

/// `name` as one part of an OSC address: every character that has a meaning there
/// (space `#` `*` `,` `/` `?` `[` `]` `{` `}`) and everything that is not printable
/// ASCII becomes `_`.
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

/// Gives each stream an address of its own: where two names become the same
/// part, the later one gets `-2`, the next `-3`.
#[derive(Debug)]
pub struct StreamNames {
    part: fn(&str) -> String,
    parts: BTreeMap<String, String>,
}

impl Default for StreamNames {
    /// Of OSC.
    fn default() -> Self {
        Self::made_by(part)
    }
}

impl StreamNames {
    /// Of addresses whose parts `part` makes out of names.
    pub fn made_by(part: fn(&str) -> String) -> Self {
        Self {
            part,
            parts: BTreeMap::new(),
        }
    }

    pub fn of(&mut self, stream: &str) -> &str {
        if !self.parts.contains_key(stream) {
            let wanted = (self.part)(stream);
            let taken = |part: &String| self.parts.values().any(|other| other == part);
            let mut own = wanted.clone();
            let mut number = 2;
            while taken(&own) {
                own = format!("{wanted}-{number}");
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
