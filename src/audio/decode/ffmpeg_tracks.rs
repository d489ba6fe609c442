//! The audio tracks of a file, as ffmpeg lists them.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

use super::ffmpeg::{Limits, Process};

/// Bytes of the list that are read: tags and chapters come before the tracks.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// The audio tracks of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AudioTracks {
    /// Place of each among all tracks, from 0.
    places: Vec<u32>,
    /// The first one that is marked as the default.
    default: Option<u32>,
    /// Whether there are tracks without sound.
    has_others: bool,
}

impl AudioTracks {
    /// Lists the tracks of `path`; none if ffmpeg does not know the file.
    pub fn of(program: &Path, path: &Path, limits: Limits) -> Self {
        // Without an output, ffmpeg ends after the list. What is wrong with the file shows when it is decoded.
        match Process::start(program, path, &[], limits) {
            Ok((_process, _, list)) => Self::listed(list),
            Err(_) => Self::default(),
        }
    }

    fn listed(list: impl Read) -> Self {
        let mut tracks = Self::default();
        let mut list = BufReader::new(list.take(MAX_LIST_BYTES));
        let mut line = Vec::new();
        while matches!(list.read_until(b'\n', &mut line), Ok(1..)) {
            match track(&String::from_utf8_lossy(&line)) {
                Some((place, kind)) if kind.starts_with("Audio:") => {
                    tracks.places.push(place);
                    let is_default = kind.contains("(default)");
                    tracks.default = tracks.default.or(is_default.then_some(place));
                }
                other => tracks.has_others |= other.is_some(),
            }
            line.clear();
        }
        tracks
    }

    /// Place among all tracks of the one that players choose: the default, else the first.
    pub fn chosen(&self) -> Option<u32> {
        self.default.or(self.places.first().copied())
    }

    /// Whether all tracks are known to be without sound.
    pub fn are_silent(&self) -> bool {
        self.places.is_empty() && self.has_others
    }

    /// Number of audio tracks.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Number of the default track among all tracks, from 1.
    pub fn default_number(&self) -> Option<u32> {
        self.default.map(|place| place + 1)
    }
}

/// The place and the kind of a track: `  Stream #0:1[0x2](eng): Audio: ac3, 48000 Hz (default)`.
fn track(line: &str) -> Option<(u32, &str)> {
    let track = line.trim_start().strip_prefix("Stream #0:")?;
    let place = track.split(|c: char| !c.is_ascii_digit()).next()?;
    let (_, kind) = track.split_once(": ")?;
    Some((place.parse().ok()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_found_in_the_list_of_every_container() {
        let listed = |text: &str| AudioTracks::listed(text.as_bytes());
        let of = |places: &[u32], default, has_others| AudioTracks {
            places: places.into(),
            default,
            has_others,
        };
        assert_eq!(listed("x: Invalid data found\n"), of(&[], None, false));
        let mp4 = "  Stream #0:0[0x1](und): Video: h264 (High), 25 fps (default)\n    Metadata:\n      title : Stream #0:9: Audio: no\n\
            \x20 Stream #0:1[0x2](eng): Audio: ac3 (ac-3 / 0x332D6361), 48000 Hz, stereo, fltp\n\
            \x20 Stream #0:12[0x3](deu): Audio: aac (LC), 48000 Hz, stereo, fltp, 96 kb/s (default) (forced)\n";
        assert_eq!(listed(mp4), of(&[1, 12], Some(12), true));
        let ts = "  Stream #0:0[0x100]: Audio: mp2 ([3][0][0][0] / 0x0003), 44100 Hz, mono\n    Stream #0:1: Audio: mp2\n";
        assert_eq!(listed(ts), of(&[0, 1], None, false));
        assert_eq!((listed(ts).chosen(), listed(ts).count()), (Some(0), 2));
        assert_eq!(listed(mp4).default_number(), Some(13));
    }
}
