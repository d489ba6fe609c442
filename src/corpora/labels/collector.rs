//! Collects the labels of a file, checks them, and puts them in order.

use super::left_out::{LeftOut, Reason};
use super::span::{LabelFile, ROUNDING_S, Span};
use super::vocabulary::Vocabulary;
use super::{Fault, FaultyLabels, LabelError, LabelSettings, Place};

/// No recording is longer, in seconds: 277 hours.
const LONGEST_S: f64 = 1e6;

/// What lies between the labels of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Unlabelled.
    Unlabelled,
    /// No voice: the format marks voices only.
    NoVoice,
    /// No voice, unless the file also has labels without a voice.
    NoVoiceUnlessLabelled,
}

/// Which labels of a format may overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// None: each time has one label.
    Never,
    /// Any that do not contradict each other; a known word counts more than an unknown one.
    Agreeing,
    /// Any; voice counts more than no voice.
    Any,
}

/// The labels of a file while it is parsed.
pub(super) struct Collector<'a> {
    pub settings: &'a LabelSettings,
    pub vocabulary: Vocabulary,
    pub left_out: LeftOut,
    labels: Vec<(Place, Span)>,
    /// Labels, by their indices, whose words are known only among other known words.
    doubtful: Vec<(usize, String)>,
    /// Stretches of speech.
    speech: Vec<(f64, f64)>,
}

impl<'a> Collector<'a> {
    pub fn new(settings: &'a LabelSettings) -> Result<Self, LabelError> {
        Ok(Self {
            settings,
            vocabulary: Vocabulary::new(settings)?,
            left_out: LeftOut::default(),
            labels: Vec::new(),
            doubtful: Vec::new(),
            speech: Vec::new(),
        })
    }

    /// Adds a label by its word.
    pub fn label(
        &mut self,
        place: Place,
        from_s: f64,
        to_s: f64,
        word: &str,
    ) -> Result<(), LabelError> {
        let voice = self.vocabulary.class(word);
        if voice.is_none() {
            self.left_out.word(word);
        }
        let is_speech = Vocabulary::is_speech(word) && fault_of(from_s, to_s).is_none();
        if is_speech {
            self.speech.push((from_s, to_s));
        }
        let before = self.labels.len();
        self.span(place, from_s, to_s, voice)?;
        if self.labels.len() > before && voice.is_some() && self.vocabulary.is_doubtful(word) {
            self.doubtful.push((before, word.to_owned()));
        }
        Ok(())
    }

    /// Adds a text of lyrics.
    pub fn lyrics(
        &mut self,
        place: Place,
        from_s: f64,
        to_s: f64,
        text: &str,
    ) -> Result<(), LabelError> {
        let sung = self.vocabulary.is_sung(text);
        if sung.is_none() {
            self.left_out.word(text);
        }
        self.span(place, from_s, to_s, sung)
    }

    /// Adds a label; `voice` is `None` for an unknown word, which the caller has counted.
    pub fn span(
        &mut self,
        place: Place,
        from_s: f64,
        to_s: f64,
        voice: Option<bool>,
    ) -> Result<(), LabelError> {
        if let Some(fault) = fault_of(from_s, to_s) {
            return self.fault(place, fault);
        }
        if to_s == from_s {
            self.left_out.count(Reason::Point);
            return Ok(());
        }
        let from_s = from_s.max(0.0);
        let span = Span {
            from_s,
            to_s,
            voice,
        };
        self.labels.push((place, span));
        Ok(())
    }

    /// Adds the part of a label whose end is unknown: it is left out up to the next one, or to the end.
    pub fn open_end(
        &mut self,
        place: Place,
        from_s: f64,
        next_s: Option<f64>,
    ) -> Result<(), LabelError> {
        if let Some(fault) = fault_of(from_s, from_s) {
            return self.fault(place, fault);
        }
        self.left_out.count(Reason::OpenEnd);
        let from_s = from_s.max(0.0);
        let to_s = next_s.unwrap_or(f64::INFINITY);
        if to_s > from_s {
            let span = Span {
                from_s,
                to_s,
                voice: None,
            };
            self.labels.push((place, span));
        }
        Ok(())
    }

    /// A faulty label: an error, or a count if faulty lines are to be skipped.
    pub fn fault(&mut self, place: Place, fault: Fault) -> Result<(), LabelError> {
        match self.settings.faulty {
            FaultyLabels::SkipLines => {
                self.left_out.count(Reason::Faulty);
                Ok(())
            }
            FaultyLabels::Refuse | FaultyLabels::SkipFiles => {
                Err(LabelError::Fault { place, fault })
            }
        }
    }

    /// A line of another form than `form`.
    pub fn malformed(&mut self, line: u64, form: &'static str) -> Result<(), LabelError> {
        self.fault(Place::line(line), Fault::Malformed { form })
    }

