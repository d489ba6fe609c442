//! `.vocal` files of MIR-1K (Hsu & Jang 2010): a 0 or 1 a line, every 20 ms, for 40 ms of sound.

use super::collector::{Collector, Elsewhere, Overlap};
use super::{Fault, LabelError, LabelFile, LabelSettings, Place};

const HOP_S: f64 = 0.020;
/// Middle of the first label's 40 ms.
const FIRST_S: f64 = 0.020;

/// Parses the values; the last one is valid up to the end of the recording.
///
/// # Errors
/// If a value is neither 0 nor 1, or there are none.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let mut index = 0u32;
    for (line, words) in (1..).zip(text.lines()) {
        for word in words.split_whitespace() {
            let voice = match word {
                "0" => false,
                "1" => true,
                _ => {
                    let word = word.into();
                    labels.fault(Place::line(line), Fault::NotBinary { word })?;
                    // The values behind it keep their times.
                    index += 1;
                    continue;
                }
            };
            let edge_s = |index: f64| (FIRST_S + (index - 0.5) * HOP_S).max(0.0);
            let from_s = if index == 0 {
                0.0
            } else {
                edge_s(index.into())
            };
            labels.span(
                Place::line(line),
                from_s,
                edge_s(f64::from(index) + 1.0),
                Some(voice),
            )?;
            index += 1;
        }
    }
    if labels.is_empty() {
        return Err(LabelError::Empty);
    }
    let mut file = labels.finish(Elsewhere::Unlabelled, Overlap::Agreeing)?;
    if let Some(last) = file.spans.last_mut() {
        last.to_s = f64::INFINITY;
    }
    Ok(file)
}
