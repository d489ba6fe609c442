//! Files that are written, cut or removed while they are read.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use vocald::audio::Decoder;

use crate::tone::{has_ffmpeg, read_all, sound, sounds, wav, write};

/// What `change` does to the file after its first block: the samples, and the damage.
fn decode_while(path: &Path, change: impl FnOnce(&Path)) -> (usize, Option<String>) {
    let mut decoder = Decoder::open(path).unwrap();
    let first = decoder.next_block().unwrap().unwrap().len();
    change(path);
    let rest = read_all(&mut decoder).unwrap().len();
    let damage = decoder.damaged();
    (
        first + rest,
        damage.map(|text| text.replace(&path.display().to_string(), "FILE")),
    )
}

fn append(path: &Path) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(&[0; 4096]).unwrap();
}

#[test]
fn a_file_that_changes_while_it_is_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let fresh = || wav(&path, 1, &[1000; 1 << 18]);
    fresh();
    assert_eq!(decode_while(&path, |_| {}), (1 << 18, None));
    // The sound that was there when it was opened.
    let (samples, damage) = decode_while(&path, append);
    assert_eq!(samples, 1 << 18);
    let grew = "FILE is damaged: it grew while it was read, and what was added may be left out";
    assert_eq!(damage.as_deref(), Some(grew));

    fresh();
    let (samples, damage) = decode_while(&path, |path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let later = SystemTime::now() + Duration::from_secs(10);
        file.set_modified(later).unwrap();
    });
    assert_eq!(samples, 1 << 18);
    assert_eq!(
        damage.as_deref(),
        Some("FILE is damaged: it changed while it was read")
    );

    fresh();
    let (samples, damage) = decode_while(&path, |path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(1 << 18).unwrap();
    });
    assert!(samples < 1 << 18);
    assert!(damage.unwrap().ends_with("it changed while it was read"));

    // Its bytes stay there until it is closed.
    fresh();
    assert_eq!(
        decode_while(&path, |path| std::fs::remove_file(path).unwrap()),
        (1 << 18, None)
    );
}

#[test]
fn sounds_of_every_format_that_grow_are_named() {
    let has_ffmpeg = has_ffmpeg();
    let folder = tempfile::tempdir().unwrap();
    let names = std::fs::read_dir(sounds()).unwrap();
    for name in names.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        if name == "make.sh" || name == "tone.ac3" && !has_ffmpeg {
            continue;
        }
        let path = write(folder.path(), &name, &sound(&name));
        let (_, damage) = decode_while(&path, append);
        let damage = damage.unwrap_or_default();
        assert!(
            damage.contains("it grew while it was read"),
            "{name}: {damage}"
        );
    }
}
