//! Label files of annotation programs: `.lab`, Audacity, tables, TextGrid, JAMS, and what is wrong with them.

use std::fs;

use vocald::corpora::labels::{FaultyLabels, LabelError, LabelFile, LabelSettings, Reason, read};

/// Reads a file of this name and content.
fn file(
    name: &str,
    content: impl AsRef<[u8]>,
    settings: &LabelSettings,
) -> Result<LabelFile, LabelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    read(&path, settings)
}

fn plain(name: &str, content: impl AsRef<[u8]>) -> LabelFile {
    file(name, content, &LabelSettings::default()).unwrap()
}

fn refused(name: &str, content: impl AsRef<[u8]>) -> String {
    let refused = file(name, content, &LabelSettings::default());
    refused.err().unwrap().to_string()
}

/// Starts, ends and labels of the spans.
fn spans(file: &LabelFile) -> Vec<(f64, f64, Option<bool>)> {
    let spans = file.spans.iter();
    spans.map(|s| (s.from_s, s.to_s, s.voice)).collect()
}

fn words(file: &LabelFile) -> Vec<(&str, u64)> {
    let words = file.left_out.words.iter();
    words.map(|(word, count)| (word.as_str(), *count)).collect()
}

const SUNG: Option<bool> = Some(true);
const NONE: Option<bool> = Some(false);

#[test]
fn a_lab_knows_common_synonyms_and_counts_other_words() {
    for word in [
        "sing",
        "SINGING",
        "voice",
        "vocal",
        "Vocals",
        "v",
        "1",
        "lead_vocals",
        "voice 2",
    ] {
        assert_eq!(
            spans(&plain("a.lab", format!("0 1 {word}"))),
            [(0.0, 1.0, SUNG)],
            "{word}"
        );
    }
    for word in [
        "nosing",
        "no-voice",
        "novoice",
        "Instrumental",
        "silence",
        "0",
        "no sing",
        "non_vocal",
    ] {
        assert_eq!(
            spans(&plain("a.lab", format!("0 1 {word}"))),
            [(0.0, 1.0, NONE)],
            "{word}"
        );
    }
    // The number may be that of a singer or a class.
    assert!(refused("a.lab", "0 1 voice 0").contains("or as no voice: `voice 0` (1)"));
    let file = plain(
        "a.lab",
        "# made by hand\n0 1 sing\n1 2 applause\n2 3 nosing\n",
    );
    assert_eq!(
        spans(&file),
        [(0.0, 1.0, SUNG), (1.0, 2.0, None), (2.0, 3.0, NONE)]
    );
    assert_eq!(
        (words(&file), file.elsewhere),
        (vec![("applause", 1)], None)
    );
}

#[test]
fn configured_words_are_voice_or_not() {
    let settings = LabelSettings {
        voice_words: vec!["Gesang".into(), "instrumental".into()],
        no_voice_words: vec!["*".into()],
        ..LabelSettings::default()
    };
    let text = "0 1 gesang\n1 2 Sprache\n2 3 instrumental\n3 4 sing\n";
    let file = file("a.lab", text, &settings).unwrap();
    let voice: Vec<_> = file.spans.iter().map(|s| s.voice).collect();
    assert_eq!(voice, [SUNG, NONE, SUNG, SUNG]);
    assert!(words(&file).is_empty());
    let both = LabelSettings {
        no_voice_words: vec!["gesang".into()],
        ..settings
    };
    let refused = self::file("a.lab", text, &both).err().unwrap().to_string();
    assert!(refused.contains("`gesang` is both in"), "{refused}");
}

