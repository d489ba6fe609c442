//! The columns of a table of labels, by its header or by what its rows hold.

use super::LabelError;
use super::table::Cells;
use super::text::{number, seconds};

/// Where a table has what, by columns counted from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Columns {
    /// A label for each time.
    Times {
        t: TimeColumn,
        p: Option<usize>,
        voice: usize,
    },
    /// A label for each stretch.
    Stretches {
        start: TimeColumn,
        end: TimeColumn,
        /// Whether the column of the end holds durations.
        is_duration: bool,
        label: usize,
    },
}

/// A column of times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TimeColumn {
    index: usize,
    /// Its unit in seconds.
    unit_s: f64,
}

impl TimeColumn {
    fn in_seconds(index: usize) -> Self {
        Self { index, unit_s: 1.0 }
    }

    /// The time in a row.
    pub fn seconds(self, cells: &[String]) -> Option<f64> {
        let time = cells.get(self.index).and_then(|cell| seconds(cell))?;
        Some(time * self.unit_s)
    }
}

/// Names in headers, in English, German, French, Spanish and Italian; the most telling first.
const TIME: [&str; 8] = [
    "t",
    "time",
    "times",
    "seconds",
    "timestamp",
    "zeit",
    "temps",
    "tiempo",
];
const START: [&str; 18] = [
    "start",
    "onset",
    "begin",
    "from",
    "start time",
    "begin time",
    "onset time",
    "time start",
    "tmin",
    "xmin",
    "t start",
    "t0",
    "beginn",
    "anfang",
    "von",
    "début",
    "inicio",
    "inizio",
];
const END: [&str; 18] = [
    "end",
    "offset",
    "stop",
    "to",
    "end time",
    "stop time",
    "offset time",
    "time end",
    "tmax",
    "xmax",
    "finish",
    "t end",
    "t1",
    "ende",
    "bis",
    "fin",
    "final",
    "fine",
];
const DURATION: [&str; 8] = [
    "duration",
    "dur",
    "length",
    "dauer",
    "länge",
    "durée",
    "duración",
    "durata",
];
const PROBABILITY: [&str; 5] = ["p", "prob", "probability", "score", "confidence"];
const LABEL: [&str; 20] = [
    "voice",
    "label",
    "labels",
    "class",
    "annotation",
    "singing",
    "vocal",
    "vocals",
    "text",
    "tag",
    "word",
    "event label",
    "event",
    "value",
    "name",
    "bezeichnung",
    "beschriftung",
    "étiquette",
    "etiqueta",
    "etichetta",
];

/// Assigns the columns.
///
/// # Errors
/// If the names of the header are not known, or the rows do not tell what their columns are.
pub(super) fn columns(header: Option<&[String]>, rows: &[Cells]) -> Result<Columns, LabelError> {
    // Unknown names are not guessed: a duration reads like an end.
    let columns = match header {
        Some(header) => by_names(header),
        None => by_place(rows),
    };
    columns.ok_or_else(|| LabelError::Columns {
        header: match (header, rows.first()) {
            (Some(header), _) => header.join(","),
            (None, Some((_, row))) => row.join(","),
            (None, None) => String::new(),
        },
    })
}

/// Names of columns that state the recording.
const RECORDING: [&str; 9] = [
    "file",
    "filename",
    "file name",
    "path",
    "audio",
    "audio file",
    "track",
    "recording",
    "datei",
];

/// The name of the column that states more than one recording, if any.
pub(super) fn several_recordings(header: &[String], rows: &[Cells]) -> Option<String> {
    let is_recording = |cell: &String| RECORDING.contains(&&*name_and_unit(cell).0);
    let column = header.iter().position(is_recording)?;
    let mut names = rows.iter().filter_map(|(_, cells)| cells.get(column));
    let first = names.next()?;
    names
        .any(|name| name != first)
        .then(|| header[column].clone())
}

/// Whether a row names columns that are known.
pub(super) fn is_header(cells: &[String]) -> bool {
    by_names(cells).is_some()
}

