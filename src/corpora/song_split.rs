//! A split of a folder's songs: by folders named for it, by folder, by artist, or by song.

use std::path::PathBuf;

use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom as _;

use crate::corpora::folder::Song;

/// Fewer groups than this are divided.
const MIN_GROUPS: usize = 4;
/// One song for validation, and three to train on.
pub const MIN_SONGS: usize = 4;
/// From this number of songs on, some are kept for testing.
const MIN_SONGS_FOR_TEST: usize = 10;
/// Songs for validation: one of this many; for testing as many.
const SONGS_PER_HELD_OUT: usize = 6;
/// Names of folders that are a split of their own.
const VALID_FOLDERS: [&str; 4] = ["valid", "validation", "val", "dev"];
const TEST_FOLDERS: [&str; 1] = ["test"];

/// The songs that are kept from training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SongSplit {
    /// What is never divided between two parts.
    pub unit: Unit,
    /// Entries of `valid` in the settings of a corpus: folders or songs.
    pub valid: Vec<String>,
    /// Entries of `test`, likewise.
    pub test: Vec<String>,
    /// Songs for training, validation and testing.
    pub songs: [usize; 3],
}

/// What a split never divides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The folders `train`, `valid` and `test`.
    Named,
    /// A folder directly below the one that all songs share.
    Folder,
    /// The artist in file names such as `ARTIST - TITLE`.
    Artist,
    /// A song.
    Song,
}

/// Songs that cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Too few for training and validation.
    #[error("{songs} with labels; training needs at least {MIN_SONGS}, one of them for validation", songs = songs(*.0))]
    TooFew(usize),
    /// Nothing to learn.
    #[error("{singing} a label that is voice; training and validation need one each", singing = singing(*.0))]
    TooFewWithVoice(usize),
}

fn songs(count: usize) -> String {
    match count {
        1 => "1 song".into(),
        _ => format!("{count} songs"),
    }
}

fn singing(count: usize) -> &'static str {
    match count {
        0 => "no song has",
        _ => "only 1 song has",
    }
}

/// Songs that stay together.
struct Group {
    entries: Vec<String>,
    songs: usize,
    has_voice: bool,
}

impl SongSplit {
    /// Chooses a split. The same songs are always split alike.
    ///
    /// # Errors
    /// There are too few songs, or too few with a voice.
    pub fn choose(all: &[Song]) -> Result<Self, SplitError> {
        let (test, rest) = named(all, &TEST_FOLDERS);
        let (valid, train) = named(&rest, &VALID_FOLDERS);
        let few = match rest.len() < MIN_SONGS {
            true => Some(SplitError::TooFew(rest.len())),
            false => match rest.iter().filter(|song| song.has_voice).count() {
                few @ 0..2 => Some(SplitError::TooFewWithVoice(few)),
                _ => None,
            },
        };
        let has_voice = |songs: &[Song]| songs.iter().any(|song| song.has_voice);
        if has_voice(&valid) && has_voice(&train) {
            return Ok(Self {
                unit: Unit::Named,
                songs: [train.len(), valid.len(), test.len()],
                valid: first_folders(&valid),
                test: first_folders(&test),
            });
        }
        if let Some(few) = few {
            return Err(few);
        }
        let units = [Unit::Folder, Unit::Artist, Unit::Song].into_iter();
        let split = units.filter_map(|unit| held_out(groups(&rest, unit)?, unit, rest.len()));
        let mut split = split.take(1).next().ok_or(SplitError::TooFewWithVoice(1))?;
        if !test.is_empty() {
            let [train, valid, kept] = split.songs;
            split.songs = [train + kept, valid, test.len()];
            split.test = first_folders(&test);
        }
        Ok(split)
    }
}

/// The songs in folders of these names directly below the folder, and the others.
fn named(all: &[Song], names: &[&str]) -> (Vec<Song>, Vec<Song>) {
    let is_below = |song: &Song| {
        let first = part(song, 0).unwrap_or_default().to_lowercase();
        names.contains(&first.as_str()) && folders(song) > 0
    };
    all.iter().cloned().partition(is_below)
}

fn first_folders(songs: &[Song]) -> Vec<String> {
    let mut folders: Vec<String> = songs.iter().map(|song| above(song, 1)).collect();
    folders.dedup();
    folders
}

