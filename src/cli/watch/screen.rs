//! The whole picture: the connection, the names of the streams, and one stream or all.

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Widget as _, Wrap};

use super::board::{Board, Link};
use super::lamp::Lamp;
use super::panel;
pub use super::style::Style;

/// Smallest usable size.
const WIDTH_MIN: u16 = 24;
const HEIGHT_MIN: u16 = 3;
/// Height from which on the bottom row lists the keys.
const KEYS_HEIGHT: u16 = 16;
const KEYS: &str = "q quit   tab next   1-9 choose   0 all   m mute   t test   r reload   l lock";
/// Rows of each stream when all are shown, at least.
const ROWS_EACH_MIN: u16 = 3;
/// Columns of each stream, at least.
const COLUMNS_EACH_MIN: u16 = 26;

/// Draws the board as it is at `now` into `area`.
pub fn draw(board: &Board, style: &Style, now: Instant, area: Rect, buffer: &mut Buffer) {
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        let problem = format!("the window is too small: {WIDTH_MIN} by {HEIGHT_MIN} are needed");
        Paragraph::new(problem)
            .wrap(Wrap { trim: true })
            .render(area, buffer);
        return;
    }
    let mut rest = area;
    header(board, style, top(&mut rest), buffer);
    if board.streams.len() > 1 {
        names(board, style, now, top(&mut rest), buffer);
    }
    if area.height >= KEYS_HEIGHT {
        rest.height -= 1;
        buffer.set_stringn(
            area.x,
            rest.bottom(),
            KEYS,
            usize::from(area.width),
            style.quiet(),
        );
    }
    if board.streams.is_empty() {
        return nothing(board, rest, buffer);
    }
    let places = places(board, rest);
    let hidden = board.streams.len() - places.len();
    for (index, area) in places {
        if let Some(stream) = board.streams.get(index) {
            panel::draw(board, stream, style, now, area, buffer);
        }
    }
    if board.all && hidden > 0 {
        let note = Line::styled(format!("{hidden} more not shown"), style.bad());
        let width = note.width() as u16;
        let x = area.right().saturating_sub(width);
        buffer.set_line(x, area.bottom() - 1, &note, width);
    }
    outcome(board, style, now, area, buffer);
}

/// What came of a request, in the bottom rows while it is recent.
fn outcome(board: &Board, style: &Style, now: Instant, area: Rect, buffer: &mut Buffer) {
    let Some(outcome) = board.outcome(now) else {
        return;
    };
    let look = match outcome.done {
        true => style.bold(),
        false => style.bad(),
    };
    let text = Paragraph::new(outcome.sentence.as_str())
        .style(look)
        .wrap(Wrap { trim: true });
    let letters = outcome.sentence.chars().count() as u16;
    // Words that are wrapped leave a little of each row empty.
    let height = letters.div_ceil(area.width - area.width / 8);
    let height = height.clamp(1, area.height - 1);
    let rows = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    Clear.render(rows, buffer);
    text.render(rows, buffer);
}

fn top(rest: &mut Rect) -> Rect {
    let row = Rect { height: 1, ..*rest };
    rest.y += 1;
    rest.height -= 1;
    row
}

/// Indices and areas of the streams that are shown: below each other, or in columns where there are too many.
fn places(board: &Board, area: Rect) -> Vec<(usize, Rect)> {
    if !board.all {
        return vec![(board.chosen, area)];
    }
    let count = board.streams.len();
    let rows_max = usize::from(area.height / ROWS_EACH_MIN).max(1);
    let columns_max = usize::from(area.width / COLUMNS_EACH_MIN).max(1);
    let columns = count.div_ceil(rows_max).clamp(1, columns_max);
    let rows = count.div_ceil(columns).min(rows_max);
    let shown = count.min(rows * columns);
    // The chosen stream is always among them.
    let first = (board.chosen + 1).saturating_sub(shown);
    let height = area.height / rows.max(1) as u16;
    let width = area.width / columns as u16;
    // A column of space between two.
    let inner = width - u16::from(columns > 1);
    let place = |n: usize| Rect {
        x: area.x + (n / rows) as u16 * width,
        y: area.y + (n % rows) as u16 * height,
        width: inner,
        height,
    };
    (0..shown).map(|n| (first + n, place(n))).collect()
}

