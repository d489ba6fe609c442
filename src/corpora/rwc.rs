//! RWC popular music (Goto et al., ISMIR 2002): 100 songs, with AIST's annotation of vocal activity
//! (Mauch et al., ISMIR 2011), `RM-P001.VOCA_INST.TXT` and so on.
//!
//! The split is that of Gui et al. (2022): songs whose number ends in 0 to 4 for training, 5 and 6 for
//! validation, 7 to 9 for testing. The number is the last one in the file's name; in a folder of the
//! original discs (`rwc-p-m03/2.wav`) it continues from disc to disc.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use crate::corpora::files::{below, sounds_below, stem};
use crate::corpora::item::{Files, Item, Items, gather, read_labels};
use crate::corpora::labels::{LabelSettings, is_voca_inst, recording_name};
use crate::corpora::{CorpusProblem, Split};

const SONGS: u32 = 100;
/// Songs on each disc but the last.
const DISC_SONGS: u32 = 16;

pub(super) fn items(root: &Path, settings: &LabelSettings, split: Split) -> Items {
    let mut problems = Vec::new();
    let mut labels: BTreeMap<u32, PathBuf> = BTreeMap::new();
    for path in below(root, &["txt"])? {
        if let Some(number) = last_number(&recording_name(&path)).filter(|_| is_voca_inst(&path)) {
            match labels.entry(number) {
                Entry::Vacant(vacant) => drop(vacant.insert(path)),
                Entry::Occupied(first) => {
                    problems.push(CorpusProblem::several_labels(&[first.get(), &path]))
                }
            }
        }
    }
    let mut songs: BTreeMap<u32, PathBuf> = BTreeMap::new();
    for path in sounds_below(root)? {
        let Some(song) = song_number(&path) else {
            problems.push(CorpusProblem::NoSongNumber { path });
            continue;
        };
        if let Some(first) = songs.insert(song, path.clone()) {
            problems.push(CorpusProblem::SameSong {
                first,
                second: path,
                song,
            });
        }
    }
    for &song in labels.keys().filter(|song| !songs.contains_key(song)) {
        problems.push(CorpusProblem::SongMissing { song });
    }
    let item = |(song, path): (u32, PathBuf)| {
        let Some(labels) = labels.get(&song) else {
            return Err(CorpusProblem::NoLabels {
                track: format!("song {song} ({})", path.display()),
                expected: format!("annotation (RM-P{song:03}.VOCA_INST.TXT)"),
            });
        };
        Ok(Item {
            name: format!("RM-P{song:03}"),
            files: Files::Mix(path),
            labels: read_labels(labels, settings)?,
        })
    };
    let of_split = songs
        .into_iter()
        .filter(|(song, _)| split_of(*song) == split);
    gather(settings, problems, of_split.map(item))
}

fn split_of(song: u32) -> Split {
    match song % 10 {
        0..=4 => Split::Train,
        5..=6 => Split::Valid,
        _ => Split::Test,
    }
}

fn song_number(path: &Path) -> Option<u32> {
    let number = last_number(&stem(path))?;
    let folder = path.parent().map(stem).unwrap_or_default();
    let disc = folder
        .to_ascii_lowercase()
        .rsplit_once('m')
        .and_then(|(_, disc)| disc.parse::<u32>().ok());
    let song = match disc {
        Some(disc @ 1..) if number <= DISC_SONGS => (disc - 1) * DISC_SONGS + number,
        _ => number,
    };
    (1..=SONGS).contains(&song).then_some(song)
}

/// The digits at the end of a name.
fn last_number(name: &str) -> Option<u32> {
    let digits = name.len() - name.bytes().rev().take_while(u8::is_ascii_digit).count();
    name[digits..].parse().ok()
}
