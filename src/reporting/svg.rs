//! SVG drawings, with the shapes that the plots need.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Style sheet with the colours for light and dark paper; `s0` to `s9` are those of the series.
pub const STYLE: &str = "
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2128; --soft: #57606a; --line: #d0d7de;
  --s0: #1f6feb; --s1: #c4540a; --s2: #1a7f37; --s3: #8250df;
  --s4: #bf3989; --s5: #0a7ea4; --s6: #8a6d00; --s7: #57606a;
  --s8: #d1242f; --s9: #6f4e37; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e6e9ed; --soft: #9aa4af; --line: #343b44;
  --s0: #6cb0ff; --s1: #ffa061; --s2: #56d364; --s3: #c297ff;
  --s4: #ff80c8; --s5: #56d4dd; --s6: #e3c341; --s7: #9aa4af;
  --s8: #ff7b72; --s9: #c9a383; } }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg .line { fill: none; stroke-width: 1.6; }
svg .dashed { stroke-dasharray: 6 4; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .frame { fill: none; stroke: var(--line); }
svg .mark { stroke: var(--soft); stroke-dasharray: 4 3; }
";

/// Colours of the series, in order.
pub const SERIES: [&str; 10] = [
    "var(--s0)",
    "var(--s1)",
    "var(--s2)",
    "var(--s3)",
    "var(--s4)",
    "var(--s5)",
    "var(--s6)",
    "var(--s7)",
    "var(--s8)",
    "var(--s9)",
];

/// A drawing.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// The part of a text that is placed at its position.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    /// Left end.
    Start,
    /// Centre.
    Middle,
    /// Right end.
    End,
}

impl Svg {
    /// An empty drawing of this size in pixels.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    /// A straight line of a class of [`STYLE`].
    pub fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        self.add(&format!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// A line through all points; `class` is `line` or `line dashed`.
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

    /// A dot of 3 pixels radius.
    pub fn dot(&mut self, colour: &str, x: f64, y: f64) {
        self.add(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
        ));
    }

    /// A filled rectangle; nothing without width or height.
    pub fn area(&mut self, colour: &str, opacity: f64, [x, y, width, height]: [f64; 4]) {
        if width > 0.0 && height > 0.0 {
            self.add(&format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
                 fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
            ));
        }
    }

    /// The outline of a rectangle.
    pub fn frame(&mut self, [x, y, width, height]: [f64; 4]) {
        self.add(&format!(
            "<rect class=\"frame\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    /// A line of text; `y` is its baseline.
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

    /// A PNG, stretched over a rectangle.
    pub fn png(&mut self, png: &[u8], [x, y, width, height]: [f64; 4]) {
        self.add(&format!(
            "<image x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
            STANDARD.encode(png)
        ));
    }

    /// The drawing for a page that contains [`STYLE`].
    pub fn inline(&self) -> String {
        self.with("")
    }

    /// The drawing as a separate file.
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

/// Escapes a text for HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
