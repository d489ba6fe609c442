//! Labels in time: spans in order, and what lies between them.

use super::left_out::LeftOut;

/// Largest hole between the end of a label and the start of the next that rounding of times explains.
pub(super) const ROUNDING_S: f64 = 1e-3;

/// A stretch of a recording with one label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Start in seconds.
    pub from_s: f64,
    /// End in seconds; infinite for the last row of a table.
    pub to_s: f64,
    /// Whether there is a voice; `None` if the label's word is unknown.
    pub voice: Option<bool>,
}

/// The labels of a recording, read from a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LabelFile {
    /// In order of time, without overlap.
    pub spans: Vec<Span>,
    /// The label of everything that no span covers; `None` if it is unlabelled.
    pub elsewhere: Option<bool>,
    /// Start and end in seconds of what is labelled as speech, in order of the starts; `None` if the file has no word
    /// for it.
    pub speech: Option<Vec<(f64, f64)>>,
    /// Times in seconds, which rise, and probabilities, if the file has them.
    pub p: Option<Vec<(f64, f32)>>,
    /// Labels that were left out.
    pub left_out: LeftOut,
}

impl LabelFile {
    /// The label at a time in seconds; `None` where it is unknown.
    pub fn voice_at(&self, t_s: f64) -> Option<bool> {
        self.span_at(t_s).map_or(self.elsewhere, |span| span.voice)
    }

    /// Whether a time in seconds is labelled as speech; `None` where that is unknown. In a file with words for speech
    /// everything else that is labelled is none. In any other a voice is none, and of the rest nothing is known.
    pub fn speech_at(&self, t_s: f64) -> Option<bool> {
        let voice = self.voice_at(t_s);
        let Some(speech) = &self.speech else {
            return voice.filter(|voice| *voice).map(|_| false);
        };
        let is_speech = speech
            .iter()
            .any(|&(from_s, to_s)| (from_s..to_s).contains(&t_s));
        match is_speech {
            true => Some(true),
            false => voice.map(|_| false),
        }
    }

    /// Whether no label covers a time in seconds; a label with an unknown word covers it.
    pub(crate) fn is_gap(&self, t_s: f64) -> bool {
        self.elsewhere.is_none() && self.span_at(t_s).is_none()
    }

    /// Limits the label of everything that no span covers to a stretch in seconds; the rest is unlabelled.
    pub(super) fn limit_elsewhere(&mut self, from_s: f64, to_s: f64) {
        let Some(voice) = self.elsewhere.take() else {
            return;
        };
        let mut at_s = from_s;
        let mut all = Vec::with_capacity(2 * self.spans.len() + 1);
        let fill = |all: &mut Vec<Span>, at_s: f64, end_s: f64| {
            if at_s < end_s {
                all.push(Span {
                    from_s: at_s,
                    to_s: end_s,
                    voice: Some(voice),
                });
            }
        };
        for span in self.spans.drain(..) {
            fill(&mut all, at_s, span.from_s.min(to_s));
            at_s = at_s.max(span.to_s);
            all.push(span);
        }
        fill(&mut all, at_s, to_s);
        self.spans = all;
    }

    fn span_at(&self, t_s: f64) -> Option<&Span> {
        // Where everything else has a label too, no hole needs to be bridged.
        let bridged_s = match self.elsewhere {
            None => ROUNDING_S,
            Some(_) => 0.0,
        };
        let after = self.spans.partition_point(|span| span.from_s <= t_s);
        let candidates = &self.spans[after.saturating_sub(2)..after];
        let mut candidates = candidates.iter();
        candidates.find(|span| t_s < span.to_s + bridged_s)
    }
}
