//! Label files of lyrics and notes: UltraStar, LRC, subtitles.

use std::fs;

use vocald::corpora::labels::{
    FaultyLabels, Freestyle, LabelError, LabelFile, LabelSettings, Reason, read,
};

fn file(name: &str, content: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    read(&path, settings)
}

fn plain(name: &str, content: &str) -> LabelFile {
    file(name, content, &LabelSettings::default()).unwrap()
}

fn refused(name: &str, content: &str) -> String {
    let refused = file(name, content, &LabelSettings::default());
    refused.err().unwrap().to_string()
}

/// Starts and ends of the voices in milliseconds.
fn voices(file: &LabelFile) -> Vec<(i64, i64)> {
    let ms = |t_s: f64| (t_s * 1000.0).round() as i64;
    let voices = file.spans.iter().filter(|s| s.voice == Some(true));
    voices.map(|s| (ms(s.from_s), ms(s.to_s))).collect()
}

/// 300 beats a minute: a note's beat is 50 ms.
fn song(notes: &str) -> String {
    format!("#TITLE:x\n#ARTIST:y\n#BPM:300\n#GAP:0\n{notes}")
}

#[test]
fn the_singers_of_a_duet_are_united() {
    for (first, second) in [("P1", "P2"), ("P 1", "P 2"), ("P1", "P3")] {
        let text = song(&format!(
            "{first}\n: 60 20 5 la\n{second}\n: 10 20 5 lo\n: 70 20 5 li\nE\n"
        ));
        assert_eq!(voices(&plain("a.txt", &text)), [(500, 1500), (3000, 4500)]);
    }
}

#[test]
fn rapped_notes_are_voice_and_freestyle_is_as_configured() {
    let text =
        song("R 0 40 0 yo\nG 40 20 0 yeah\n: 80 10 5 la\n* 100 10 5 la\nF 120 20 0 hey\nE\n");
    let (sung, free) = ([(0, 3000), (4000, 4500), (5000, 5500)], (6000, 7000));
    for (freestyle, label) in [
        (Freestyle::Voice, Some(true)),
        (Freestyle::NoVoice, Some(false)),
        (Freestyle::LeftOut, None),
    ] {
        let settings = LabelSettings {
            freestyle,
            ..LabelSettings::default()
        };
        let file = file("a.txt", &text, &settings).unwrap();
        let expected: Vec<_> = sung
            .into_iter()
            .chain(label.filter(|l| *l).map(|_| free))
            .collect();
        assert_eq!(voices(&file), expected, "{freestyle:?}");
        assert_eq!(file.voice_at(6.5), label);
        let counted = file.left_out.counted(Reason::Freestyle);
        assert_eq!(counted, u64::from(freestyle == Freestyle::LeftOut));
    }
}

#[test]
fn tempo_changes_relative_beats_and_header_spellings_are_followed() {
    let text = song(": 0 10 5 la\nB 20 150\n: 20 10 5 lo\nE\n");
    assert_eq!(voices(&plain("a.txt", &text)), [(0, 500), (1000, 2000)]);
    // Two singers at the same changing tempo.
    let text = song("P1\n: 0 10 5 la\nB 20 150\nP2\n: 40 10 5 lo\nE\n");
    assert_eq!(voices(&plain("a.txt", &text)), [(0, 500), (3000, 4000)]);
    let relative = "#title: x\n# bpm : 150,0\n#Gap:1001,0\n#relative: Yes\n#START:3\n#VIDEOGAP:7\n\
        : 0 4 60 one\n- 10 12\n: 8 5 60 two\n- 20\n: 0 2 60 three\nE\n";
    // A beat is 0.1 s; the lines begin at beats 0, 12 and 32.
    assert_eq!(
        voices(&plain("a.txt", relative)),
        [(1001, 1401), (3001, 3501), (4201, 4401)]
    );
}

#[test]
fn lines_after_the_end_are_counted_and_junk_is_named() {
    let file = plain(
        "a.txt",
        &song(": 0 10 5 la\nE\n: 100 10 5 no\nend of file\n"),
    );
    assert_eq!(
        (voices(&file), file.left_out.counted(Reason::AfterEnd)),
        (vec![(0, 500)], 2)
    );
    let text = song(": 0 10 5 la\n; a comment\nE\n");
    let error = refused("a.txt", &text);
    assert!(
        error.contains("line 6 is not a note, a line break"),
        "{error}"
    );
    let skipping = LabelSettings {
        faulty: FaultyLabels::SkipLines,
        ..LabelSettings::default()
    };
    assert_eq!(
        voices(&self::file("a.txt", &text, &skipping).unwrap()),
        [(0, 500)]
    );
    assert!(refused("a.txt", &song(": 5 -3 5 la\nE\n")).contains("line 5 ends at"));
    assert!(refused("a.txt", "#TITLE:x\n: 0 1 2 la\n").contains("has no valid #BPM"));
    let gap = song(": 0 10 5 la\nE\n").replace("#GAP:0", "#GAP:soon");
    assert!(refused("a.txt", &gap).contains("has a #GAP that is not a number of milliseconds"));
    // The first line need not be one of the format's own keys.
    let noted = format!("# a remark\n#MY_KEY:x\n{}", song(": 0 10 5 la\nE\n"));
    assert_eq!(voices(&plain("a.txt", &noted)), [(0, 500)]);
    assert!(refused("a.txt", &song("E\n")).contains("has no notes"));
}