#[test]
fn an_audacity_track_may_have_decimal_commas_points_and_frequencies() {
    let comma = plain("a.txt", "\u{feff}1,023220\t4,808934\tvoice\r\n");
    assert_eq!(spans(&comma), [(1.02322, 4.808934, SUNG)]);
    assert_eq!((comma.voice_at(0.5), comma.voice_at(5.0)), (NONE, NONE));
    let file = plain(
        "a.txt",
        "3\t4\tSinging\n\\\t20,0\t9000,0\n0.5\t0.5\tclick\n1\t2\tvocals\n",
    );
    assert_eq!(spans(&file), [(1.0, 2.0, SUNG), (3.0, 4.0, SUNG)]);
    assert_eq!(file.left_out.counted(Reason::Point), 1);
    // Windows-1252: a word that is not UTF-8 is still a word.
    let file = plain("a.txt", b"1\t2\tvoice\n3\t4\tgespr\xe4ch\n");
    assert_eq!(words(&file), [("gespräch", 1)]);
    assert_eq!((file.voice_at(1.5), file.voice_at(3.5)), (SUNG, None));
    assert!(
        refused("a.txt", "1\t1\tvoice\n").contains("1 point labels and no label with a duration")
    );
    // A track of an instrumental recording is empty, and so is a file that was lost.
    for name in ["a.txt", "a.srt"] {
        let empty = plain(name, "");
        assert_eq!(
            (empty.voice_at(1.0), empty.left_out.sentences()),
            (
                NONE,
                vec!["1 files hold no label, which stands for no voice throughout".to_owned()]
            )
        );
    }
}

#[test]
fn abbreviations_are_known_only_among_known_words() {
    let short = plain("a.txt", "0\t1\tv\n1\t2\tn\n");
    assert_eq!(spans(&short), [(0.0, 1.0, SUNG), (1.0, 2.0, NONE)]);
    // Phones of a sung word, and words of a song.
    for text in [
        "0\t1\tn\n1\t2\tow\n2\t3\tv\n",
        "0\t1\tno\n1\t2\tyes\n2\t3\tlove\n",
    ] {
        assert!(refused("a.txt", text).contains("none of its words is known"));
    }
    let mixed = plain("a.txt", "0\t1\tn\n1\t2\tow\n2\t3\tvoice\n");
    assert_eq!(
        spans(&mixed),
        [(0.0, 1.0, None), (1.0, 2.0, None), (2.0, 3.0, SUNG)]
    );
    assert_eq!(words(&mixed), [("n", 1), ("ow", 1)]);
}

#[test]
fn unknown_words_of_an_audacity_track_are_neither_voice_nor_silence() {
    let file = plain(
        "words.txt",
        "0.0\t1.0\tdrums\n1.0\t3.0\tvoice\n3.0\t4.0\tspeech\n5\t6\t\n",
    );
    assert_eq!(words(&file), [("", 1), ("drums", 1), ("speech", 1)]);
    let labels: Vec<_> = [0.5, 2.0, 3.5, 4.5, 5.5].map(|t| file.voice_at(t)).into();
    assert_eq!(labels, [None, SUNG, None, NONE, None]);
    let sentence = file.left_out.sentences().join("; ");
    assert_eq!(
        sentence,
        "3 labels with unknown words are left out, neither voice nor no voice: no word (1), `drums` (1), `speech` (1)"
    );
    let refused = refused("words.txt", "0\t1\tdrums\n1\t2\tdrums\n");
    assert!(refused.contains("none of its words is known") && refused.contains("`drums` (2)"));
    // A known word counts more than an unknown one around it.
    let verse = plain("a.txt", "0\t9\tverse\n2\t3\tvoice\n");
    let labels: Vec<_> = [1.0, 2.5, 4.0].map(|t| verse.voice_at(t)).into();
    assert_eq!(labels, [None, SUNG, None]);
}