    /// Whether there is no label with a duration.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The labels in order of time.
    ///
    /// # Errors
    /// If labels overlap that must not, or there are labels and none is known.
    pub fn finish(
        mut self,
        elsewhere: Elsewhere,
        overlap: Overlap,
    ) -> Result<LabelFile, LabelError> {
        if !self.left_out.words.is_empty() {
            for (label, word) in std::mem::take(&mut self.doubtful) {
                self.labels[label].1.voice = None;
                self.left_out.word(&word);
            }
        }
        let points = self.left_out.counted(Reason::Point);
        if self.labels.is_empty() && points > 0 {
            return Err(LabelError::OnlyPoints { points });
        }
        if !self.left_out.words.is_empty() && !self.labels.iter().any(|(_, s)| s.voice.is_some()) {
            return Err(LabelError::NoKnownWord {
                words: self.left_out.word_list(),
            });
        }
        if self.labels.is_empty()
            && elsewhere != Elsewhere::Unlabelled
            && self.left_out == LeftOut::default()
        {
            self.left_out.count(Reason::NoLabel);
        }
        self.check_overlaps(overlap)?;
        let spans: Vec<Span> = self.labels.iter().map(|(_, span)| *span).collect();
        self.speech.sort_by(|a, b| a.0.total_cmp(&b.0));
        let has_no_voice = spans.iter().any(|span| span.voice == Some(false));
        Ok(LabelFile {
            spans: disjoint(&spans),
            elsewhere: match elsewhere {
                Elsewhere::NoVoice => Some(false),
                Elsewhere::NoVoiceUnlessLabelled if !has_no_voice => Some(false),
                Elsewhere::NoVoiceUnlessLabelled | Elsewhere::Unlabelled => None,
            },
            speech: (!self.speech.is_empty()).then_some(self.speech),
            p: None,
            left_out: self.left_out,
        })
    }

    /// Sorts the labels, and finds those that overlap an earlier one though they must not.
    fn check_overlaps(&mut self, overlap: Overlap) -> Result<(), LabelError> {
        self.labels
            .sort_by(|(_, a), (_, b)| a.from_s.total_cmp(&b.from_s));
        if overlap == Overlap::Any {
            return Ok(());
        }
        // The latest end so far of each class, and where it is stated.
        let mut reached: [Option<(f64, Place)>; 3] = [None; 3];
        let contradicts = |a: usize, b: usize| match overlap {
            Overlap::Never => true,
            _ => a != b && a != UNKNOWN && b != UNKNOWN,
        };
        for (place, span) in std::mem::take(&mut self.labels) {
            let class = class_index(span.voice);
            let mut earlier = (0..3).filter(|&other| contradicts(class, other));
            let conflict = earlier.find_map(|other| {
                reached[other].filter(|(to_s, _)| span.from_s < to_s - ROUNDING_S)
            });
            if let Some((_, other)) = conflict {
                let at_s = span.from_s;
                self.fault(place, Fault::Overlap { other, at_s })?;
                continue;
            }
            if reached[class].is_none_or(|(to_s, _)| span.to_s > to_s) {
                reached[class] = Some((span.to_s, place));
            }
            self.labels.push((place, span));
        }
        Ok(())
    }
}

const UNKNOWN: usize = 2;

fn class_index(voice: Option<bool>) -> usize {
    match voice {
        Some(true) => 0,
        Some(false) => 1,
        None => UNKNOWN,
    }
}

fn fault_of(from_s: f64, to_s: f64) -> Option<Fault> {
    let latest_s = from_s.max(to_s);
    let earliest_s = from_s.min(to_s);
    if !(from_s.is_finite() && to_s.is_finite()) {
        Some(Fault::NotFinite)
    } else if earliest_s < -ROUNDING_S {
        Some(Fault::Negative { at_s: earliest_s })
    } else if to_s < from_s {
        Some(Fault::EndBeforeStart { from_s, to_s })
    } else if latest_s > LONGEST_S {
        Some(Fault::TooLate { at_s: latest_s })
    } else {
        None
    }
}

/// Spans without overlap: voice counts more than no voice, and that more than an unknown word. `spans` are in
/// order of their starts.
fn disjoint(spans: &[Span]) -> Vec<Span> {
    if spans.windows(2).all(|pair| pair[0].to_s <= pair[1].from_s) {
        return spans.to_vec();
    }
    let mut changes: Vec<(f64, usize, i32)> = Vec::with_capacity(2 * spans.len());
    for span in spans {
        let class = class_index(span.voice);
        changes.extend([(span.from_s, class, 1), (span.to_s, class, -1)]);
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut active = [0i32; 3];
    let mut apart: Vec<Span> = Vec::new();
    for (index, &(at_s, class, change)) in changes.iter().enumerate() {
        active[class] += change;
        let Some(&(next_s, ..)) = changes.get(index + 1) else {
            break;
        };
        let Some(strongest) = active.iter().position(|&count| count > 0) else {
            continue;
        };
        if next_s <= at_s {
            continue;
        }
        let voice = [Some(true), Some(false), None][strongest];
        match apart.last_mut() {
            Some(last) if last.voice == voice && last.to_s == at_s => last.to_s = next_s,
            _ => apart.push(Span {
                from_s: at_s,
                to_s: next_s,
                voice,
            }),
        }
    }
    apart
}
