//! Messages of onsets and offsets.

use vocald_client::Message;
use vocald_client::message::{EventReason, Offset, Onset, Version};

use crate::decision::Event;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// What counts as the stream's voice.
    Voice,
    /// A voice that is a test.
    Test,
    Speech,
}

/// What the events of voice, or of speech, have in common.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Events {
    onsets: u64,
    /// The newest probability.
    pub newest_p: f32,
    /// `wall` of the newest event: none may be earlier.
    newest_wall: f64,
}

impl Events {
    /// The message of the next event of `stream`, at `wall` or, if that is earlier, at the `wall` of the event before.
    pub fn message(
        &mut self,
        stream: &str,
        class: Class,
        event: Event,
        wall: f64,
        reason: EventReason,
    ) -> Message {
        self.newest_wall = wall.max(self.newest_wall);
        self.onsets += u64::from(matches!(event, Event::Onset { .. }));
        let (id, wall, p) = (self.onsets, self.newest_wall, self.newest_p);
        let (stream, test) = (stream.to_owned(), class == Class::Test);
        match event {
            Event::Onset { t_s } => {
                let onset = Onset {
                    v: Version,
                    stream,
                    id,
                    t: microseconds(t_s),
                    wall,
                    p,
                    reason,
                    test,
                };
                match class {
                    Class::Voice | Class::Test => Message::Onset(onset),
                    Class::Speech => Message::SpeechOnset(onset),
                }
            }
            Event::Offset { t_s, duration_s } => {
                let offset = Offset {
                    v: Version,
                    stream,
                    id,
                    t: microseconds(t_s),
                    wall,
                    p,
                    duration: microseconds(duration_s),
                    reason,
                    test,
                };
                match class {
                    Class::Voice | Class::Test => Message::Offset(offset),
                    Class::Speech => Message::SpeechOffset(offset),
                }
            }
        }
    }
}

/// Rounds to microseconds: digits beyond them carry no information.
pub(super) fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