#[test]
fn tables_have_times_or_stretches_in_many_dialects() {
    let stretches = [(0.0, 1.5, NONE), (1.5, 3.0, SUNG)];
    for text in [
        "start,end,label\n0,1.5,nosing\n1.5,3,sing\n",
        "0,1.5,nosing\n1.5,3,sing\n",
        "0,1.5,0\n1.5,3,1\n",
        "start;end;label\n0,0;1,5;nosing\n1,5;3,0;sing\n",
        "0\t1,5\tnosing\n1,5\t3\tsing\n",
        "Name\tStart\tDuration\nnosing\t0:00.000\t0:01.500\nsing\t0:01.500\t0:01.500\n",
        "id,onset,offset,annotator,class\n7,0,1.5,ann,nosing\n8,1.5,3,ann,sing\n",
        "\"start\",\"end\",\"label\"\n\"0\",\"1.5\",\"nosing\"\n\"1.5\",\"3\",\"sing\"\n",
        "# start,end,label\n0,1.5,nosing\n# between\n1.5,3,sing\n",
        "# made by hand, today\nstart,end,label\n0,1.5,nosing\n1.5,3,sing\n",
        "start_ms,duration_ms,label\n0,1500,nosing\n1500,1500,sing\n",
        "Start Time (s)\tEnd Time [ms]\tlabel\n0\t1500\tnosing\n1.5\t3000\tsing\n",
        "startTime,endTime,name,label\n0,1.5,a song,nosing\n1.5,3,a song,sing\n",
        "Beginn;Dauer;Bezeichnung\n0,0;1,5;nosing\n1,5;1,5;sing\n",
        "début;fin;étiquette\n0,0;1,5;nosing\n1,5;3,0;sing\n",
    ] {
        assert_eq!(spans(&plain("a.csv", text)), stretches, "{text}");
    }
    let times = [(0.0, 1.0, NONE), (1.0, f64::INFINITY, SUNG)];
    for text in [
        "t,voice\n0.5,0\n1.5,1\n",
        "0.5,0\n1.5,1\n",
        "time;label\n0,5;nosing\n1,5;sing\n",
        "t,p,voice\n0.5,0.1,0\n1.5,0.9,1\n",
        "0.5,0.1,0\n1.5,0.9,1\n",
        "0.5,0.0\n1.5,1.0\n",
    ] {
        assert_eq!(spans(&plain("a.csv", text)), times, "{text}");
    }
    let with_p = plain("a.csv", "t,p,voice\n0.5,0.1,0\n1.5,0.9,1\n");
    assert_eq!(with_p.p, Some(vec![(0.5, 0.1), (1.5, 0.9)]));
    // Voices alone: everything else is no voice. With other labels beside them, it is unlabelled.
    let voices = plain("a.csv", "start,end,label\n1,2,vocals\n");
    assert_eq!((voices.voice_at(0.5), voices.voice_at(1.5)), (NONE, SUNG));
    let both = plain("a.csv", "start,end,label\n1,2,vocals\n4,5,instrumental\n");
    assert_eq!((both.voice_at(3.0), both.voice_at(4.5)), (None, NONE));
    // What is ambiguous is not guessed: durations may read like ends, times like probabilities.
    for text in [
        "a,b,c,d\n1,2,3,4\n",
        "alku,kesto,teksti\n0,2,sing\n3,4,sing\n",
        "start_frame,end_frame,label\n0,100,sing\n",
        "start (samples),end (samples),label\n0,100,sing\n",
        "0.1,0.4,1\n0.5,0.9,1\n",
    ] {
        assert!(
            refused("a.csv", text).contains("are neither `t,voice`, `t,p,voice` nor"),
            "{text}"
        );
    }
    let skipping = LabelSettings {
        faulty: FaultyLabels::SkipLines,
        ..LabelSettings::default()
    };
    let skipped = file("a.csv", "t,p,voice\n0,0.5,1\n1,7,0\n2,0.5,1\n", &skipping).unwrap();
    assert_eq!(
        (
            skipped.voice_at(1.0),
            skipped.left_out.counted(Reason::Faulty)
        ),
        (SUNG, 1)
    );
    assert!(
        refused("a.csv", "t,p,voice\n0,1.5,1\n1,0.5,0\n").contains("line 2 has a p beyond 0 to 1")
    );
}

