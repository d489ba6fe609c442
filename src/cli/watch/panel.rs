//! One stream in an area of any size, from a single row to a whole screen.

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style as Look;
use ratatui::text::{Line, Span};

use super::board::Board;
use super::stream::{Stream, What};
use super::style::Style;
use super::{chart, lamp};
use vocald_client::message::Decision;

/// Rows of facts beside the large lamp.
const FACTS: u16 = 8;
const FACTS_WIDTH: u16 = 22;
const EVENTS_WIDTH: u16 = 22;
/// Columns at each side of the large word.
const LAMP_MARGIN: u16 = 2;
/// Height below which the lamp is a word in a row.
const LARGE_LAMP_HEIGHT: u16 = 14;
const LEVEL_FLOOR_DB: f32 = -60.0;
/// Peak from which on clipping is likely.
const HOT_DB: f32 = -1.0;
const LATENCY_BAD_S: f64 = 0.5;

pub fn draw(
    board: &Board,
    stream: &Stream,
    style: &Style,
    now: Instant,
    area: Rect,
    buffer: &mut Buffer,
) {
    let panel = Panel {
        board,
        stream,
        style,
        now,
    };
    let rest = match panel.scale(area) {
        Some(scale) => panel.large(scale, area, buffer),
        None => panel.small(area, buffer),
    };
    panel.minute(rest, buffer);
}

struct Panel<'a> {
    board: &'a Board,
    stream: &'a Stream,
    style: &'a Style,
    now: Instant,
}

/// Cuts up to `height` rows off the top of `area`.
fn cut(area: &mut Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    let top = Rect { height, ..*area };
    area.y += height;
    area.height -= height;
    top
}

fn write(buffer: &mut Buffer, area: Rect, line: &Line) {
    if !area.is_empty() {
        buffer.set_line(area.x, area.y, line, area.width);
    }
}

