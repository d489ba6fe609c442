//! The log-mel spectrogram of a track as a PNG.

use std::io;

use crate::corpora::Track;
use crate::evaluation::levels::{Levels, magnitudes};
use crate::frontend::{LOG_FLOOR, MEL_BANDS};

/// Largest number of columns; a longer track has several frames in each.
const MAX_COLUMNS: usize = 1200;
/// Range from black to white in nepers (70 dB).
const RANGE_NEPERS: f32 = 8.0;

/// An encoded spectrogram, low bands at the bottom.
pub struct MelPicture {
    /// The file.
    pub png: Vec<u8>,
}

impl MelPicture {
    /// Draws a track at the recorded levels.
    ///
    /// # Errors
    ///
    /// The PNG cannot be encoded.
    pub fn new(track: &Track) -> io::Result<Self> {
        let frames = track.frames().max(1);
        let columns = frames.min(MAX_COLUMNS);
        // The maximum of each column keeps short events visible.
        let mut loudest = vec![[f32::MIN; MEL_BANDS]; columns];
        for (index, frame) in magnitudes(track, Levels::AS_RECORDED).enumerate() {
            let column = &mut loudest[index * columns / frames];
            for (value, magnitude) in column.iter_mut().zip(frame) {
                *value = value.max(magnitude.max(LOG_FLOOR).ln());
            }
        }
        let top = loudest.iter().flatten().copied().fold(f32::MIN, f32::max);
        let shade =
            |value: f32| ((1.0 - (top - value) / RANGE_NEPERS).clamp(0.0, 1.0) * 255.0) as u8;
        let rows = (0..MEL_BANDS).rev();
        let pixels: Vec<u8> = rows
            .flat_map(|band| loudest.iter().map(move |column| column[band]))
            .map(shade)
            .collect();
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, columns as u32, MEL_BANDS as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette((0..=255u8).flat_map(colour).collect::<Vec<u8>>());
        let mut writer = encoder.write_header().map_err(io::Error::other)?;
        writer.write_image_data(&pixels).map_err(io::Error::other)?;
        writer.finish().map_err(io::Error::other)?;
        Ok(Self { png })
    }
}

/// Colour scale of rising brightness: black, violet, orange, light yellow.
fn colour(shade: u8) -> [u8; 3] {
    const STOPS: [[f32; 3]; 5] = [
        [0.0, 0.0, 8.0],
        [70.0, 18.0, 110.0],
        [176.0, 48.0, 92.0],
        [246.0, 138.0, 36.0],
        [252.0, 252.0, 190.0],
    ];
    let place = f32::from(shade) / 255.0 * (STOPS.len() - 1) as f32;
    let index = (place as usize).min(STOPS.len() - 2);
    let part = place - index as f32;
    let (from, to) = (STOPS[index], STOPS[index + 1]);
    std::array::from_fn(|i| (from[i] + (to[i] - from[i]) * part) as u8)
}
