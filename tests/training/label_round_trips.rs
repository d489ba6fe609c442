//! Every label format that is written reads back as what was written.

use std::fs;

use proptest::prelude::*;
use vocald::corpora::labels::{
    LabelFile, LabelSettings, Reason, RecordingVoice, Row, WrittenFormat, read,
};

/// Voices at least 20 ms long and 20 ms apart, and what follows the last one, in seconds.
fn voice() -> impl Strategy<Value = RecordingVoice> {
    let parts = prop::collection::vec((0.02..40.0, 0.02..40.0), 0..20);
    (parts, 0.02..9000.0, "[^\r\n]{0,20}").prop_map(|(parts, rest_s, title)| {
        let mut at_s = 0.0;
        let mut voices = Vec::new();
        for (pause_s, voice_s) in parts {
            let from_s = at_s + pause_s;
            at_s = from_s + voice_s;
            voices.push((from_s, at_s));
        }
        RecordingVoice {
            title,
            duration_s: at_s + rest_s,
            voices,
            speech: None,
            decisions: Vec::new(),
        }
    })
}

fn written(format: WrittenFormat, voice: &RecordingVoice) -> LabelFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder
        .path()
        .join("song")
        .with_extension(format.extension());
    fs::write(&path, format.write(voice)).unwrap();
    read(&path, &LabelSettings::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn voices_read_back_to_the_millisecond(voice in voice()) {
        // Rows have a test of their own; timing marks of xLights are only written.
        let others = [WrittenFormat::Csv, WrittenFormat::XTiming];
        for format in WrittenFormat::ALL.into_iter().filter(|f| !others.contains(f)) {
            let file = written(format, &voice);
            let read: Vec<_> = file.spans.iter().filter(|s| s.voice == Some(true)).collect();
            prop_assert_eq!(read.len(), voice.voices.len(), "{:?}", format);
            for (span, &(from_s, to_s)) in read.iter().zip(&voice.voices) {
                prop_assert!((span.from_s - from_s).abs() < 0.000_6, "{:?}", format);
                prop_assert!((span.to_s - to_s).abs() < 0.000_6, "{:?}", format);
            }
            // All of the recording is labelled.
            prop_assert_eq!(file.voice_at(0.0), Some(false), "{:?}", format);
            prop_assert_eq!(file.voice_at(voice.duration_s - 0.01), Some(false), "{:?}", format);
            // A file without a label may also be one that nobody has filled in.
            prop_assert_eq!(file.left_out.counted(Reason::NoLabel), u64::from(file.spans.is_empty()));
        }
    }

    #[test]
    fn decisions_read_back_at_their_times(voiced in prop::collection::vec(any::<bool>(), 2..200)) {
        let time_s = |row: usize| 0.0232 + row as f64 * 0.0714286;
        let decisions = voiced.iter().enumerate().map(|(row, &voice)| Row {
            t_s: time_s(row),
            p: if voice { 0.75 } else { 0.25 },
            voice,
            speech: None,
        });
        let voice = RecordingVoice { decisions: decisions.collect(), ..RecordingVoice::default() };
        let file = written(WrittenFormat::Csv, &voice);
        for (row, &voice) in voiced.iter().enumerate() {
            prop_assert_eq!(file.voice_at(time_s(row)), Some(voice));
        }
        prop_assert_eq!(file.p.map(|p| p.len()), Some(voiced.len()));
    }
}

#[test]
fn timing_marks_of_xlights_are_in_milliseconds() {
    let voice = RecordingVoice {
        title: "Rock & \"Roll\"".into(),
        voices: vec![(1.02322, 1.941606), (3.0, 4.0)],
        ..RecordingVoice::default()
    };
    let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<timing name=\"Rock &amp; &quot;Roll&quot;\" SourceVersion=\"\">
    <EffectLayer>
        <Effect label=\"voice\" startTime=\"1023\" endTime=\"1942\" />
        <Effect label=\"voice\" startTime=\"3000\" endTime=\"4000\" />
    </EffectLayer>
</timing>
";
    assert_eq!(WrittenFormat::XTiming.write(&voice), expected);
}
