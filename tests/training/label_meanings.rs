//! Labels that are easily taken for something else: they keep their meaning, or are refused by name.

use std::fs;

use vocald::corpora::labels::{LabelError, LabelFile, LabelSettings, Reason, read};

const SUNG: Option<bool> = Some(true);
const NONE: Option<bool> = Some(false);

fn file(name: &str, content: impl AsRef<[u8]>) -> Result<LabelFile, LabelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    read(&path, &LabelSettings::default())
}

/// Starts, ends and labels of the spans.
fn spans(name: &str, content: impl AsRef<[u8]>) -> Vec<(f64, f64, Option<bool>)> {
    let file = file(name, content).unwrap();
    file.spans
        .iter()
        .map(|s| (s.from_s, s.to_s, s.voice))
        .collect()
}

fn refused(name: &str, content: impl AsRef<[u8]>) -> String {
    file(name, content).err().unwrap().to_string()
}

#[test]
fn numbers_other_than_0_and_1_are_no_words() {
    for word in ["0.8", "0.1", "1.5", "-1", "2", "10", "0 1"] {
        let refused = refused("a.lab", format!("0 1 {word}"));
        assert!(
            refused.contains("none of its words is known"),
            "{word}: {refused}"
        );
    }
    for (word, voice) in [("1", SUNG), ("1.0", SUNG), ("0", NONE), ("0.0", NONE)] {
        assert_eq!(spans("a.lab", format!("0 1 {word}")), [(0.0, 1.0, voice)]);
    }
    let probabilities = refused("a.csv", "t,voice\n0,0.1\n0.5,0.8\n1,0.9\n");
    assert!(probabilities.contains("`0.8` (1)"), "{probabilities}");
}

#[test]
fn rows_that_a_decimal_comma_divides_are_named() {
    for table in [
        "start,end,label\n0,5,1,5,sing\n",
        "t,voice\n0,0,1\n0,5,0\n",
        "start,end,label\n0,1,sing, loud\n",
    ] {
        let refused = refused("a.csv", table);
        assert!(
            refused.starts_with("line 2 is not a row with as many cells"),
            "{refused}"
        );
    }
    // Empty cells at the end are none.
    assert_eq!(
        spans("a.csv", "start,end,label\n1,2,sing,,\n"),
        [(1.0, 2.0, SUNG)]
    );
}

#[test]
fn a_table_of_changes_or_of_several_recordings_is_refused() {
    for table in [
        "time,label\n0.0,nosing\n1.02,sing\n4.81,nosing\n",
        "0,0\n1.02,1\n4.81,0\n5,1\n",
    ] {
        let refused = refused("a.csv", table);
        assert!(
            refused.contains("write rows `start,end,label`"),
            "{refused}"
        );
    }
    // At regular times, labels may differ from row to row.
    let regular = "t,voice\n0.5,0\n1.0,1\n1.5,0\n";
    assert_eq!(spans("a.csv", regular).len(), 3);
    // A pause between rows of one label is no change.
    assert_eq!(spans("a.csv", "t,voice\n0.5,0\n1.0,0\n3.5,1\n").len(), 3);

    let header = "filename,onset,offset,event_label\n";
    let one = format!("{header}a.wav,0,1,nosing\na.wav,1,2,sing\n");
    assert_eq!(spans("a.csv", one), [(0.0, 1.0, NONE), (1.0, 2.0, SUNG)]);
    let refused = refused(
        "a.csv",
        format!("{header}a.wav,0,1,nosing\nb.wav,1,2,sing\n"),
    );
    assert!(
        refused.contains("its column `filename` names several recordings"),
        "{refused}"
    );
}

#[test]
fn a_separator_may_be_stated_and_an_open_quote_swallows_nothing() {
    for stated in ["sep=;", "\"sep=;\""] {
        let table = format!("{stated}\nstart;end;label\n1,02;4,81;sing\n5;x;sing\n");
        assert_eq!(refused("a.csv", &table), "line 4 is not `start,end,label`");
        let table = table.replace("5;x;sing\n", "");
        assert_eq!(spans("a.csv", table), [(1.02, 4.81, SUNG)]);
    }
    assert_eq!(
        refused(
            "a.csv",
            "start,end,label\n1,2,sing\n3,4,\"sing\n5,6,nosing\n"
        ),
        "is not a table: a quote that begins in line 3 does not end"
    );
}

#[test]
fn files_without_a_label_are_reported() {
    let textgrid = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0 5 <exists> 1\n\
        \"IntervalTier\" \"voice\" 0 5 1\n0 5 \"\"\n";
    for (name, text) in [
        ("a.txt", ""),
        ("a.csv", "start,end,label\n"),
        ("a.TextGrid", textgrid),
        ("a.srt", ""),
        ("a.vtt", "WEBVTT\n"),
        ("a.lrc", "[ti:x]\n"),
    ] {
        let file = file(name, text).unwrap();
        assert_eq!(file.voice_at(1.0), NONE, "{name}");
        assert_eq!(file.left_out.counted(Reason::NoLabel), 1, "{name}");
    }
    assert_eq!(refused("a.lab", ""), "is empty");
}