fn folders(song: &Song) -> usize {
    song.place.components().count().saturating_sub(1)
}

fn part(song: &Song, index: usize) -> Option<String> {
    let part = song.place.components().nth(index)?;
    Some(part.as_os_str().to_string_lossy().into_owned())
}

/// The path of the first `count` parts.
fn above(song: &Song, count: usize) -> String {
    let above: PathBuf = song.place.components().take(count).collect();
    above.to_string_lossy().into_owned()
}

fn title(song: &Song) -> String {
    let name = song.place.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// `ARTIST - TITLE`, or `NUMBER - ARTIST - TITLE`; any other song is a group of its own.
fn artist(song: &Song) -> String {
    let title = title(song);
    let mut parts = title.split(" - ").map(str::trim);
    let is_number = |part: &&str| part.chars().all(|c| c.is_ascii_digit() || c == '.');
    let first = parts.next().filter(|part| !is_number(part));
    let artist = first.or_else(|| parts.next());
    match (artist, parts.next()) {
        (Some(artist), Some(_)) => artist.to_lowercase(),
        _ => title,
    }
}

/// The groups of a unit; `None` if it does not divide the songs into enough groups, or into single songs.
fn groups(all: &[Song], unit: Unit) -> Option<Vec<Group>> {
    let shared = shared_folders(all);
    let key = |song: &Song| match unit {
        Unit::Named | Unit::Folder => above(song, shared + 1),
        Unit::Artist => artist(song),
        Unit::Song => title(song),
    };
    let mut keyed: Vec<(String, &Song)> = all.iter().map(|song| (key(song), song)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    let groups: Vec<Group> = keyed
        .chunk_by(|a, b| a.0 == b.0)
        .map(|members| Group {
            entries: match unit {
                Unit::Named | Unit::Folder => vec![members[0].0.clone()],
                Unit::Artist | Unit::Song => {
                    members.iter().map(|m| above(m.1, usize::MAX)).collect()
                }
            },
            songs: members.len(),
            has_voice: members.iter().any(|(_, song)| song.has_voice),
        })
        .collect();
    let divides = groups.len() >= MIN_GROUPS && groups.iter().any(|group| group.songs > 1);
    (divides || unit == Unit::Song).then_some(groups)
}

/// The number of folders that the paths of all songs begin with.
fn shared_folders(all: &[Song]) -> usize {
    let least = all.iter().map(folders).min().unwrap_or(0);
    let is_same = |index: &usize| {
        all.windows(2)
            .all(|two| part(&two[0], *index) == part(&two[1], *index))
    };
    (0..least).take_while(is_same).count()
}

/// Takes groups for validation, and of many songs for testing, until they have their share of the songs. `None` if
/// the groups are too large, or too few have a voice.
fn held_out(mut groups: Vec<Group>, unit: Unit, songs: usize) -> Option<SongSplit> {
    groups.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(0));
    let share = songs.div_ceil(SONGS_PER_HELD_OUT);
    let valid = take(&mut groups, share);
    let test = match songs >= MIN_SONGS_FOR_TEST {
        true => take(&mut groups, share),
        false => Vec::new(),
    };
    let count = |groups: &[Group]| groups.iter().map(|group| group.songs).sum::<usize>();
    let entries = |groups: &[Group]| {
        let mut entries: Vec<String> = groups.iter().flat_map(|g| g.entries.clone()).collect();
        entries.sort();
        entries
    };
    let is_possible = !valid.is_empty() && groups.iter().any(|group| group.has_voice);
    is_possible.then(|| SongSplit {
        unit,
        valid: entries(&valid),
        test: entries(&test),
        songs: [count(&groups), count(&valid), count(&test)],
    })
}

/// Moves groups out, the first with a voice, until they have `share` songs, or up to twice as many with the last.
fn take(groups: &mut Vec<Group>, share: usize) -> Vec<Group> {
    let mut taken: Vec<Group> = Vec::new();
    let mut songs = 0;
    while songs < share {
        let fits =
            |group: &Group| songs + group.songs <= 2 * share && (songs > 0 || group.has_voice);
        let Some(place) = groups.iter().position(fits) else {
            break;
        };
        songs += groups[place].songs;
        taken.push(groups.remove(place));
    }
    taken
}
