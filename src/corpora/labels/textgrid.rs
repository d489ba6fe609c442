//! TextGrids of Praat, long or short. The intervals of one tier are the labels; an empty interval is no voice.

use std::fmt::Write as _;

use super::collector::{Collector, Elsewhere, Overlap};
use super::textgrid_tokens::{Token, Tokens};
use super::writer::RecordingVoice;
use super::{LabelError, LabelFile, LabelSettings, Place};

/// A tier; points have equal starts and ends.
struct Tier {
    name: String,
    entries: Vec<Entry>,
}

struct Entry {
    line: u64,
    from_s: f64,
    to_s: f64,
    text: String,
}

/// Parses a TextGrid.
///
/// # Errors
/// If it is no TextGrid, a label is faulty, or the tier is not clear.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let tiers = tiers(text)?;
    let tier = chosen(&tiers, &labels)?;
    for entry in &tier.entries {
        if entry.text.trim().is_empty() && entry.to_s > entry.from_s {
            continue;
        }
        let place = Place::line(entry.line);
        labels.label(place, entry.from_s, entry.to_s, &entry.text)?;
    }
    labels.finish(Elsewhere::NoVoice, Overlap::Never)
}

/// The tier that the settings name, or the only one with a known word, or the only one of intervals.
fn chosen<'a>(tiers: &'a [Tier], labels: &Collector) -> Result<&'a Tier, LabelError> {
    let names = |tiers: &mut dyn Iterator<Item = &Tier>| {
        let names: Vec<String> = tiers.map(|tier| format!("`{}`", tier.name)).collect();
        names.join(", ")
    };
    if let Some(name) = &labels.settings.tier {
        let named = tiers
            .iter()
            .find(|t| t.name.trim().eq_ignore_ascii_case(name.trim()));
        let numbered = || tiers.get(name.trim().parse::<usize>().ok()?.checked_sub(1)?);
        return named.or_else(numbered).ok_or_else(|| LabelError::NoTier {
            tier: name.clone(),
            available: names(&mut tiers.iter()),
        });
    }
    let has_duration = |tier: &&Tier| tier.entries.iter().any(|e| e.to_s > e.from_s);
    let has_known = |tier: &&&Tier| {
        let words = tier.entries.iter().map(|entry| entry.text.trim());
        let words = words.filter(|word| !word.is_empty());
        labels.vocabulary.knows_any(words)
    };
    let with_intervals: Vec<&Tier> = tiers.iter().filter(has_duration).collect();
    let known: Vec<&Tier> = with_intervals.iter().filter(has_known).copied().collect();
    let several = |of: &[&Tier]| LabelError::SeveralTiers {
        available: names(&mut of.iter().copied()),
    };
    match (&known[..], &with_intervals[..], tiers) {
        (&[only], ..) | (&[], &[only], _) => Ok(only),
        (&[], &[], [only]) => Ok(only),
        (&[], &[], _) => Err(LabelError::Empty),
        (&[], several_tiers, _) | (several_tiers, ..) => Err(several(several_tiers)),
    }
}

fn tiers(text: &str) -> Result<Vec<Tier>, LabelError> {
    let mut tokens = Tokens::new(text);
    let kind = tokens.text("the file type")?.1;
    if !kind.starts_with("ooTextFile") {
        return Err(tokens.wrong("its file type is not `ooTextFile`"));
    }
    if tokens.text("the class")?.1 != "TextGrid" {
        return Err(tokens.wrong("its class is not `TextGrid`"));
    }
    tokens.number("xmin")?;
    tokens.number("xmax")?;
    match tokens.next()? {
        Some((_, Token::Flag("exists"))) => {}
        Some((_, Token::Flag("absent"))) => return Ok(Vec::new()),
        _ => return Err(tokens.wrong("it does not say whether it has tiers")),
    }
    let count = tokens.count("the number of tiers")?;
    let mut tiers = Vec::new();
    for _ in 0..count {
        let class = tokens.text("the class of a tier")?.1;
        let name = tokens.text("the name of a tier")?.1;
        tokens.number("xmin of a tier")?;
        tokens.number("xmax of a tier")?;
        let entries = tokens.count("the number of labels")?;
        let entry = |tokens: &mut Tokens| {
            let (line, from_s) = tokens.number("the start of a label")?;
            let to_s = match class.as_str() {
                "IntervalTier" => tokens.number("the end of an interval")?.1,
                _ => from_s,
            };
            let text = tokens.text("the text of a label")?.1;
            Ok(Entry {
                line,
                from_s,
                to_s,
                text,
            })
        };
        if !matches!(class.as_str(), "IntervalTier" | "TextTier") {
            return Err(tokens.wrong("a tier is neither an `IntervalTier` nor a `TextTier`"));
        }
        tiers.push(Tier {
            name,
            entries: (0..entries)
                .map(|_| entry(&mut tokens))
                .collect::<Result<_, LabelError>>()?,
        });
    }
    match tokens.next()? {
        None => Ok(tiers),
        Some(_) => Err(tokens.wrong("it holds more than it states: a number of labels is wrong")),
    }
}

/// A long TextGrid with the interval tier `voice`, and with the tier `speech` where speech is known: intervals with the
/// tier's name, and empty ones between them.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let mut tiers = vec![("voice", &voice.voices)];
    tiers.extend(voice.speech.as_ref().map(|speech| ("speech", speech)));
    let ends = tiers.iter().filter_map(|(_, spans)| Some(spans.last()?.1));
    let end_s = ends.fold(voice.duration_s, f64::max);
    let mut text = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {end_s:.6}\ntiers? <exists>\n\
         size = {}\nitem []:\n",
        tiers.len()
    );
    for (number, (name, spans)) in (1..).zip(tiers) {
        write_tier(&mut text, number, name, spans, end_s);
    }
    text
}

fn write_tier(text: &mut String, number: u32, name: &str, spans: &[(f64, f64)], end_s: f64) {
    let mut intervals: Vec<(f64, f64, &str)> = Vec::new();
    let mut at_s = 0.0;
    for &(from_s, to_s) in spans {
        if from_s > at_s {
            intervals.push((at_s, from_s, ""));
        }
        intervals.push((from_s, to_s, name));
        at_s = to_s;
    }
    if end_s > at_s || intervals.is_empty() {
        intervals.push((at_s, end_s, ""));
    }
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "    item [{number}]:\n        class = \"IntervalTier\"\n        name = \"{name}\"\n        \
         xmin = 0\n        xmax = {end_s:.6}\n        intervals: size = {}\n",
        intervals.len()
    );
    for (number, (from_s, to_s, label)) in (1..).zip(intervals) {
        let _ = writeln!(
            text,
            "        intervals [{number}]:\n            xmin = {from_s:.6}\n            xmax = {to_s:.6}\n            \
             text = \"{label}\""
        );
    }
}
