//! JAMS (`.jams`): annotations in JSON. The labels are the observations of one annotation: of a namespace that names the
//! voice (`vocal`, `voice`, `sing`), of segments (`segment_open`), of tags, or of `lyrics` with durations.
//!
//! In `lyrics`, every text is sung. An annotation that holds voices only has no voice elsewhere; if it also holds labels
//! without a voice, what no observation covers is unlabelled. So is what lies outside of the annotation, if it states its
//! time and duration.

use serde::Deserialize;
use serde_json::Value;

use super::collector::{Collector, Elsewhere, Overlap};
use super::vocabulary::Vocabulary;
use super::{Fault, LabelError, LabelFile, LabelSettings, Place};

/// Kinds of namespaces, by what their names contain, the most telling first.
const NAMESPACES: [&[&str]; 4] = [
    &["vocal", "voice", "sing"],
    &["segment"],
    &["tag"],
    &["lyric"],
];

#[derive(Deserialize)]
struct Jams {
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Annotation {
    namespace: String,
    data: Data,
    /// Start and length in seconds of what is annotated.
    time: Option<f64>,
    duration: Option<f64>,
}

/// Observations, in the two forms of JAMS files.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "the data of an annotation are neither a list of observations with times in numbers nor lists of them"
)]
enum Data {
    Sparse(Vec<Observation>),
    Dense {
        time: Vec<f64>,
        duration: Vec<f64>,
        value: Vec<Value>,
    },
}

#[derive(Deserialize)]
struct Observation {
    time: Option<f64>,
    duration: Option<f64>,
    value: Value,
}

impl Data {
    fn observations(self) -> Vec<Observation> {
        match self {
            Self::Sparse(observations) => observations,
            Self::Dense {
                time,
                duration,
                value,
            } => (0..time.len().max(duration.len()).max(value.len()))
                .map(|i| Observation {
                    time: time.get(i).copied(),
                    duration: duration.get(i).copied(),
                    value: value.get(i).cloned().unwrap_or_default(),
                })
                .collect(),
        }
    }
}

/// An annotation whose namespace can hold labels.
struct Candidate {
    namespace: String,
    kind: usize,
    observations: Vec<Observation>,
    /// Start and end of what is annotated, if they are stated.
    range: Option<(f64, f64)>,
}

impl Candidate {
    fn is_lyrics(&self) -> bool {
        self.kind == NAMESPACES.len() - 1
    }

    fn has_known_word(&self, vocabulary: &Vocabulary) -> bool {
        let words = self.observations.iter().map(|o| word(&o.value));
        let words: Vec<String> = words.collect();
        self.is_lyrics() || vocabulary.knows_any(words.iter().map(String::as_str))
    }
}

/// Parses a JAMS file.
///
/// # Errors
/// If it is no JAMS file, its annotation is not clear, or an observation is faulty.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let jams: Jams = serde_json::from_str(text).map_err(|error| LabelError::Format {
        form: "a JAMS file",
        reason: error.to_string(),
    })?;
    let chosen = chosen(jams, &labels)?;
    let is_lyrics = chosen.is_lyrics();
    for (number, observation) in (1..).zip(&chosen.observations) {
        let place = Place {
            unit: "observation",
            number,
        };
        let (Some(from_s), Some(duration_s)) = (observation.time, observation.duration) else {
            labels.fault(
                place,
                Fault::Malformed {
                    form: "an observation with a time and a duration",
                },
            )?;
            continue;
        };
        let word = word(&observation.value);
        match is_lyrics {
            true if !word.contains(char::is_alphanumeric) => {}
            true => labels.lyrics(place, from_s, from_s + duration_s, &word)?,
            false => labels.label(place, from_s, from_s + duration_s, &word)?,
        }
    }
    let mut file = labels.finish(Elsewhere::NoVoiceUnlessLabelled, Overlap::Agreeing)?;
    if let Some((from_s, to_s)) = chosen.range {
        file.limit_elsewhere(from_s, to_s);
    }
    Ok(file)
}

/// The annotation that the settings name, or the only one of the most telling kind.
fn chosen(jams: Jams, labels: &Collector) -> Result<Candidate, LabelError> {
    let names: Vec<String> = jams
        .annotations
        .iter()
        .map(|annotation| format!("`{}`", annotation.namespace))
        .collect();
    let candidates = jams.annotations.into_iter().map(|annotation| Candidate {
        kind: kind_of(&annotation.namespace),
        namespace: annotation.namespace,
        observations: annotation.data.observations(),
        range: annotation.duration.filter(|&s| s > 0.0).map(|duration_s| {
            let from_s = annotation.time.unwrap_or(0.0);
            (from_s, from_s + duration_s)
        }),
    });
    let mut candidates: Vec<Candidate> = candidates.collect();
    let available = || names.join(", ");
    if let Some(tier) = &labels.settings.tier {
        let named = candidates
            .iter()
            .position(|c| c.namespace.eq_ignore_ascii_case(tier.trim()));
        let number = tier
            .trim()
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let index = named.or(number).filter(|index| *index < candidates.len());
        return index
            .map(|index| candidates.swap_remove(index))
            .ok_or_else(|| LabelError::NoTier {
                tier: tier.clone(),
                available: available(),
            });
    }
    candidates.retain(|c| c.kind < NAMESPACES.len() && !c.observations.is_empty());
    let Some(unknown) = candidates.first() else {
        return Err(LabelError::Format {
            form: "a JAMS file with labels",
            reason: format!(
                "no annotation of segments, tags, voices or lyrics ({})",
                available()
            ),
        });
    };
    if !candidates
        .iter()
        .any(|c| c.has_known_word(&labels.vocabulary))
    {
        let mut left_out = super::LeftOut::default();
        unknown
            .observations
            .iter()
            .for_each(|o| left_out.word(&word(&o.value)));
        return Err(LabelError::NoKnownWord {
            words: left_out.word_list(),
        });
    }
    candidates.retain(|c| c.has_known_word(&labels.vocabulary));
    let best = candidates.iter().map(|c| c.kind).min();
    candidates.retain(|c| Some(c.kind) == best);
    match (candidates.pop(), candidates.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(LabelError::SeveralTiers {
            available: available(),
        }),
    }
}

/// The place of a namespace in [`NAMESPACES`]; their number for any other.
fn kind_of(namespace: &str) -> usize {
    let namespace = namespace.to_lowercase();
    let contains = |parts: &&[&str]| parts.iter().any(|part| namespace.contains(part));
    NAMESPACES
        .iter()
        .position(contains)
        .unwrap_or(NAMESPACES.len())
}

/// The word of an observation: a text, a number, a truth value, or the `label` or `value` of an object.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let inner = ["label", "value", "text"]
                .iter()
                .find_map(|key| fields.get(*key));
            inner
                .map(|value| match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                })
                .unwrap_or_default()
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