fn by_names(header: &[String]) -> Option<Columns> {
    let names: Vec<(String, Option<f64>)> = header.iter().map(|cell| name_and_unit(cell)).collect();
    let place = |known: &[&str]| {
        let mut known = known.iter();
        known.find_map(|known| names.iter().position(|(name, _)| name == known))
    };
    let time = |known: &[&str]| {
        place(known).map(|index| names[index].1.map(|unit_s| TimeColumn { index, unit_s }))
    };
    let label = place(&LABEL)?;
    let start = time(&START).or_else(|| time(&TIME));
    let end = time(&END).map(|end| (end, false));
    let end = end.or_else(|| time(&DURATION).map(|duration| (duration, true)));
    match (start, end, time(&TIME)) {
        (Some(start), Some((end, is_duration)), _) => Some(Columns::Stretches {
            start: start?,
            end: end?,
            is_duration,
            label,
        }),
        (_, None, Some(t)) => Some(Columns::Times {
            t: t?,
            p: place(&PROBABILITY),
            voice: label,
        }),
        _ => None,
    }
}

/// The name in a cell of the header, in lower case with blanks between its words, and the unit behind it in seconds:
/// `Start Time (s)`, `start_ms`, `startTime`. `None` for a unit that is not known.
fn name_and_unit(cell: &str) -> (String, Option<f64>) {
    let mut spaced = String::new();
    let mut was_lower = false;
    for c in cell.trim_start_matches('#').chars() {
        if was_lower && c.is_uppercase() {
            spaced.push(' ');
        }
        was_lower = c.is_lowercase();
        match c {
            '_' | '-' => spaced.push(' '),
            '(' | '[' => spaced.push_str(" \0"),
            ')' | ']' => {}
            c => spaced.extend(c.to_lowercase()),
        }
    }
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (name, unit) = match words[..] {
        [ref name @ .., last] if !name.is_empty() => match (last.strip_prefix('\0'), last) {
            (Some(unit), _) => (name, unit),
            (None, "s" | "sec" | "secs" | "seconds" | "ms" | "msec" | "milliseconds") => {
                (name, last)
            }
            (None, "samples" | "frames" | "min" | "minutes") => (name, last),
            _ => (&words[..], "s"),
        },
        _ => (&words[..], "s"),
    };
    let unit_s = match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1.0),
        "ms" | "msec" | "millisecond" | "milliseconds" => Some(1e-3),
        _ => None,
    };
    (name.join(" "), unit_s)
}

/// Two columns are `t,voice`. Three are `start,end,label` if the third holds a word, or if each row begins where the
/// one before ends; else they are `t,p,voice` if the second holds probabilities. Rows that fit both are unclear.
fn by_place(rows: &[Cells]) -> Option<Columns> {
    let stretches = Columns::Stretches {
        start: TimeColumn::in_seconds(0),
        end: TimeColumn::in_seconds(1),
        is_duration: false,
        label: 2,
    };
    let times = |p: Option<usize>| Columns::Times {
        t: TimeColumn::in_seconds(0),
        p,
        voice: 1 + p.map_or(0, |p| p),
    };
    let width = rows.first()?.1.len();
    match width {
        _ if rows.iter().any(|(_, cells)| cells.len() != width) => None,
        2 => Some(times(None)),
        3 => {
            let is_word = |(_, cells): &Cells| number(&cells[2]).is_none();
            let values: Vec<(f64, f64)> = rows
                .iter()
                .filter_map(|(_, cells)| Some((seconds(&cells[0])?, seconds(&cells[1])?)))
                .collect();
            let joins = |pair: &[(f64, f64)]| (pair[0].1 - pair[1].0).abs() < 1e-6;
            let contiguous = values.len() > 1 && values.windows(2).all(joins);
            let probabilities = values.iter().all(|(_, p)| (0.0..=1.0).contains(p));
            let follows = |pair: &[(f64, f64)]| pair[0].1 <= pair[1].0;
            let ends = values.iter().all(|(start, end)| start < end);
            let disjoint = ends && values.windows(2).all(follows);
            match (
                rows.iter().any(is_word) || contiguous || !probabilities,
                disjoint,
            ) {
                (true, _) => Some(stretches),
                (false, false) => Some(times(Some(1))),
                (false, true) => None,
            }
        }
        _ => None,
    }
}
