//! The annotation files of RWC popular music and of Jamendo as their owners publish them, if they are there.

use std::path::{Path, PathBuf};

use vocald::corpora::labels::{LabelFile, LabelSettings, LeftOut, read};

/// The files below a folder beside the repository, in the order of their names; `None` without the folder.
fn files(folder: &str) -> Option<Vec<PathBuf>> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/labels");
    let Ok(entries) = std::fs::read_dir(shared.join(folder)) else {
        eprintln!("skipped: there is no ../shared/data/labels/{folder}");
        return None;
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    Some(files)
}

fn labels(files: &[PathBuf], name: &str) -> LabelFile {
    let path = files
        .iter()
        .find(|p| p.file_name().unwrap().to_str().unwrap().starts_with(name));
    read(path.unwrap(), &LabelSettings::default()).unwrap()
}

fn at<const N: usize>(file: &LabelFile, times_s: [f64; N]) -> [Option<bool>; N] {
    times_s.map(|t_s| file.voice_at(t_s))
}

/// Seconds of voice, of no voice and of unknown labels.
fn totals<'a>(files: impl IntoIterator<Item = &'a LabelFile>) -> [f64; 3] {
    let mut totals = [0.0; 3];
    for span in files.into_iter().flat_map(|file| &file.spans) {
        let kind = match span.voice {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        };
        totals[kind] += span.to_s - span.from_s;
    }
    totals.map(|s| (s * 1000.0).round() / 1000.0)
}

const SUNG: Option<bool> = Some(true);
const NONE: Option<bool> = Some(false);

#[test]
fn all_annotations_of_rwc_are_read() {
    let Some(files) = files("rwc-pop") else {
        return;
    };
    assert_eq!(files.len(), 100);
    let mut left_out = LeftOut::default();
    let mut all = Vec::new();
    for path in &files {
        let file =
            read(path, &LabelSettings::default()).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        assert!(file.spans.iter().any(|s| s.voice == SUNG), "{path:?}");
        left_out.add(&file.left_out);
        all.push(file);
    }
    // By a program of 20 lines in Python that shares nothing with this one.
    assert_eq!(totals(&all), [14_869.935, 9253.403, 92.867]);
    for (name, expected) in [
        ("RM-P010", [123.697, 89.965, 0.0]),
        ("RM-P042", [140.268, 106.475, 0.0]),
        ("RM-P085", [122.937, 70.921, 14.608]),
    ] {
        assert_eq!(totals([&labels(&files, name)]), expected, "{name}");
    }
    // Counted with `cut -f2 | sort | uniq -c`. RM-P085 begins with an `e`.
    let words: Vec<(&str, u64)> = left_out
        .words
        .iter()
        .map(|(w, n)| (w.as_str(), *n))
        .collect();
    let expected = [
        ("12.4", 1),
        ("13.1", 1),
        ("33.1", 1),
        ("39.4", 1),
        ("4.4", 1),
        ("??", 1),
        ("e", 1),
        ("r", 13),
        ("s;bass", 1),
        ("unknown", 4),
    ];
    assert_eq!(words, expected);

    // Lines 1 to 4: b at 0, m:withm at 10.293061224, b at 11.883492063, m:withm at 12.087845804; the last three: b at
    // 202.699795918, n at 206.025102040, e at 207.168253968.
    let song = labels(&files, "RM-P001");
    assert_eq!(
        at(
            &song,
            [
                10.29, 10.3, 11.88, 11.89, 12.1, 202.69, 202.71, 206.5, 207.2
            ]
        ),
        [NONE, SUNG, SUNG, NONE, SUNG, SUNG, NONE, NONE, None]
    );
    // p, 4.4 and s:electricguitar at 0, b at 0.987755102; near the end f:withf from 209.213968253 to 212.743401360.
    let song = labels(&files, "RM-P089");
    assert_eq!(
        at(&song, [0.5, 1.0, 209.2, 209.3, 212.7, 212.8, 221.4]),
        [NONE, NONE, NONE, SUNG, SUNG, NONE, None]
    );
    // All of it: unknown at 0, m at 20.288956916, unknown at 278.381791383.
    let song = labels(&files, "RM-P084");
    assert_eq!(
        at(&song, [10.0, 20.3, 278.3, 278.5]),
        [None, SUNG, SUNG, None]
    );
}

#[test]
fn all_labels_of_jamendo_are_read() {
    let Some(files) = files("jamendo") else {
        return;
    };
    assert_eq!(files.len(), 93);
    let mut spans = 0;
    let mut all = Vec::new();
    for path in &files {
        let file =
            read(path, &LabelSettings::default()).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        assert!(file.left_out.sentences().is_empty(), "{path:?}");
        // Throughout, from the start on.
        assert!(
            file.spans.windows(2).all(|s| s[0].to_s == s[1].from_s),
            "{path:?}"
        );
        spans += file.spans.len();
        all.push(file);
    }
    // By the same program.
    assert_eq!(totals(&all), [11_374.159, 10_554.924, 0.0]);
    for (name, expected) in [
        ("01 - A city", [97.662, 184.965, 0.0]),
        ("01 - Antikultura", [73.225, 129.935, 0.0]),
        ("01 - Atlantide", [95.93, 94.323, 0.0]),
    ] {
        assert_eq!(totals([&labels(&files, name)]), expected, "{name}");
    }
    // 2088 lines `nosing` and 1998 lines `sing`.
    assert_eq!(spans, 4086);

    // 0.000 32.079 nosing; 32.079 34.887 sing; the last two: 253.737 270.346 sing; 270.346 272.199 nosing.
    let song = labels(&files, "03 - Say me Good Bye");
    assert_eq!(song.spans.len(), 57);
    assert_eq!(
        at(&song, [32.0, 32.1, 34.9, 270.3, 272.19, 272.3]),
        [NONE, SUNG, NONE, SUNG, NONE, None]
    );
    // 0.000 8.780 nosing; 8.780 11.725 sing; the last two: 109.698 114.387 sing; 114.387 119.451 nosing.
    let song = labels(&files, "05 - Angeliques");
    assert_eq!(song.spans.len(), 39);
    assert_eq!(
        at(&song, [8.7, 8.8, 11.8, 114.3, 119.4]),
        [NONE, SUNG, NONE, SUNG, NONE]
    );
    // 0.000 5.030 sing; 5.030 7.672 nosing; the last two: 185.050 190.388 sing; 190.388 247.484 nosing.
    let song = labels(&files, "01 - 10min");
    assert_eq!(song.spans.len(), 12);
    assert_eq!(
        at(&song, [0.1, 5.1, 190.3, 247.4]),
        [SUNG, NONE, SUNG, NONE]
    );
}