const TEXTGRID: &str = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = 3\ntiers? <exists>\nsize = 3\nitem []:\n\
    item [1]:\n class = \"IntervalTier\"\n name = \"chords\"\n xmin = 0\n xmax = 3\n intervals: size = 1\n\
    intervals [1]:\n xmin = 0\n xmax = 3\n text = \"C:maj\"\n\
    item [2]:\n class = \"IntervalTier\"\n name = \"lead \"\"voice\"\"\"\n xmin = 0\n xmax = 3\n intervals: size = 3\n\
    intervals [1]:\n xmin = 0\n xmax = 1.5\n text = \"\"\n\
    intervals [2]:\n xmin = 1.5\n xmax = 2.5\n text = \"sing\"\n\
    intervals [3]:\n xmin = 2.5\n xmax = 3\n text = \"breath\"\n\
    item [3]:\n class = \"TextTier\"\n name = \"beats\"\n xmin = 0\n xmax = 3\n points: size = 1\n\
    points [1]:\n number = 1\n mark = \"1\"\n";

#[test]
fn a_textgrid_is_long_or_short_and_its_tier_is_found_or_named() {
    let short = "File type = \"ooTextFile\"\n\"TextGrid\"\n\n0\n3\n<exists>\n1\n\"IntervalTier\"\n\"v\"\n0\n3\n2\n0\n1.5\n\"nosing\"\n1.5\n2.5\n\"sing\"\n";
    assert_eq!(
        spans(&plain("a.TextGrid", short)),
        [(0.0, 1.5, NONE), (1.5, 2.5, SUNG)]
    );
    let utf16: Vec<u8> = std::iter::once(0xfeffu16)
        .chain(TEXTGRID.replace('\n', "\r\n").encode_utf16())
        .flat_map(u16::to_be_bytes)
        .collect();
    for file in [plain("a.TextGrid", TEXTGRID), plain("a.textgrid", utf16)] {
        assert_eq!(spans(&file), [(1.5, 2.5, SUNG), (2.5, 3.0, None)]);
        assert_eq!(
            (words(&file), file.voice_at(0.5)),
            (vec![("breath", 1)], NONE)
        );
    }
    let tier = |tier: &str| LabelSettings {
        tier: Some(tier.into()),
        voice_words: vec!["C:maj".into()],
        ..LabelSettings::default()
    };
    for name in ["chords", "1"] {
        let file = file("a.TextGrid", TEXTGRID, &tier(name)).unwrap();
        assert_eq!(spans(&file), [(0.0, 3.0, SUNG)]);
    }
    let error = |settings: &LabelSettings| {
        file("a.TextGrid", TEXTGRID, settings)
            .err()
            .unwrap()
            .to_string()
    };
    assert!(error(&tier("lyrics")).contains("has no tier `lyrics`; it has `chords`, "));
    assert!(error(&tier("beats")).contains("1 point labels and no label with a duration"));
    let two = LabelSettings {
        tier: None,
        ..tier("")
    };
    assert!(error(&two).contains("several tiers with voice labels: `chords`, "));
    let cut = refused("a.TextGrid", &TEXTGRID[..TEXTGRID.len() - 40]);
    assert!(cut.contains("is not a TextGrid: line"), "{cut}");
}

