//! What is published: a payload for a topic.

/// Delivery of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Kept by the broker for later subscribers; at least once.
    Retained,
    /// An event; at least once.
    Event,
    /// Of use only at this moment; at most once.
    Momentary,
}

/// A payload for a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The whole topic, with the prefix.
    pub topic: String,
    /// JSON, a number, or a word.
    pub payload: String,
    /// How it is delivered.
    pub kind: Kind,
}

/// `name` as one level of a topic: `/`, the wildcards `+` and `#`, and control characters (NUL among them)
/// become `_`.
pub fn topic_level(name: &str) -> String {
    let safe = |c: char| match c {
        '/' | '+' | '#' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    match name {
        "" => "_".into(),
        name => name.chars().map(safe).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::topic_level;

    #[test]
    fn a_name_becomes_one_level_of_a_topic() {
        assert_eq!(topic_level("hall"), "hall");
        assert_eq!(topic_level("device:USB Audio/1"), "device:USB Audio_1");
        assert_eq!(topic_level("+#/\0\n"), "_____");
        assert_eq!(topic_level("Sängerin"), "Sängerin");
        assert_eq!(topic_level(""), "_");
    }
}
