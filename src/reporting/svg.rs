//! Drawing in SVG: just what the report's plots are made of.

use std::fmt::Write as _;

/// Colours, on light and on dark paper. `s0` and on are the series.
pub const STYLE: &str = "
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2128; --soft: #57606a; --line: #d0d7de;
  --s0: #1f6feb; --s1: #c4540a; --s2: #1a7f37; --s3: #8250df;
  --s4: #bf3989; --s5: #0a7ea4; --s6: #8a6d00; --s7: #57606a; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e6e9ed; --soft: #9aa4af; --line: #343b44;
  --s0: #6cb0ff; --s1: #ffa061; --s2: #56d364; --s3: #c297ff;
  --s4: #ff80c8; --s5: #56d4dd; --s6: #e3c341; --s7: #9aa4af; } }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg .line { fill: none; stroke-width: 1.6; }
svg .dashed { stroke-dasharray: 6 4; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .frame { fill: none; stroke: var(--line); }
svg .mark { stroke: var(--soft); stroke-dasharray: 4 3; }
";

/// The colours that series have, in turn.
pub const SERIES: [&str; 8] = [
    "var(--s0)",
    "var(--s1)",
    "var(--s2)",
    "var(--s3)",
    "var(--s4)",
    "var(--s5)",
    "var(--s6)",
    "var(--s7)",
];

/// A drawing of some size in pixels.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    pub fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        self.add(&format!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// `class`: `line`, or `line dashed`.
    pub fn polyline(
        &mut self,
        class: &str,
        colour: &str,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) {
        let mut places = String::new();
        for (x, y) in points {
            let _ = write!(places, "{x:.1},{y:.1} ");
        }
        self.add(&format!(
            "<polyline class=\"{class}\" stroke=\"{colour}\" points=\"{}\"/>",
            places.trim_end()
        ));
    }

    pub fn dot(&mut self, colour: &str, x: f64, y: f64) {
        self.add(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
        ));
    }

    /// A filled area; one of no width is not drawn.
    pub fn area(&mut self, colour: &str, opacity: f64, [x, y, width, height]: [f64; 4]) {
        if width > 0.0 && height > 0.0 {
            self.add(&format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
                 fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
            ));
        }
    }

    pub fn frame(&mut self, [x, y, width, height]: [f64; 4]) {
        self.add(&format!(
            "<rect class=\"frame\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    pub fn text(&mut self, anchor: Anchor, x: f64, y: f64, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.add(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        ));
    }

    /// A PNG, stretched over an area.
    pub fn png(&mut self, png: &[u8], [x, y, width, height]: [f64; 4]) {
        self.add(&format!(
            "<image x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
            base64(png)
        ));
    }

    /// For a page that holds [`STYLE`].
    pub fn inline(&self) -> String {
        self.with("")
    }

    /// As a file of its own.
    pub fn alone(&self) -> String {
        self.with(&format!(
            "<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"var(--paper)\"/>\n"
        ))
    }

    fn with(&self, head: &str) -> String {
        let Self {
            width,
            height,
            body,
        } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\">\n{head}{body}</svg>\n"
        )
    }

    fn add(&mut self, element: &str) {
        self.body += element;
        self.body.push('\n');
    }
}

/// A text where markup is read.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            // Three bytes fill four digits, two fill three, one fills two.
            text.push(if digit <= group.len() {
                char::from(DIGITS[index as usize])
            } else {
                '='
            });
        }
    }
    text
}

/// An area of a drawing with a scale on each side.
pub struct Axes {
    pub area: [f64; 4],
    pub x: [f64; 2],
    pub y: [f64; 2],
}

impl Axes {
    pub fn x(&self, value: f64) -> f64 {
        let [left, _, width, _] = self.area;
        left + (value - self.x[0]) / (self.x[1] - self.x[0]) * width
    }

    pub fn y(&self, value: f64) -> f64 {
        let [_, top, _, height] = self.area;
        top + (self.y[1] - value) / (self.y[1] - self.y[0]) * height
    }

    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x(x), self.y(y))
    }

    /// Grid, numbers and names of the scales.
    pub fn draw(&self, svg: &mut Svg, x_name: &str, y_name: &str) {
        let [left, top, width, height] = self.area;
        for (value, shown) in ticks(self.x) {
            let x = self.x(value);
            svg.line("grid", [x, top, x, top + height]);
            svg.text(Anchor::Middle, x, top + height + 16.0, &shown);
        }
        for (value, shown) in ticks(self.y) {
            let y = self.y(value);
            svg.line("grid", [left, y, left + width, y]);
            svg.text(Anchor::End, left - 6.0, y + 4.0, &shown);
        }
        svg.frame(self.area);
        svg.text(
            Anchor::Middle,
            left + width / 2.0,
            top + height + 34.0,
            x_name,
        );
        svg.text(Anchor::Start, left, top - 8.0, y_name);
    }
}

/// Round values inside a range, four to ten of them, and how they are written.
pub fn ticks([low, high]: [f64; 2]) -> Vec<(f64, String)> {
    let span = high - low;
    if span.is_nan() || span <= 0.0 {
        return Vec::new();
    }
    let power = 10f64.powf((span / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|s| s * power)
        .into_iter()
        .find(|step| span / step <= 8.0)
        .unwrap_or(10.0 * power);
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let first = (low / step - 1e-9).ceil();
    (0..)
        .map(|i| (first + f64::from(i)) * step)
        .take_while(|value| *value <= high + step * 1e-6)
        .map(|value| (value, format!("{:.digits$}", value + 0.0)))
        .collect()
}