#[test]
fn jams_segments_tags_and_lyrics_are_read() {
    let jams = |namespace: &str, data: &str| {
        format!(
            r#"{{"annotations": [{{"namespace": "beat", "data": [{{"time": 0, "duration": 0, "value": 1, "confidence": null}}]}},
            {{"namespace": "{namespace}", "data": {data}}}], "file_metadata": {{"duration": 4.0}}, "sandbox": {{}}}}"#
        )
    };
    let segments = r#"[{"time": 0, "duration": 1.5, "value": "instrumental", "confidence": 1},
        {"time": 1.5, "duration": 1.5, "value": "vocals"}, {"time": 3, "duration": 1, "value": "noise"}]"#;
    for namespace in ["segment_open", "vocal_activity", "tag_open"] {
        let file = plain("a.jams", jams(namespace, segments));
        assert_eq!(
            spans(&file),
            [(0.0, 1.5, NONE), (1.5, 3.0, SUNG), (3.0, 4.0, None)]
        );
        assert_eq!((words(&file), file.elsewhere), (vec![("noise", 1)], None));
    }
    let dense =
        r#"{"time": [1.5], "duration": [1.5], "value": ["female singer"], "confidence": [null]}"#;
    let file = plain("a.jams", jams("tag_medleydb_instruments", dense));
    assert_eq!(
        (spans(&file), file.elsewhere),
        (vec![(1.5, 3.0, SUNG)], NONE)
    );
    // Lists of different lengths: nothing is dropped.
    let dense = r#"{"time": [1.5, 2], "duration": [0.5], "value": ["voice", "voice"]}"#;
    let uneven = refused("a.jams", jams("tag_open", dense));
    assert!(
        uneven.contains("observation 2 is not an observation with a time and a duration"),
        "{uneven}"
    );
    let lyrics = r#"[{"time": 1, "duration": 0.5, "value": "la"}, {"time": 2, "duration": 0.5, "value": "lo"}]"#;
    let file = plain("a.jams", jams("lyrics", lyrics));
    assert_eq!(spans(&file), [(1.0, 1.5, SUNG), (2.0, 2.5, SUNG)]);
    let crooked = refused(
        "a.jams",
        jams(
            "segment_open",
            r#"[{"time": 2, "duration": -1, "value": "voice"}]"#,
        ),
    );
    assert!(
        crooked.contains("observation 1 ends at 1 s, before its start at 2 s"),
        "{crooked}"
    );
    let beats = refused("a.jams", jams("onset", segments));
    assert!(
        beats.contains("no annotation of segments, tags, voices or lyrics (`beat`, `onset`)"),
        "{beats}"
    );
    assert!(refused("a.jams", "{").contains("is not a JAMS file"));
}

#[test]
fn faults_are_named_and_skipped_only_on_request() {
    let good = "0 1 sing\n1 2 nosing\n";
    for (line, fault) in [
        (
            "5.02 5.00 nosing",
            "line 3 ends at 5 s, before its start at 5.02 s",
        ),
        (
            "1.5 3 sing",
            "line 3 overlaps line 2: two labels cover 1.5 s",
        ),
        ("-1 -0.5 sing", "line 3 has the negative time -1 s"),
        (
            "nan 3 sing",
            "line 3 has a time that is not a finite number",
        ),
        (
            "2 inf sing",
            "line 3 has a time that is not a finite number",
        ),
        (
            "20000000 30000000 sing",
            "line 3 has the time 30000000 s, later than the end of any recording",
        ),
        ("2 three sing", "line 3 is not `START END sing|nosing`"),
        ("2 3", "line 3 is not `START END sing|nosing`"),
    ] {
        let text = format!("{good}{line}\n");
        let error = refused("a.lab", &text);
        assert!(error.contains(fault), "{error}");
        let skipping = LabelSettings {
            faulty: FaultyLabels::SkipLines,
            ..LabelSettings::default()
        };
        let file = file("a.lab", &text, &skipping).unwrap();
        assert_eq!(spans(&file), [(0.0, 1.0, SUNG), (1.0, 2.0, NONE)], "{line}");
        assert_eq!(file.left_out.counted(Reason::Faulty), 1);
        assert_eq!(file.left_out.sentences(), ["1 faulty lines are skipped"]);
    }
    // A change that has a faulty time and no end.
    for time in ["-1", "nan", "1e999"] {
        let skipping = LabelSettings {
            faulty: FaultyLabels::SkipLines,
            ..LabelSettings::default()
        };
        let file = file("RM-P001.VOCA_INST.TXT", format!("{time}\tm\n"), &skipping).unwrap();
        assert_eq!(
            (spans(&file), file.left_out.counted(Reason::Faulty)),
            (vec![], 1)
        );
    }
    let contradiction = refused("a.txt", "0\t2\tvoice\n1\t3\tnosing\n");
    assert!(
        contradiction.contains("line 2 overlaps line 1"),
        "{contradiction}"
    );
}