#[test]
fn a_textgrid_is_what_it_states_and_lyrics_beside_a_voice_are_no_voice_tier() {
    let tiers = |count: u32, tiers: &str| {
        format!(
            "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0 5 <exists> {count}\n{tiers}"
        )
    };
    let voice = "\"IntervalTier\" \"voice\" 0 5 2\n0 1 \"\"\n1 5 \"sing\"\n";
    let words = "\"IntervalTier\" \"words\" 0 5 2\n0 2 \"no\"\n2 5 \"love\"\n";
    assert_eq!(
        spans("a.TextGrid", tiers(2, &format!("{voice}{words}"))),
        [(1.0, 5.0, SUNG)]
    );
    for more in [
        tiers(1, &format!("{voice}{words}")),
        tiers(1, &voice.replace("5 2\n", "5 1\n")),
    ] {
        let refused = refused("a.TextGrid", more);
        assert!(
            refused.contains("it holds more than it states"),
            "{refused}"
        );
    }
    let binary = b"ooBinaryFile\x08TextGrid\0\0\0\0\0\0\0\0";
    assert_eq!(
        refused("a.TextGrid", binary),
        "is a binary file of Praat: save it as a text file"
    );
}

#[test]
fn an_ultrastar_header_that_is_not_clear_is_refused() {
    let song = |header: &str| format!("#TITLE:x\n#BPM:300\n{header}\n: 0 10 0 la\nE\n");
    for (header, words) in [
        (
            "#RELATIVE:TRUE",
            "has a #RELATIVE that is neither YES nor NO",
        ),
        ("#BPM:150", "has several lines `#BPM` with different values"),
        (
            "#GAP:1\n#Gap:2",
            "has several lines `#GAP` with different values",
        ),
    ] {
        assert_eq!(refused("a.txt", song(header)), words);
    }
    for header in ["#RELATIVE:NO", "#RELATIVE:", "#BPM: 300", "#GAP:0\n#GAP:0"] {
        assert_eq!(spans("a.txt", song(header)), [(0.0, 0.5, SUNG)], "{header}");
    }
}

#[test]
fn spoilt_stamps_and_second_voices_of_lyrics_are_no_tags() {
    let song = "[00:01.00]<00:01.00>la<00:02.00>\n[00:05.00]<00:05.00>le<00:06.00>\n";
    for spoilt in [
        "[-00:01.00]words",
        "[00:x2.00]words",
        "[[00:01.00]words",
        "[bg:ooh]",
        "[x:y]z",
    ] {
        let refused = refused("a.lrc", format!("{song}{spoilt}\n"));
        assert!(
            refused.starts_with("line 3 is not `["),
            "{spoilt}: {refused}"
        );
    }
    for tag in [
        "[ti:a [live] b]",
        "[#:a remark]",
        "[by:x]",
        "[length: 03:10]",
    ] {
        assert_eq!(spans("a.lrc", format!("{tag}\n{song}")).len(), 2, "{tag}");
    }
    assert_eq!(
        spans(
            "a.lrc",
            format!("{song}[bg: <00:02.50>ooh <00:03.00>ah<00:03.50>]\n")
        ),
        [(1.0, 2.0, SUNG), (2.5, 3.5, SUNG), (5.0, 6.0, SUNG)]
    );
    // Names of people are not sung.
    let credits =
        "[00:00.00]作词 : X\n[00:01.00]Lyrics by: Y\n[00:02.00]\n[00:05.00]le\n[00:06.00]\n";
    assert_eq!(
        spans("a.lrc", credits),
        [(0.0, 1.0, None), (1.0, 2.0, None), (5.0, 6.0, SUNG)]
    );
}

#[test]
fn jams_are_labelled_where_they_are_annotated() {
    let jams = |range: &str| {
        let data = r#"[{"time": 11, "duration": 2, "value": "vocals"}]"#;
        format!(r#"{{"annotations": [{{"namespace": "segment_open", "data": {data}{range}}}]}}"#)
    };
    let ranged = file("a.jams", jams(r#", "time": 10, "duration": 20"#)).unwrap();
    let labels: Vec<_> = [5.0, 10.5, 12.0, 20.0, 31.0]
        .map(|t| ranged.voice_at(t))
        .into();
    assert_eq!(labels, [None, NONE, SUNG, NONE, None]);
    for everywhere in ["", r#", "time": 0, "duration": null"#] {
        let file = file("a.jams", jams(everywhere)).unwrap();
        assert_eq!((file.voice_at(5.0), file.voice_at(31.0)), (NONE, NONE));
    }
    let texts = jams("").replace("11", "\"11\"");
    assert!(refused("a.jams", texts).contains("the data of an annotation are neither"));
}
