//! Splits of folders that no experiment describes.

use std::fs;
use std::path::Path;

use vocald::corpora::CorpusKind;
use vocald::corpora::folder::{Song, SongFolder};
use vocald::corpora::labels::LabelSettings;
use vocald::corpora::song_split::{SongSplit, SplitError, Unit};

fn songs(places: &[&str]) -> Vec<Song> {
    let song = |place: &&str| Song {
        place: place.into(),
        has_voice: !place.contains("instrumental"),
    };
    places.iter().map(song).collect()
}

fn split(places: &[&str]) -> SongSplit {
    SongSplit::choose(&songs(places)).unwrap()
}

#[test]
fn songs_of_a_folder_or_an_artist_stay_together() {
    let by_folder: Vec<String> = (0..12)
        .map(|n| format!("music/band {}/{n:02}", n % 6))
        .collect();
    let by_folder: Vec<&str> = by_folder.iter().map(String::as_str).collect();
    let folders = split(&by_folder);
    assert_eq!(folders.unit, Unit::Folder);
    assert_eq!(folders.songs, [8, 2, 2]);
    assert!(folders.valid[0].starts_with("music/band "), "{folders:?}");
    assert_ne!(folders.valid, folders.test);
    assert_eq!(split(&by_folder), folders, "the same songs are split alike");

    let names = [
        "Abba - One",
        "abba - Two",
        "01 - Blur - One",
        "02 - Blur - Two",
        "Cake - One",
        "Dido - One",
        "Eels - One",
    ];
    let artists = split(&names);
    assert_eq!(artists.unit, Unit::Artist);
    assert!((1..=4).contains(&artists.songs[1]), "{artists:?}");
    for pair in [
        ["Abba - One", "abba - Two"],
        ["01 - Blur - One", "02 - Blur - Two"],
    ] {
        let held_out = pair.map(|name| artists.valid.iter().any(|entry| entry == name));
        assert_eq!(held_out[0], held_out[1], "{artists:?}");
    }

    // Neither folders nor file names tell artists.
    for places in [
        ["a", "b", "c", "d"],
        ["01 - a", "02 - b", "03 - c", "04 - d"],
    ] {
        let single = split(&places);
        assert_eq!((single.unit, single.songs), (Unit::Song, [3, 1, 0]));
    }
    let two = split(&["x/a", "x/b", "x/c", "y/d", "y/e"]);
    assert_eq!(
        two.unit,
        Unit::Song,
        "two folders are too few to keep one from training"
    );
}

#[test]
fn folders_named_for_a_split_are_it() {
    let named = split(&["train/a", "train/b", "Valid/c", "test/d"]);
    assert_eq!(named.unit, Unit::Named);
    assert_eq!(
        (named.valid, named.test),
        (vec!["Valid".into()], vec!["test".into()])
    );
    // Nothing of a test folder gets into training or validation.
    let tested = split(&[
        "train/a", "train/b", "train/c", "train/d", "test/e", "test/f",
    ]);
    assert_eq!(tested.test, ["test"]);
    assert_eq!(tested.songs, [3, 1, 2]);
    assert!(tested.valid[0].starts_with("train/"), "{tested:?}");
}

#[test]
fn too_few_songs_or_voices_are_refused() {
    let refused = |places: &[&str]| SongSplit::choose(&songs(places)).unwrap_err();
    assert_eq!(refused(&["a", "b", "c"]), SplitError::TooFew(3));
    assert_eq!(
        refused(&["a", "instrumental 1", "instrumental 2", "instrumental 3"]).to_string(),
        "only 1 song has a label that is voice; training and validation need one each"
    );
    // The one with a voice is needed on either side.
    let split = split(&[
        "a",
        "b",
        "instrumental 1",
        "instrumental 2",
        "instrumental 3",
    ]);
    assert_eq!(split.valid.len(), 1);
    assert!(!split.valid[0].contains("instrumental"));
}

#[test]
fn the_layout_of_a_folder_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let find = |at: &str| SongFolder::find(&folder.path().join(at), LabelSettings::default());
    write("mixes/a/01.wav", "");
    write("mixes/a/01.lab", "0 1 sing\n");
    write("mixes/b/01.wav", "");
    write("mixes/b/01.lab", "0 1 nosing\n");
    let mixes = find("mixes").unwrap();
    assert_eq!(mixes.settings.kind, CorpusKind::Labelled);
    let expected = [("a/01", true), ("b/01", false)];
    let expected = expected.map(|(place, has_voice)| Song {
        place: place.into(),
        has_voice,
    });
    assert_eq!(mixes.songs, expected);

    for name in ["vocals", "instrumental"] {
        write(&format!("two/{name}/x.wav"), "");
    }
    for stem in ["vocals", "bass", "mixture"] {
        write(&format!("musdb/train/A - B/{stem}.wav"), "");
    }
    for (at, place) in [("two", "x"), ("musdb", "train/A - B")] {
        let stems = find(at).unwrap();
        assert_eq!(stems.settings.kind, CorpusKind::Stems, "{at}");
        assert_eq!(stems.songs[0].place, Path::new(place));
    }

    write("none/a.wav", "");
    let error = |at: &str| find(at).err().unwrap().to_string();
    assert!(
        error("none").contains("none of the 1 recordings in "),
        "{}",
        error("none")
    );
    write("none/b.wav", "");
    write("none/b.lab", "0 1 sing\n");
    assert!(
        error("none").contains("--skip-unlabelled"),
        "{}",
        error("none")
    );
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert!(
        error("empty").contains("holds no sound files"),
        "{}",
        error("empty")
    );
}
