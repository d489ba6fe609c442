//! The columns of a table of labels, by its header or by what its rows hold.

use super::LabelError;
use super::table::Cells;
use super::text::{number, seconds};

/// Where a table has what, by columns counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// A label for each time.
    Times {
        t: usize,
        p: Option<usize>,
        voice: usize,
    },
    /// A label for each stretch.
    Stretches {
        start: usize,
        end: usize,
        /// Whether the column of the end holds durations.
        is_duration: bool,
        label: usize,
    },
}

const TIME: [&str; 7] = [
    "t",
    "time",
    "times",
    "t_s",
    "time_s",
    "seconds",
    "timestamp",
];
const START: [&str; 9] = [
    "start",
    "onset",
    "begin",
    "from",
    "start_s",
    "start_time",
    "tmin",
    "xmin",
    "t_start",
];
const END: [&str; 10] = [
    "end", "offset", "stop", "to", "end_s", "end_time", "tmax", "xmax", "finish", "t_end",
];
const DURATION: [&str; 4] = ["duration", "dur", "length", "duration_s"];
const PROBABILITY: [&str; 5] = ["p", "prob", "probability", "score", "confidence"];
const LABEL: [&str; 12] = [
    "voice",
    "label",
    "labels",
    "class",
    "annotation",
    "value",
    "text",
    "name",
    "tag",
    "vocal",
    "vocals",
    "singing",
];

/// Assigns the columns.
///
/// # Errors
/// If neither the header nor the rows tell what they are.
pub(super) fn columns(header: Option<&[String]>, rows: &[Cells]) -> Result<Columns, LabelError> {
    let by_name = header.and_then(by_names);
    by_name
        .or_else(|| by_place(rows))
        .ok_or_else(|| LabelError::Columns {
            header: match (header, rows.first()) {
                (Some(header), _) => header.join(","),
                (None, Some((_, row))) => row.join(","),
                (None, None) => String::new(),
            },
        })
}

fn by_names(header: &[String]) -> Option<Columns> {
    let place = |names: &[&str]| {
        let named = |cell: &String| {
            names
                .iter()
                .any(|name| cell.trim().eq_ignore_ascii_case(name))
        };
        header.iter().position(named)
    };
    let label = place(&LABEL)?;
    let start = place(&START).or_else(|| place(&TIME));
    let end = place(&END).map(|end| (end, false));
    let end = end.or_else(|| place(&DURATION).map(|duration| (duration, true)));
    match (start, end, place(&TIME)) {
        (Some(start), Some((end, is_duration)), _) => Some(Columns::Stretches {
            start,
            end,
            is_duration,
            label,
        }),
        (_, None, Some(t)) => Some(Columns::Times {
            t,
            p: place(&PROBABILITY),
            voice: label,
        }),
        _ => None,
    }
}

/// Two columns are `t,voice`. Three are `start,end,label` if the third holds a word, or if each row begins where the
/// one before ends; else they are `t,p,voice` if the second holds probabilities.
fn by_place(rows: &[Cells]) -> Option<Columns> {
    let stretches = Columns::Stretches {
        start: 0,
        end: 1,
        is_duration: false,
        label: 2,
    };
    let times = |p: Option<usize>| Columns::Times {
        t: 0,
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
            match rows.iter().any(is_word) || contiguous || !probabilities {
                true => Some(stretches),
                false => Some(times(Some(1))),
            }
        }
        _ => None,
    }
}