#[test]
fn lyrics_are_read_where_their_ends_are_known() {
    let lines = "[ar:x]\n[offset:+500]\n[00:10.50][00:30.50]la la\n[00:12.50]\n[00:32.50]\n[00:20.50]lo\n[00:21.50]♪\n";
    let file = plain("a.lrc", lines);
    assert_eq!(
        voices(&file),
        [(10_000, 12_000), (20_000, 21_000), (30_000, 32_000)]
    );
    assert_eq!(file.voice_at(15.0), Some(false));
    let words = "[00:01.00]<00:01.00>When <00:01.50>you <00:02.00>\n[00:03:00]Go [00:04.00]now [00:04.50]\n";
    assert_eq!(voices(&plain("a.lrc", words)), [(1000, 2000), (3000, 4500)]);
    // A word without an end is left out from its start up to the next line.
    let open = plain(
        "a.lrc",
        "[00:01.00]<00:01.00>When <00:01.50>you\n[00:03.00]<00:03.00>la<00:04.00>\n",
    );
    assert_eq!(voices(&open), [(1000, 1500), (3000, 4000)]);
    let labels: Vec<_> = [2.0, 3.5, 5.0].map(|t| open.voice_at(t)).into();
    assert_eq!(labels, [None, Some(true), Some(false)]);
    assert_eq!(open.left_out.counted(Reason::OpenEnd), 1);
    for open in [
        "[00:01.00]la\n[00:02.00]lo\n",
        "[00:01.00]la\n[00:02.00]lo\n[00:03.00]\n",
        "[00:01.00]la\n",
    ] {
        assert!(refused("a.lrc", open).contains("states where lines begin but not where they end"));
    }
    // Remarks are no voice, or unclear and left out; every other text is sung.
    let remarks = "[00:01.00]No\n[00:02.00](Instrumental)\n[00:03.00]Pause\n[00:04.00]Guitar solo\n\
        [00:05.00]Silence is golden\n[00:06.00]\n[00:07.00]la\n[00:08.00]\n";
    let file = plain("a.lrc", remarks);
    let labels: Vec<_> = [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
        .map(|t| file.voice_at(t))
        .into();
    let (sung, none) = (Some(true), Some(false));
    assert_eq!(labels, [sung, none, None, None, sung, none]);
    assert_eq!(file.left_out.words.len(), 2);
    assert!(refused("a.lrc", "la la\n").contains("line 1 is not `[mm:ss.xx]words`"));
}

#[test]
fn subtitles_are_labels_by_their_words_or_notes() {
    let srt = "1\n00:00:01,000 --> 00:00:02,500\n<i>voice</i>\n\n2\n00:00:03,000 --> 00:00:04,000\n[Applause]\n\n\
        3\n00:01:00,000 --> 00:01:01,000\n♪ la la ♪\n\n4\n00:02:00,000 --> 00:02:01,000\n♪\n";
    let file = plain("a.srt", srt);
    assert_eq!(voices(&file), [(1000, 2500), (60_000, 61_000)]);
    let labels: Vec<_> = [0.5, 3.5, 120.5].map(|t| file.voice_at(t)).into();
    assert_eq!(labels, [Some(false), None, None]);
    let vtt = "WEBVTT - made\n\nNOTE a comment\n\nintro\n00:01.000 --> 00:02.500 line:0\nsinging\n";
    assert_eq!(voices(&plain("a.vtt", vtt)), [(1000, 2500)]);
    let music = "1\n00:00:01,000 --> 00:00:02,000\n♪ upbeat music ♪\n\n2\n00:00:03,000 --> 00:00:04,000\n♪ oh no ♪\n";
    let file = plain("a.srt", music);
    assert_eq!((file.voice_at(1.5), file.voice_at(3.5)), (None, Some(true)));
    // Subtitles of speech are no labels, unless every word is configured as voice.
    let speech = "1\n00:00:01,000 --> 00:00:02,000\nGood evening.\n";
    assert!(refused("a.srt", speech).contains("none of its words is known"));
    let any = LabelSettings {
        voice_words: vec!["*".into()],
        ..LabelSettings::default()
    };
    assert_eq!(
        voices(&self::file("a.srt", speech, &any).unwrap()),
        [(1000, 2000)]
    );
    assert!(
        refused("a.srt", "1\n00:00:0x --> 00:00:02,000\nvoice\n").contains("line 2 is not a cue")
    );
}
