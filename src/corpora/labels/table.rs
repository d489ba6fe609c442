//! Tables (`.csv`, `.tsv`): `t,voice` or `t,p,voice`, a label for each time, or `start,end,label`, a label for each
//! stretch; in seconds. Columns are separated by commas, semicolons or tabs; a header may name them.
//!
//! The label of a time is valid halfway to the times before and after it. A table of stretches that holds voices only
//! has no voice elsewhere; if it also holds labels without a voice, what no row covers is unlabelled.

use std::fmt::Write as _;

use super::collector::{Collector, Elsewhere, Overlap};
use super::table_columns::{Columns, TimeColumn, columns, is_header, several_recordings};
use super::text::{number, seconds, uncommented};
use super::writer::RecordingVoice;
use super::{Fault, LabelError, LabelFile, LabelSettings, Place};

/// A row's line and its cells.
pub(super) type Cells = (u64, Vec<String>);

/// Parses a table.
///
/// # Errors
/// If its columns are unknown, a row is faulty, or there are too few.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut rows = cells(text)?;
    // Some programs write their header as a comment.
    let mut header = None;
    rows.retain(|(_, cells)| {
        let is_comment = is_comment(&cells[0]);
        let may_be_header = header.is_none() && (!is_comment || is_header(cells));
        if may_be_header {
            header = Some(cells.clone());
        }
        !is_comment
    });
    let Some(header) = header else {
        return Err(LabelError::Empty);
    };
    let has_header = seconds(&header[0]).is_none();
    let first = rows.first().is_some_and(|(_, cells)| *cells == header);
    let rows = &rows[usize::from(has_header && first)..];
    let columns = columns(has_header.then_some(&header[..]), rows)?;
    if has_header && let Some(column) = several_recordings(&header, rows) {
        return Err(not_clear(format!(
            "its column `{column}` names several recordings: give each a table of its own"
        )));
    }
    let mut labels = Collector::new(settings)?;
    // The columns of a row that a comma in a number divides are others.
    let is_wider = |cells: &[String]| cells.iter().skip(header.len()).any(|c| !c.is_empty());
    let (wide, rows): (Vec<&Cells>, Vec<&Cells>) =
        rows.iter().partition(|(_, cells)| is_wider(cells));
    for (line, _) in wide {
        labels.malformed(
            *line,
            "a row with as many cells as the header (a cell that holds a separator needs quotes)",
        )?;
    }
    match columns {
        Columns::Times { t, p, voice } => times(labels, &rows, t, p, voice),
        Columns::Stretches {
            start,
            end,
            is_duration,
            label,
        } => stretches(labels, &rows, [start, end], label, is_duration),
    }
}

fn not_clear(reason: String) -> LabelError {
    LabelError::Format {
        form: "a clear table of labels",
        reason,
    }
}

fn is_comment(cell: &str) -> bool {
    cell.starts_with('#')
}

fn times(
    mut labels: Collector,
    rows: &[&Cells],
    t: TimeColumn,
    p: Option<usize>,
    voice: usize,
) -> Result<LabelFile, LabelError> {
    let form = "`t,p,voice` or `t,voice`";
    let mut known: Vec<(u64, f64, Option<bool>)> = Vec::new();
    let mut probabilities = Vec::new();
    for (line, cells) in rows {
        let cell = |index: usize| cells.get(index).map(String::as_str);
        let (Some(t_s), Some(word)) = (t.seconds(cells), cell(voice)) else {
            labels.malformed(*line, form)?;
            continue;
        };
        let place = Place::line(*line);
        if !t_s.is_finite() {
            labels.fault(place, Fault::NotFinite)?;
            continue;
        }
        if t_s < 0.0 {
            labels.fault(place, Fault::Negative { at_s: t_s })?;
            continue;
        }
        if known
            .last()
            .is_some_and(|&(_, before_s, _)| t_s <= before_s)
        {
            labels.fault(place, Fault::Backwards)?;
            continue;
        }
        if let Some(p) = p {
            match cell(p).and_then(number).map(|p| p as f32) {
                Some(p) if (0.0..=1.0).contains(&p) => probabilities.push((t_s, p)),
                Some(_) => {
                    labels.fault(place, Fault::Probability)?;
                    continue;
                }
                None => {
                    labels.malformed(*line, form)?;
                    continue;
                }
            }
        }
        let class = labels.vocabulary.class(word);
        if class.is_none() {
            labels.left_out.word(word);
        }
        known.push((*line, t_s, class));
    }
    if known.len() < 2 {
        return Err(LabelError::Rows);
    }
    if p.is_none() && are_changes(&known) {
        return Err(not_clear(
            "each label differs from the one before, at irregular times, as if it went on to the next: write rows \
             `start,end,label`"
                .into(),
        ));
    }
    let middle = |i: usize| f64::midpoint(known[i].1, known[i + 1].1);
    let last = known.len() - 1;
    // The first and the last label are valid up to the ends of the recording.
    for (i, &(line, _, class)) in known.iter().enumerate() {
        let from_s = if i == 0 { 0.0 } else { middle(i - 1) };
        let to_s = if i == last { known[i].1 } else { middle(i) };
        labels.span(Place::line(line), from_s, to_s, class)?;
    }
    let mut file = labels.finish(Elsewhere::Unlabelled, Overlap::Agreeing)?;
    if let Some(last) = file.spans.last_mut() {
        last.to_s = f64::INFINITY;
    }
    file.p = p.map(|_| probabilities);
    Ok(file)
}

