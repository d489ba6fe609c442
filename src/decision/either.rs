//! The state "somebody sings or speaks", from the states of both.

use crate::decision::Event;

/// Follows whether either of two states is present.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Either {
    /// Onset of what is present.
    onset_s: Option<f64>,
    /// The latest end so far of a part of it.
    ended_s: f64,
}

impl Either {
    /// Takes the events of both at one frame, and whether either is present after them.
    pub fn push(&mut self, events: [Option<Event>; 2], present: bool) -> Option<Event> {
        let mut begun_s = f64::INFINITY;
        for event in events.into_iter().flatten() {
            match event {
                Event::Onset { t_s } => begun_s = begun_s.min(t_s),
                Event::Offset { t_s, .. } => self.ended_s = self.ended_s.max(t_s),
            }
        }
        match self.onset_s {
            None if begun_s.is_finite() && present => {
                let t_s = begun_s.max(self.ended_s);
                self.onset_s = Some(t_s);
                Some(Event::Onset { t_s })
            }
            Some(onset_s) if !present => {
                self.onset_s = None;
                let t_s = self.ended_s.max(onset_s);
                Some(Event::Offset {
                    t_s,
                    duration_s: t_s - onset_s,
                })
            }
            _ => None,
        }
    }
}