fn header(board: &Board, style: &Style, area: Rect, buffer: &mut Buffer) {
    let broken = match &board.link {
        Link::Live => None,
        Link::Waiting => Some(format!("NOT LIVE: connecting to {}", board.address)),
        Link::Broken(reason) => Some(format!("NOT LIVE, trying again: {reason}")),
    };
    if let Some(broken) = broken {
        buffer.set_style(area, style.lamp(Lamp::NotLive));
        buffer.set_stringn(
            area.x,
            area.y,
            broken,
            usize::from(area.width),
            style.plain(),
        );
        return;
    }
    let about = board.hello.as_ref().map(|hello| {
        let model = format!("  {}", hello.model);
        let rest = format!(" on {}, version {}", hello.device, hello.version);
        (model, rest)
    });
    let (model, rest) = about.unwrap_or_default();
    let missed = match board.missed {
        0 => String::new(),
        missed => format!("  missed {missed}"),
    };
    let locked = if board.locked { "  locked" } else { "" };
    let address = format!("  {}", board.address);
    // With less room, parts are left out; `live` stays.
    let width = usize::from(area.width);
    for (model, rest, address) in [
        (&*model, &*rest, &*address),
        (&*model, &*rest, ""),
        (&*model, "", ""),
        ("", "", ""),
    ] {
        let left = Line::from(vec![
            Span::styled("vocald", style.bold()),
            Span::styled(model, style.quiet()),
            Span::styled(rest, style.quiet()),
        ]);
        let right = Line::from(vec![
            Span::styled(&*missed, style.bad()),
            Span::styled(address, style.quiet()),
            Span::styled(locked, style.bold()),
            Span::styled("  live", style.voice()),
        ]);
        if left.width() + right.width() <= width {
            buffer.set_line(area.x, area.y, &left, area.width);
            let x = area.right() - right.width() as u16;
            buffer.set_line(x, area.y, &right, area.width);
            return;
        }
    }
}

/// All streams with their numbers, and a mark for voice. Without room for all names, only that of the chosen one.
fn names(board: &Board, style: &Style, now: Instant, area: Rect, buffer: &mut Buffer) {
    let line = |with_names: bool| {
        let mut spans = Vec::new();
        for (index, stream) in board.streams.iter().enumerate() {
            let (lamp, _) = board.lamp(stream, now);
            let (mark, look) = match lamp {
                Lamp::Voice => ("●", style.voice()),
                Lamp::NotLive | Lamp::Stalled | Lamp::SourceLost | Lamp::Failed => {
                    ("!", style.bad())
                }
                _ => ("○", style.quiet()),
            };
            let (number, chosen) = (index + 1, index == board.chosen);
            let (name, look_of_name) = match (chosen, with_names) {
                (true, _) => (format!("[{number} {}] ", stream.short_name()), style.bold()),
                (false, true) => (
                    format!(" {number} {}  ", stream.short_name()),
                    style.plain(),
                ),
                (false, false) => (format!("{number} "), style.plain()),
            };
            spans.push(Span::styled(mark, look));
            spans.push(Span::styled(name, look_of_name));
        }
        Line::from(spans)
    };
    let full = line(true);
    let line = match full.width() <= usize::from(area.width) {
        true => full,
        false => line(false),
    };
    buffer.set_line(area.x, area.y, &line, area.width);
}

fn nothing(board: &Board, area: Rect, buffer: &mut Buffer) {
    let text = match &board.link {
        Link::Live => no_stream(board),
        Link::Waiting => format!("Connecting to {} ...", board.address),
        Link::Broken(reason) => format!(
            "{reason}.\n\nStart a daemon with `vocald run --unix` or `vocald run --http`; \
             `vocald watch ADDRESS` connects to one elsewhere."
        ),
    };
    let middle = Rect {
        y: area.y + area.height / 3,
        height: area.height - area.height / 3,
        ..area
    };
    Paragraph::new(text)
        .alignment(Alignment::Center)
        .wrap(Wrap { trim: true })
        .render(middle, buffer);
}

fn no_stream(board: &Board) -> String {
    let there = board.hello.iter().flat_map(|hello| &hello.streams);
    let there: Vec<&str> = there.map(|status| status.stream.as_str()).collect();
    match there.is_empty() {
        true => "The daemon has no stream yet.".into(),
        false => format!(
            "The daemon has no stream named {}, but {}.",
            board.selected.join(", "),
            there.join(", ")
        ),
    }
}
