//! `.csv` files `t,p,voice` or `t,voice` with a header: a label for each time, in seconds. A label is valid
//! halfway to the times before and after it.

use std::fmt::Write as _;

use super::writer::RecordingVoice;
use super::{LabelError, Span};

/// Parses rows of a time and, in the last column, 0 or 1.
///
/// # Errors
/// If a row is malformed, there are fewer than two, or their times do not rise.
pub fn parse(text: &str) -> Result<Vec<Span>, LabelError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let rows = reader
        .records()
        .filter_map(|row| row_of(row, text).transpose());
    let rows = rows.collect::<Result<Vec<(f64, bool)>, _>>()?;
    if rows.len() < 2 || !rows.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(LabelError::Rows);
    }
    let middle = |i: usize| f64::midpoint(rows[i].0, rows[i + 1].0);
    let last = rows.len() - 1;
    Ok((0..=last)
        .map(|i| Span {
            from_s: if i == 0 { 0.0 } else { middle(i - 1) },
            to_s: if i == last { f64::INFINITY } else { middle(i) },
            voice: rows[i].1,
        })
        .collect())
}

/// Time and label of a row; `None` for a blank one.
fn row_of(
    row: csv::Result<csv::StringRecord>,
    text: &str,
) -> Result<Option<(f64, bool)>, LabelError> {
    let malformed = |position: Option<&csv::Position>| LabelError::Line {
        line: position.map_or(0, |position| line_at(text, position.byte() as usize)),
        form: "`t,p,voice` or `t,voice`",
    };
    let row = row.map_err(|e| malformed(e.position()))?;
    let cells: Vec<&str> = row.iter().collect();
    let (t_s, label) = match cells[..] {
        [""] => return Ok(None),
        [t_s, label] | [t_s, _, label] => (t_s.parse::<f64>(), label),
        _ => return Err(malformed(row.position())),
    };
    match (t_s, label) {
        (Ok(t_s), "0" | "1") if t_s.is_finite() => Ok(Some((t_s, label == "1"))),
        _ => Err(malformed(row.position())),
    }
}

/// The line, from 1, of the first byte from `start` on that is not blank. The reader's own count is of the
/// blank lines before a row, and not the same for all line endings.
fn line_at(text: &str, start: usize) -> u64 {
    let (before, row) = text.as_bytes().split_at(start.min(text.len()));
    let blank = row.iter().take_while(|byte| byte.is_ascii_whitespace());
    let ends = before.iter().chain(blank).filter(|&&byte| byte == b'\n');
    1 + ends.count() as u64
}

/// Rows `t,p,voice`, one per decision.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let mut text = String::from("t,p,voice\n");
    for row in &voice.decisions {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{:.6},{:.6},{}", row.t_s, row.p, u8::from(row.voice));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_row_is_named_by_its_line_whatever_ends_the_lines() {
        for end in ["\n", "\r\n"] {
            let text = ["t,voice", "0.5,1", "", "1.0,perhaps", ""].join(end);
            let error = parse(&text).err().map(|e| e.to_string());
            let expected = "line 4 is not `t,p,voice` or `t,voice`";
            assert_eq!(error.as_deref(), Some(expected), "{end:?}");
        }
    }

    #[test]
    fn cells_may_be_quoted_and_rows_blank() {
        let spans = parse("t,voice\n\"0.5\", 1\n\n  \n1.5,0\n").ok();
        let spans = spans.unwrap_or_default();
        let times: Vec<_> = spans.iter().map(|s| (s.from_s, s.to_s, s.voice)).collect();
        assert_eq!(times, [(0.0, 1.0, true), (1.0, f64::INFINITY, false)]);
    }
}