/// Whether rows state where labels change rather than what they are at regular times.
fn are_changes(known: &[(u64, f64, Option<bool>)]) -> bool {
    let mut pairs = known.windows(2);
    let gaps = known.windows(2).map(|pair| pair[1].1 - pair[0].1);
    let (least, most) = gaps.fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), gap| {
        (least.min(gap), most.max(gap))
    });
    known.len() > 2 && most > 1.5 * least && pairs.all(|pair| pair[0].2 != pair[1].2)
}

fn stretches(
    mut labels: Collector,
    rows: &[&Cells],
    [start, end]: [TimeColumn; 2],
    label: usize,
    is_duration: bool,
) -> Result<LabelFile, LabelError> {
    for (line, cells) in rows {
        match (start.seconds(cells), end.seconds(cells), cells.get(label)) {
            (Some(from_s), Some(to_s), Some(word)) => {
                let to_s = if is_duration { from_s + to_s } else { to_s };
                labels.label(Place::line(*line), from_s, to_s, word)?;
            }
            _ => labels.malformed(*line, "`start,end,label`")?,
        }
    }
    labels.finish(Elsewhere::NoVoiceUnlessLabelled, Overlap::Agreeing)
}

/// The rows that are not blank.
fn cells(text: &str) -> Result<Vec<Cells>, LabelError> {
    // Excel's statement of the separator is no row.
    let stated = text.lines().next().and_then(stated_separator);
    let mut lines = uncommented(text).map(|(_, line)| line);
    let first = lines.next().or(text.lines().next());
    let has = |separator| first.is_some_and(|line| line.contains(separator));
    let delimiter = match (stated, has(';'), has('\t')) {
        (Some(separator), ..) => separator,
        (None, true, _) => b';',
        (None, false, true) => b'\t',
        (None, false, false) => b',',
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let mut counted = LineCounter::new(text);
    let is_open = text.matches('"').count() % 2 == 1;
    for record in reader.records().skip(usize::from(stated.is_some())) {
        let record = record.map_err(|error| LabelError::Format {
            form: "a table",
            reason: error.to_string(),
        })?;
        let line = counted.line_at(record.position().map_or(0, |p| p.byte() as usize));
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        if is_open && cells.iter().any(|cell| cell.contains('\n')) {
            return Err(LabelError::Format {
                form: "a table",
                reason: format!("a quote that begins in line {line} does not end"),
            });
        }
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push((line, cells));
        }
    }
    Ok(rows)
}

/// The separator in a line `sep=;`.
fn stated_separator(line: &str) -> Option<u8> {
    match line
        .trim_matches(['"', ' '])
        .strip_prefix("sep=")?
        .as_bytes()
    {
        [separator] => Some(*separator),
        _ => None,
    }
}

/// The lines of rising places in a text.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The line, from 1, of the first byte from `start` on that is not blank: the reader begins a row with the
    /// blank lines before it.
    fn line_at(&mut self, start: usize) -> u64 {
        let rest = self.text.get(start..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
        let to = (start + blank.count()).min(self.text.len());
        let passed = self.text.get(self.at..to).unwrap_or_default();
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.at = self.at.max(to);
        self.line
    }
}

/// Rows `t,p,voice`, one per decision, with `speech_p,speech` where speech is known.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let has_speech = voice.decisions.iter().any(|row| row.speech.is_some());
    let mut text = String::from("t,p,voice");
    text += if has_speech {
        ",speech_p,speech\n"
    } else {
        "\n"
    };
    for row in &voice.decisions {
        // Writing to a String does not fail.
        let _ = write!(text, "{:.6},{:.6},{}", row.t_s, row.p, u8::from(row.voice));
        if let Some((p, speech)) = row.speech {
            let _ = write!(text, ",{p:.6},{}", u8::from(speech));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_row_is_named_by_its_line() {
        let text = "t,voice\n0.5,1\n\nnot a time,0\n";
        let error = parse(text, &LabelSettings::default()).err();
        let error = error.map(|e| e.to_string());
        let expected = "line 4 is not `t,p,voice` or `t,voice`";
        assert_eq!(error.as_deref(), Some(expected));
    }

    #[test]
    fn cells_may_be_quoted_and_rows_blank() {
        let settings = LabelSettings::default();
        let file = parse("t,voice\n\"0.5\", 1\n\n  \n1.5,0\n", &settings).unwrap_or_default();
        let times = file.spans.iter().map(|s| (s.from_s, s.to_s, s.voice));
        assert_eq!(
            times.collect::<Vec<_>>(),
            [(0.0, 1.0, Some(true)), (1.0, f64::INFINITY, Some(false))]
        );
    }
}
