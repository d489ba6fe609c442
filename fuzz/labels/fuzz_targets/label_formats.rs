//! Label files of every format. The first byte chooses the format, the second the settings, the rest is the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vocald_fuzz_labels::labels::{
    FaultyLabels, Freestyle, LabelError, LabelFile, LabelSettings, audacity, decode, jams, json,
    lab, lrc, subtitles, table, textgrid, ultrastar, voca_inst, vocal,
};

type Parse = fn(&str, &LabelSettings) -> Result<LabelFile, LabelError>;

const FORMATS: [Parse; 11] = [
    lab::parse,
    audacity::parse,
    table::parse,
    textgrid::parse,
    jams::parse,
    json::parse,
    subtitles::parse,
    lrc::parse,
    ultrastar::parse,
    voca_inst::parse,
    vocal::parse,
];

fuzz_target!(|input: &[u8]| {
    let [format, settings, file @ ..] = input else {
        return;
    };
    let is_set = |bit: u8| settings & (1 << bit) != 0;
    let any = |bit| is_set(bit).then(|| "*".to_owned()).into_iter().collect();
    let settings = LabelSettings {
        faulty: match is_set(0) {
            true => FaultyLabels::SkipLines,
            false => FaultyLabels::Refuse,
        },
        freestyle: match is_set(1) {
            true => Freestyle::LeftOut,
            false => Freestyle::NoVoice,
        },
        tier: is_set(2).then(|| "1".to_owned()),
        voice_words: any(3),
        no_voice_words: any(4),
        skip_unlabelled: false,
    };
    let Ok(text) = decode(file) else { return };
    let parse = FORMATS[usize::from(*format) % FORMATS.len()];
    match parse(&text, &settings) {
        Ok(labels) => check(&labels),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

/// Spans are in order, have a duration and do not overlap; every time has the label of its span.
fn check(labels: &LabelFile) {
    for span in &labels.spans {
        assert!(span.from_s.is_finite() && span.from_s >= 0.0 && span.from_s < span.to_s);
    }
    for pair in labels.spans.windows(2) {
        assert!(pair[0].to_s <= pair[1].from_s);
    }
    if let Some(last) = labels.spans.last() {
        let middle_s = f64::midpoint(last.from_s, last.to_s.min(1e7));
        // Up to 1 ms after a span still belongs to it.
        if middle_s > last.from_s + 0.001 {
            assert_eq!(labels.voice_at(middle_s), last.voice);
        }
    }
    assert_eq!(labels.voice_at(f64::INFINITY), labels.elsewhere);
    labels.left_out.sentences();
}
