//! Scales of a plot.

use crate::reporting::svg::{Anchor, Svg};

/// An area of a drawing with a linear scale in each direction.
pub struct Axes {
    /// Left, top, width and height in pixels.
    pub area: [f64; 4],
    /// Values at the left and the right edge.
    pub x: [f64; 2],
    /// Values at the bottom and the top edge.
    pub y: [f64; 2],
}

impl Axes {
    /// The pixel of a value.
    pub fn x(&self, value: f64) -> f64 {
        let [left, _, width, _] = self.area;
        left + (value - self.x[0]) / (self.x[1] - self.x[0]) * width
    }

    /// The pixel of a value.
    pub fn y(&self, value: f64) -> f64 {
        let [_, top, _, height] = self.area;
        top + (self.y[1] - value) / (self.y[1] - self.y[0]) * height
    }

    /// The pixels of a point.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x(x), self.y(y))
    }

    /// Draws the grid, its numbers and the names of the scales.
    pub fn draw(&self, svg: &mut Svg, x_name: &str, y_name: &str) {
        let [left, top, width, _] = self.area;
        self.draw_x(svg, x_name);
        for (value, shown) in ticks(self.y) {
            let y = self.y(value);
            svg.line("grid", [left, y, left + width, y]);
            svg.text(Anchor::End, left - 6.0, y + 4.0, &shown);
        }
        svg.frame(self.area);
        svg.text(Anchor::Start, left, top - 8.0, y_name);
    }

    /// The same in one direction, from left to right.
    pub fn draw_x(&self, svg: &mut Svg, name: &str) {
        let [left, top, width, height] = self.area;
        for (value, shown) in ticks(self.x) {
            let x = self.x(value);
            svg.line("grid", [x, top, x, top + height]);
            svg.text(Anchor::Middle, x, top + height + 16.0, &shown);
        }
        let (x, y) = (left + width / 2.0, top + height + 34.0);
        svg.text(Anchor::Middle, x, y, name);
    }
}

/// Four to ten round values inside a range, with their text.
fn ticks([low, high]: [f64; 2]) -> Vec<(f64, String)> {
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