impl Panel<'_> {
    /// Scale of the large lamp; `None` where it does not fit.
    fn scale(&self, area: Rect) -> Option<usize> {
        let fits = |scale: &usize| {
            let beside = FACTS_WIDTH + if *scale > 1 { EVENTS_WIDTH } else { 0 };
            area.width >= lamp::width(*scale) + 2 * LAMP_MARGIN + beside
                && area.height >= LARGE_LAMP_HEIGHT * *scale as u16
        };
        [3, 2, 1].into_iter().find(fits)
    }

    fn large(&self, scale: usize, mut area: Rect, buffer: &mut Buffer) -> Rect {
        let top = cut(&mut area, FACTS.max(lamp::height(scale) + 4));
        let lamp_width = lamp::width(scale) + 2 * LAMP_MARGIN;
        let [lamp_area, _, facts, events] = Layout::horizontal([
            Constraint::Length(lamp_width),
            Constraint::Length(2),
            Constraint::Length(FACTS_WIDTH - 2),
            Constraint::Fill(1),
        ])
        .areas(top);
        self.lamp(scale, lamp_area, buffer);
        for (row, fact) in facts.rows().zip(self.facts()) {
            write(buffer, row, &fact);
        }
        for (row, event) in events.rows().zip(self.events()) {
            write(buffer, row, &event);
        }
        self.level(cut(&mut area, 1), buffer);
        area
    }

    fn lamp(&self, scale: usize, area: Rect, buffer: &mut Buffer) {
        let (lamp, reason) = self.board.lamp(self.stream, self.now);
        buffer.set_style(area, self.style.lamp(lamp));
        let inner = Rect {
            x: area.x + 1,
            width: area.width - 2,
            ..area
        };
        let name = Line::from(self.stream.short_name());
        write(buffer, inner, &name);
        let height = lamp::height(scale);
        let word = Rect {
            y: area.y + (area.height - height) / 2,
            height,
            ..inner
        };
        lamp::write(lamp.word(), scale, word, buffer);
        let bottom = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..inner
        };
        write(
            buffer,
            bottom,
            &Line::from(reason.unwrap_or_else(|| self.since())),
        );
    }

    /// Time since the last onset or offset.
    fn since(&self) -> String {
        match self.stream.spans.back() {
            Some(span) => format!(
                "for {}",
                span_of(self.stream.now_s - span.to.unwrap_or(span.from))
            ),
            None => String::new(),
        }
    }

    /// The lamp as a word in a row; with more room, a row of facts and the level.
    fn small(&self, mut area: Rect, buffer: &mut Buffer) -> Rect {
        let rows = area.height;
        let (lamp, reason) = self.board.lamp(self.stream, self.now);
        let word = Span::styled(format!(" {} ", lamp.word()), self.style.lamp(lamp));
        let name = Span::styled(format!(" {} ", self.stream.short_name()), self.style.bold());
        let p = self
            .stream
            .newest
            .as_ref()
            .map(|d| format!(" {:3.0} %", d.p * 100.0));
        let line = match (reason, p) {
            // The reason first: the row may be too short for the name.
            (Some(reason), _) => Line::from(vec![word, Span::raw(format!(" {reason} ")), name]),
            (None, p) => {
                let p = Span::raw(p.unwrap_or_default());
                Line::from(vec![word, p, name, Span::raw(format!(" {}", self.since()))])
            }
        };
        write(buffer, cut(&mut area, 1), &line);
        if rows >= 5 {
            write(buffer, cut(&mut area, 1), &self.facts_in_a_row());
        }
        if rows >= 7 {
            self.level(cut(&mut area, 1), buffer);
        }
        area
    }

    /// The charts that fit.
    fn minute(&self, mut area: Rect, buffer: &mut Buffer) {
        if area.height == 0 || area.width == 0 {
            return;
        }
        let rows = area.height;
        let strip = u16::from(rows >= 2);
        let ages = u16::from(rows >= 6);
        let pictures = rows - strip - ages;
        let waterfall = if pictures >= 9 { pictures * 9 / 20 } else { 0 };
        if pictures > waterfall {
            let chart = cut(&mut area, pictures - waterfall);
            chart::probability(self.stream, self.style, chart, buffer);
        }
        if strip > 0 {
            chart::voices(self.stream, self.style, cut(&mut area, strip), buffer);
        }
        if waterfall > 0 {
            chart::waterfall(self.stream, self.style, cut(&mut area, waterfall), buffer);
        }
        if ages > 0 {
            chart::ages(self.style, cut(&mut area, ages), buffer);
        }
    }

    fn fact(&self, name: &'static str, value: String, look: Look) -> Line<'static> {
        Line::from(vec![
            Span::styled(format!("{name:<11}"), self.style.quiet()),
            Span::styled(value, look),
        ])
    }

    fn live(&self) -> bool {
        self.board.lamp(self.stream, self.now).0 != lamp::Lamp::NotLive
    }

    /// The newest decision; `None` where it may be out of date.
    fn newest(&self) -> Option<&Decision> {
        self.stream.newest.as_ref().filter(|_| self.live())
    }

    fn facts(&self) -> [Line<'static>; FACTS as usize] {
        let (plain, newest) = (self.style.plain(), self.newest());
        let level = self.stream.level.as_ref().filter(|_| self.live());
        let of = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        [
            self.fact("source", self.stream.state.word().into(), self.state_look()),
            self.fact(
                "voice",
                of(newest.map(|d| format!("{:.0} %", d.p * 100.0))),
                self.style.bold(),
            ),
            self.fact("speech", of(newest.and_then(speech)), plain),
            self.fact("level", of(level.map(|l| decibels(l.rms_db))), plain),
            self.fact(
                "latency",
                of(newest.map(|d| milliseconds(d.latency))),
                self.latency_look(),
            ),
            self.fact(
                "look-ahead",
                of(newest.map(|d| milliseconds(d.lookahead))),
                plain,
            ),
            self.fact("lost", self.lost(), self.lost_look()),
            self.fact(
                "missed here",
                format!(" {}", self.board.missed),
                self.missed_look(),
            ),
        ]
    }

    fn facts_in_a_row(&self) -> Line<'static> {
        let mut parts = vec![Span::styled(self.stream.state.word(), self.state_look())];
        if let Some(newest) = self.newest() {
            parts.push(Span::styled("  latency ", self.style.quiet()));
            parts.push(Span::styled(
                milliseconds(newest.latency),
                self.latency_look(),
            ));
        }
        if self.board.missed > 0 {
            parts.push(Span::styled(
                format!("  missed {}", self.board.missed),
                self.missed_look(),
            ));
        }
        if self.stream.lost_s > 0.0 {
            parts.push(Span::styled(
                format!("  lost {}", self.lost()),
                self.lost_look(),
            ));
        }
        Line::from(parts)
    }

    fn lost(&self) -> String {
        match self.stream.lost_s > 0.0 {
            true => format!("{:.2} s", self.stream.lost_s),
            false => "nothing".into(),
        }
    }

    fn look(&self, bad: bool) -> Look {
        if bad {
            self.style.bad()
        } else {
            self.style.plain()
        }
    }

    fn lost_look(&self) -> Look {
        self.look(self.stream.lost_s > 0.0)
    }

    fn missed_look(&self) -> Look {
        self.look(self.board.missed > 0)
    }

    fn latency_look(&self) -> Look {
        let latency = self.newest().map(|d| d.latency);
        self.look(latency.is_some_and(|s| s > LATENCY_BAD_S))
    }

    fn state_look(&self) -> Look {
        use vocald_client::message::StreamState::{Failed, Reconnecting, Stalled};
        self.look(matches!(self.stream.state, Stalled | Reconnecting | Failed))
    }

    /// Newest first.
    fn events(&self) -> impl Iterator<Item = Line<'static>> {
        let line = |event: &super::stream::Event| {
            let (what, look) = match &event.what {
                What::Voice {
                    duration_s: None, ..
                } => ("voice, now".into(), self.style.voice()),
                What::Voice {
                    duration_s: Some(s),
                    ..
                } => (format!("voice {s:.1} s"), self.style.plain()),
                What::Lost { s, why } => (
                    format!("{s:.2} s {}", why.replace('_', " ")),
                    self.style.bad(),
                ),
                What::State(state) => (state.word().into(), self.style.quiet()),
            };
            Line::from(vec![
                Span::styled(format!("{:>6} ", clock(event.t)), self.style.quiet()),
                Span::styled(what, look),
            ])
        };
        self.stream.events.iter().rev().map(line)
    }

    /// The RMS level as a bar, the recent peak as a mark.
    fn level(&self, area: Rect, buffer: &mut Buffer) {
        let Some(level) = self.stream.level.as_ref().filter(|_| self.live()) else {
            return;
        };
        if area.is_empty() || area.width <= chart::AXIS_WIDTH {
            return;
        }
        let name = format!(
            "{:>width$}",
            "level",
            width = usize::from(chart::AXIS_WIDTH) - 1
        );
        write(buffer, area, &Line::styled(name, self.style.quiet()));
        let bar = Rect {
            x: area.x + chart::AXIS_WIDTH,
            width: area.width - chart::AXIS_WIDTH,
            ..area
        };
        let share = |db: f32| (1.0 - db / LEVEL_FLOOR_DB).clamp(0.0, 1.0);
        let columns = |db: f32| (share(db) * f32::from(bar.width)).round() as u16;
        let (rms, peak) = (columns(level.rms_db), columns(self.stream.peak_db));
        let hot = self.stream.peak_db > HOT_DB;
        for x in 0..bar.width {
            let (mark, look) = match (x < rms, x + 1 == peak) {
                (_, true) if hot => ("┃", self.style.bad()),
                (_, true) => ("┃", self.style.bold()),
                (true, _) => ("━", self.style.voice()),
                (false, _) => ("·", self.style.quiet()),
            };
            buffer.set_string(bar.x + x, bar.y, mark, look);
        }
    }
}

/// Whether somebody speaks, and its probability; `None` where the model does not know.
fn speech(decision: &Decision) -> Option<String> {
    let word = if decision.speech? { "yes" } else { "no" };
    Some(format!("{word}, {:.0} %", decision.speech_p? * 100.0))
}

fn decibels(db: f32) -> String {
    match db > -100.0 {
        true => format!("{db:.0} dB"),
        false => "nothing".into(),
    }
}

fn milliseconds(s: f64) -> String {
    format!("{:.0} ms", s * 1000.0)
}

fn clock(t: f64) -> String {
    let s = t.max(0.0) as u64;
    match s >= 3600 {
        true => format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
        false => format!("{}:{:02}", s / 60, s % 60),
    }
}

fn span_of(s: f64) -> String {
    match s < 60.0 {
        true => format!("{:.0} s", s.max(0.0).floor()),
        false => clock(s),
    }
}