#[test]
fn every_encoding_and_line_end_gives_the_same_labels() {
    let files = [
        ("a.lab", "0 1 nosing\n1 2 sing\n"),
        ("a.txt", "1\t2\tvoice\n3\t4\tgespräch\n"),
        (
            "a.txt",
            "#TITLE:Müller\n#BPM:300\n#GAP:0\n: 20 20 5 là\nE\n",
        ),
        ("a.csv", "start;end;label\n0;1,5;nosing\n1,5;3;sing\n"),
        ("a.TextGrid", TEXTGRID),
        (
            "a.jams",
            r#"{"annotations": [{"namespace": "lyrics", "data": [{"time": 1, "duration": 1, "value": "à"}]}]}"#,
        ),
        (
            "a.json",
            r#"{"v": 1, "events": [{"type": "onset", "t": 1.0}, {"type": "offset", "t": 2.0}]}"#,
        ),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:02,000\nvoice\n\n2\n00:00:03,000 --> 00:00:04,000\ngespräch\n",
        ),
        (
            "a.vtt",
            "WEBVTT\n\n00:01.000 --> 00:02.000 align:start\nvoice\n",
        ),
        ("a.lrc", "[ti:à]\n[00:01.00]la\n[00:02.00]\n"),
        ("a.vocal", "0\n1\n0\n"),
        ("RM-P001.VOCA_INST.TXT", "0.0\tb\n1.0\tf\n2.0\te\n"),
    ];
    for (name, text) in files {
        let expected = plain(name, text);
        for end in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', end);
            let (windows, _, unmappable) = encoding_rs::WINDOWS_1252.encode(&text);
            assert!(!unmappable);
            let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
                let units = std::iter::once(0xfeff).chain(text.encode_utf16());
                units.flat_map(bytes).collect()
            };
            for (encoding, bytes) in [
                ("UTF-8", text.as_bytes().to_vec()),
                ("UTF-8 with a mark", format!("\u{feff}{text}").into_bytes()),
                ("UTF-16 LE", utf16(u16::to_le_bytes)),
                ("UTF-16 BE", utf16(u16::to_be_bytes)),
                ("Windows-1252", windows.to_vec()),
            ] {
                assert_eq!(
                    plain(name, bytes),
                    expected,
                    "{name} in {encoding} with {end:?}"
                );
            }
        }
    }
    assert!(refused("a.json", r#"{"v": 2, "events": []}"#).contains("its version is 2, not 1"));
    assert!(refused("a.lab", b"\x00\x01\x02\x00\x00").contains("is not a text file"));
}

#[test]
fn words_of_speech_are_labels_of_speech_and_none_of_voice() {
    let file = plain("a.lab", "0 1 sing\n1 2 speech\n2 3 nosing\n");
    let at = [0.5, 1.5, 2.5];
    assert_eq!(
        at.map(|t| file.voice_at(t)),
        [Some(true), None, Some(false)]
    );
    assert_eq!(
        at.map(|t| file.speech_at(t)),
        [Some(false), Some(true), Some(false)]
    );
    // Both at once, as Audacity allows.
    let file = plain("a.txt", "0\t2\tvoice\n1\t3\tspoken word\n");
    let at = [0.5, 1.5, 2.5, 3.5];
    assert_eq!(
        at.map(|t| file.voice_at(t)),
        [Some(true), Some(true), None, Some(false)]
    );
    assert_eq!(
        at.map(|t| file.speech_at(t)),
        [Some(false), Some(true), Some(true), Some(false)]
    );
    // Without such a word a pause may be anything.
    let file = plain("a.lab", "0 1 sing\n1 2 nosing\n");
    assert_eq!([0.5, 1.5].map(|t| file.speech_at(t)), [Some(false), None]);
}
