//! Feature maps: windows × height × width × channels, with a border of zeros around each.

use crate::model::compiled::aligned::Aligned;
use crate::model::compiled::product::STEP;
use crate::model::compiled::vector::WIDEST;

/// The size of a window's map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    /// Zeros above and left of the map.
    pub before: usize,
    /// Zeros below and right of it.
    pub after: usize,
}

impl Shape {
    /// A map without a border.
    pub fn bare(height: usize, width: usize, channels: usize) -> Self {
        Self {
            height,
            width,
            channels,
            before: 0,
            after: 0,
        }
    }

    /// One value for each channel.
    pub fn vector(channels: usize) -> Self {
        Self::bare(1, 1, channels)
    }

    /// Values from a row to the next.
    pub fn row(&self) -> usize {
        (self.before + self.width + self.after) * self.channels
    }

    /// Values of a window, border included.
    pub fn values(&self) -> usize {
        (self.before + self.height + self.after) * self.row()
    }

    /// The place of a pixel; the border lies at negative coordinates, which start at `-before`.
    pub fn offset(&self, y: isize, x: isize) -> usize {
        let place = |at: isize| at.saturating_add_unsigned(self.before).max(0) as usize;
        place(y) * self.row() + place(x) * self.channels
    }

    /// The places of all pixels, row after row.
    pub fn offsets(&self) -> Vec<u32> {
        let places = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (y, x)));
        places
            .map(|(y, x)| self.offset(y as isize, x as isize) as u32)
            .collect()
    }
}

/// The maps of some windows.
#[derive(Clone)]
pub(super) struct Map {
    pub shape: Shape,
    /// Windows that there is room for.
    pub windows: usize,
    pub values: Aligned,
}

impl Map {
    /// Zeros.
    pub fn new(shape: Shape, windows: usize) -> Self {
        Self {
            shape,
            windows,
            // The last run of inputs may be filled up to a whole step, and is read in whole vectors.
            values: Aligned::zeros(windows * shape.values() + STEP + WIDEST),
        }
    }

    /// Values before a window's map.
    pub fn start(&self, window: usize) -> usize {
        // Later windows follow in the memory of a map that has room for one.
        window % self.windows * self.shape.values()
    }
}
