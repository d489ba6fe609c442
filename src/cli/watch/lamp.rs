//! The lamp: one word in large letters, to be read from across the room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lamp {
    /// The picture may be out of date: no connection, or no messages.
    NotLive,
    /// No decision yet.
    Waiting,
    Voice,
    NoVoice,
    /// No voice is published, whatever sounds.
    Muted,
    /// Digital zeros.
    Silent,
    Stalled,
    SourceLost,
    Ended,
    Failed,
    /// A state unknown to this version.
    Other,
}

impl Lamp {
    pub fn word(self) -> &'static str {
        match self {
            Self::NotLive => "NOT LIVE",
            Self::Waiting => "WAITING",
            Self::Voice => "VOICE",
            Self::NoVoice => "NO VOICE",
            Self::Muted => "MUTED",
            Self::Silent => "SILENT",
            Self::Stalled => "STALLED",
            Self::SourceLost => "LOST",
            Self::Ended => "ENDED",
            Self::Failed => "FAILED",
            Self::Other => "UNKNOWN",
        }
    }
}

/// Letters of the longest word.
const LETTERS_MAX: usize = 8;
const LETTER_WIDTH: usize = 3;
const LETTER_HEIGHT: usize = 5;

/// Columns of the longest word at this scale.
pub fn width(scale: usize) -> u16 {
    ((LETTERS_MAX * (LETTER_WIDTH + 1) - 1) * scale) as u16
}

/// Rows of a word at this scale; a row holds two dots.
pub fn height(scale: usize) -> u16 {
    (LETTER_HEIGHT * scale).div_ceil(2) as u16
}

/// Writes `word` in large letters, centred in `area`; it must fit.
pub fn write(word: &str, scale: usize, area: Rect, buffer: &mut Buffer) {
    let columns = (word.len() * (LETTER_WIDTH + 1)).saturating_sub(1) * scale;
    let left = usize::from(area.width).saturating_sub(columns) / 2;
    for y in 0..area.height.min(height(scale)) {
        for x in 0..columns {
            let dot = |half: usize| lit(word, x / scale, (usize::from(y) * 2 + half) / scale);
            let mark = match (dot(0), dot(1)) {
                (true, true) => "█",
                (true, false) => "▀",
                (false, true) => "▄",
                (false, false) => continue,
            };
            let column = (left + x).min(usize::from(u16::MAX)) as u16;
            if column < area.width
                && let Some(cell) = buffer.cell_mut((area.x + column, area.y + y))
            {
                cell.set_symbol(mark);
            }
        }
    }
}

fn lit(word: &str, x: usize, y: usize) -> bool {
    let (letter, column) = (x / (LETTER_WIDTH + 1), x % (LETTER_WIDTH + 1));
    if column == LETTER_WIDTH || y >= LETTER_HEIGHT {
        return false;
    }
    let rows = word
        .as_bytes()
        .get(letter)
        .map_or([0; LETTER_HEIGHT], |&letter| dots(letter));
    rows[y] >> (LETTER_WIDTH - 1 - column) & 1 == 1
}

/// The letters of the words of [`Lamp`]: one number per row, one bit per dot.
fn dots(letter: u8) -> [u8; LETTER_HEIGHT] {
    match letter {
        b'A' => [0b010, 0b101, 0b111, 0b101, 0b101],
        b'C' => [0b011, 0b100, 0b100, 0b100, 0b011],
        b'D' => [0b110, 0b101, 0b101, 0b101, 0b110],
        b'E' => [0b111, 0b100, 0b110, 0b100, 0b111],
        b'F' => [0b111, 0b100, 0b110, 0b100, 0b100],
        b'G' => [0b011, 0b100, 0b101, 0b101, 0b011],
        b'I' => [0b111, 0b010, 0b010, 0b010, 0b111],
        b'K' => [0b101, 0b101, 0b110, 0b101, 0b101],
        b'L' => [0b100, 0b100, 0b100, 0b100, 0b111],
        b'M' => [0b101, 0b111, 0b111, 0b101, 0b101],
        b'N' => [0b110, 0b101, 0b101, 0b101, 0b101],
        b'O' => [0b010, 0b101, 0b101, 0b101, 0b010],
        b'S' => [0b011, 0b100, 0b010, 0b001, 0b110],
        b'T' => [0b111, 0b010, 0b010, 0b010, 0b010],
        b'U' => [0b101, 0b101, 0b101, 0b101, 0b111],
        b'V' => [0b101, 0b101, 0b101, 0b101, 0b010],
        b'W' => [0b101, 0b101, 0b101, 0b111, 0b101],
        _ => [0; LETTER_HEIGHT],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_its_letters_and_room() {
        use Lamp::*;
        for lamp in [
            NotLive, Waiting, Voice, NoVoice, Muted, Silent, Stalled, SourceLost, Ended, Failed,
            Other,
        ] {
            let word = lamp.word();
            assert!(word.len() <= LETTERS_MAX, "{word}");
            for letter in word.bytes().filter(|&letter| letter != b' ') {
                assert_ne!(dots(letter), [0; LETTER_HEIGHT], "{}", letter as char);
            }
        }
    }
}
