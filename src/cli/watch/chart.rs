//! Charts of the last minute: probability, voice segments, spectrum.
//!
//! A column always covers the same piece of stream time, so pictures move by whole columns and little of them
//! is sent again.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;

use super::stream::{SPAN_S, Stream};
use super::style::Style;

/// Columns for the labels at the left.
pub const AXIS_WIDTH: u16 = 6;

const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const EIGHTHS: usize = BARS.len() - 1;

/// Stream time of the columns.
struct Columns {
    count: usize,
    width_s: f64,
    /// Index of the first shown column, counted from stream time 0; negative during the first minute.
    first: i64,
}

impl Columns {
    fn new(stream: &Stream, area: Rect) -> Self {
        let count = usize::from(area.width).max(1);
        let width_s = SPAN_S / count as f64;
        let newest = (stream.now_s / width_s).floor() as i64;
        Self {
            count,
            width_s,
            first: newest.saturating_sub(count as i64 - 1),
        }
    }

    fn of(&self, t: f64) -> Option<usize> {
        let column = ((t / self.width_s).floor() as i64).checked_sub(self.first)?;
        usize::try_from(column)
            .ok()
            .filter(|&column| column < self.count)
    }

    fn start_s(&self, column: usize) -> f64 {
        (self.first as f64 + column as f64) * self.width_s
    }

    fn voiced(&self, stream: &Stream) -> Vec<bool> {
        let voiced = |column| stream.voiced(self.start_s(column), self.start_s(column + 1));
        (0..self.count).map(voiced).collect()
    }
}

fn put(buffer: &mut Buffer, x: u16, y: u16, mark: &str, look: Look) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(mark).set_style(look);
    }
}

/// `area` without the labels at its left, where there is room for them.
fn picture(area: Rect) -> Rect {
    let axis = AXIS_WIDTH.min(area.width.saturating_sub(1));
    Rect {
        x: area.x + axis,
        width: area.width - axis,
        ..area
    }
}

fn label(buffer: &mut Buffer, area: Rect, row: u16, text: &str, look: Look) {
    let width = usize::from(AXIS_WIDTH - 1);
    if row < area.height && area.width > AXIS_WIDTH {
        buffer.set_stringn(area.x, area.y + row, format!("{text:>width$}"), width, look);
    }
}

/// The highest probability of each column as a bar, with lines at the thresholds.
pub fn probability(stream: &Stream, style: &Style, area: Rect, buffer: &mut Buffer) {
    let (rows, inner) = (usize::from(area.height), picture(area));
    let columns = Columns::new(stream, inner);
    let row_of = |p: f32| ((1.0 - p.clamp(0.0, 1.0)) * area.height as f32) as u16;
    for (p, text) in [(1.0, "1"), (0.5, "0.5"), (0.0, "0")] {
        label(
            buffer,
            area,
            row_of(p).min(area.height - 1),
            text,
            style.quiet(),
        );
    }
    let thresholds = stream.thresholds;
    let lines = thresholds.map_or([None; 3], |t| [Some(t.leave), t.reenter, Some(t.enter)]);
    for p in lines.into_iter().flatten() {
        let row = row_of(p).min(area.height - 1);
        label(buffer, area, row, &format!("{p:.2}"), style.threshold());
        for x in inner.left()..inner.right() {
            put(buffer, x, inner.y + row, "╌", style.threshold());
        }
    }
    let mut peaks = vec![None::<f32>; columns.count];
    for point in &stream.decisions {
        if let Some(column) = columns.of(point.t) {
            peaks[column] = Some(peaks[column].map_or(point.p, |peak| peak.max(point.p)));
        }
    }
    let voiced = columns.voiced(stream);
    for (column, peak) in peaks.into_iter().enumerate() {
        let Some(peak) = peak else { continue };
        // Where there was a decision, there is a mark, even at 0.
        let eighths = (peak.clamp(0.0, 1.0) * (rows * EIGHTHS) as f32)
            .round()
            .max(1.0) as usize;
        let look = if voiced[column] {
            style.voice()
        } else {
            style.no_voice()
        };
        for row in 0..rows {
            let filled = eighths.saturating_sub(row * EIGHTHS).min(EIGHTHS);
            if filled > 0 {
                let (x, y) = (inner.x + column as u16, inner.bottom() - 1 - row as u16);
                put(buffer, x, y, BARS[filled], look);
            }
        }
    }
}

/// One row: voice segments and gaps.
pub fn voices(stream: &Stream, style: &Style, area: Rect, buffer: &mut Buffer) {
    let inner = picture(area);
    let columns = Columns::new(stream, inner);
    label(buffer, area, 0, "voice", style.quiet());
    for (column, voiced) in columns.voiced(stream).into_iter().enumerate() {
        let (from, to) = (columns.start_s(column), columns.start_s(column + 1));
        let lost = stream.gaps.iter().any(|gap| gap.0 < to && gap.1 >= from);
        let (mark, look) = match (lost, voiced) {
            (true, _) => ("×", style.bad()),
            (false, true) => ("▬", style.voice()),
            (false, false) => continue,
        };
        put(buffer, inner.x + column as u16, inner.y, mark, look);
    }
}

/// The spectrum, lowest band at the bottom. A cell is the mean over its bands and times.
pub fn waterfall(stream: &Stream, style: &Style, area: Rect, buffer: &mut Buffer) {
    let (rows, inner) = (usize::from(area.height), picture(area));
    let columns = Columns::new(stream, inner);
    label(buffer, area, 0, "8 kHz", style.quiet());
    label(buffer, area, area.height - 1, "28 Hz", style.quiet());
    // Sum and number of the values in each cell.
    let mut cells = vec![(0u32, 0u32); columns.count * rows];
    for moment in &stream.columns {
        let Some(column) = columns.of(moment.t) else {
            continue;
        };
        for (band, &value) in moment.bands.iter().enumerate() {
            let (sum, count) = &mut cells[column * rows + band * rows / moment.bands.len()];
            *sum += u32::from(value);
            *count += 1;
        }
    }
    for (at, (sum, count)) in cells.into_iter().enumerate() {
        let (column, row) = (at / rows, at % rows);
        let mean = f64::from(sum) / f64::from(count.max(1)) / f64::from(u8::MAX);
        let (mark, look) = style.shade(mean as f32);
        let (x, y) = (inner.x + column as u16, inner.bottom() - 1 - row as u16);
        put(buffer, x, y, mark, look);
    }
}

/// One row: the time axis.
pub fn ages(style: &Style, area: Rect, buffer: &mut Buffer) {
    const STEP_S: usize = 15;
    let inner = picture(area);
    let write = |buffer: &mut Buffer, x: u16, text: &str| {
        buffer.set_stringn(
            x,
            area.y,
            text,
            usize::from(area.right() - x),
            style.quiet(),
        );
    };
    for ago in (STEP_S..SPAN_S as usize).step_by(STEP_S) {
        let share = 1.0 - ago as f64 / SPAN_S;
        let x = inner.x + (share * f64::from(inner.width)) as u16;
        write(buffer, x, &format!("-{ago} s"));
    }
    if inner.width > 3 {
        write(buffer, inner.right() - 3, "now");
    }
}
