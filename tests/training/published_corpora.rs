//! The corpora of the paper in the layouts they are published in, as small made fixtures.

use std::fs;
use std::path::Path;

use vocald::corpora::feature_cache::FeatureCache;
use vocald::corpora::load::load;
use vocald::corpora::{Corpus, CorpusError, Split};
use vocald::corpora::{CorpusKind, CorpusSettings};

/// Two seconds of noise-free tone.
fn write_wav(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 22_050,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..44_100 {
        wav.write_sample(((f64::from(n) * 0.1).sin() * 8000.0) as i16)
            .unwrap();
    }
    wav.finalize().unwrap();
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(data: &Path, kind: CorpusKind, split: Split) -> Result<Corpus, CorpusError> {
    let settings = CorpusSettings::new(kind, "corpus", 1.0);
    let cache = FeatureCache::open(data.join("features")).unwrap();
    load(&settings, data, split, &cache)
}

fn names(corpus: &Corpus) -> Vec<&str> {
    corpus.tracks.iter().map(|t| t.name.as_str()).collect()
}

/// Labels of the first track at these seconds.
fn voice_at(corpus: &Corpus, seconds: &[f64]) -> Vec<Option<bool>> {
    let frame = |s: &f64| ((s * 22_050.0 - 512.0) / 315.0).round() as usize;
    let voice = &corpus.tracks[0].voice;
    let at = |s| voice.get(frame(s)).copied().flatten();
    seconds.iter().map(at).collect()
}

fn jamendo(root: &Path) {
    for (split, song) in [
        ("train", "01 - A"),
        ("train", "02 - B"),
        ("valid", "03 - C"),
        ("test", "04 - D"),
    ] {
        write_wav(&root.join(split).join(format!("{song}.wav")));
        let lab = root.join("jamendo_lab").join(format!("{song}.lab"));
        write(&lab, "0 0.7 nosing\n0.7 1.4 sing\n1.4 2.0 nosing\n");
    }
}

#[test]
fn jamendo_is_split_by_its_folders() {
    let data = tempfile::tempdir().unwrap();
    jamendo(&data.path().join("corpus"));
    let of = |split| read(data.path(), CorpusKind::Jamendo, split).unwrap();
    assert_eq!(names(&of(Split::Train)), ["01 - A", "02 - B"]);
    assert_eq!(names(&of(Split::Valid)), ["03 - C"]);
    assert_eq!(names(&of(Split::Test)), ["04 - D"]);
    assert_eq!(
        voice_at(&of(Split::Test), &[0.3, 1.0, 1.7]),
        [Some(false), Some(true), Some(false)]
    );
}

#[test]
fn what_jamendo_lacks_is_named_whatever_the_split() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("corpus");
    jamendo(&root);
    fs::remove_file(root.join("test/04 - D.wav")).unwrap();
    write_wav(&root.join("test/05 - E.wav"));
    fs::remove_file(root.join("jamendo_lab/01 - A.lab")).unwrap();
    write(&root.join("jamendo_lab/02 - B.lab"), "0 two singing\n");
    let text = read(data.path(), CorpusKind::Jamendo, Split::Train)
        .err()
        .unwrap()
        .to_string();
    for fault in [
        "04 - D.lab has no song",
        "01 - A.wav has no labels",
        "02 - B.lab: line 1 is not",
    ] {
        assert!(text.contains(fault), "{fault}: {text}");
    }
}

#[test]
fn jamendo_without_folders_is_split_by_the_published_lists() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("corpus");
    for song in ["01 - 10min", "05 - Angeliques", "03 - School"] {
        write_wav(&root.join(format!("audio/{song}.wav")));
        write(
            &root.join(format!("labels/{song}.lab")),
            "0 1 nosing\n1 2 sing\n",
        );
    }
    let of = |split| read(data.path(), CorpusKind::Jamendo, split).unwrap();
    assert_eq!(names(&of(Split::Train)), ["01 - 10min"]);
    assert_eq!(names(&of(Split::Valid)), ["05 - Angeliques"]);
    assert_eq!(names(&of(Split::Test)), ["03 - School"]);
    write_wav(&root.join("audio/another song.wav"));
    let text = read(data.path(), CorpusKind::Jamendo, Split::Train)
        .err()
        .unwrap();
    let text = text.to_string();
    assert!(
        text.contains("another song.wav is in none of the published lists"),
        "{text}"
    );
}

const ANNOTATION: &str = "Piece No.\t1\n0.000\tb\n0.400\tm:withm\n0.800\ts:electricguitar\n1.200\tf\n1.600\tb\n2.000\tEND\n";

#[test]
fn rwc_is_split_by_the_last_digit_and_its_lead_voices_are_voice() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("corpus");
    for song in [1, 10, 15, 16, 17, 99] {
        write_wav(&root.join(format!("RWC-P/RWC_P{song:03}.wav")));
        let label = root.join(format!("annotations/RM-P{song:03}.VOCA_INST.TXT"));
        write(&label, ANNOTATION);
    }
    // Notes of other kinds lie beside them.
    write(
        &root.join("annotations/RM-P001.CHORUS.TXT"),
        "0\t100\tintro\n",
    );
    let of = |split| read(data.path(), CorpusKind::Rwc, split).unwrap();
    assert_eq!(names(&of(Split::Train)), ["RM-P001", "RM-P010"]);
    assert_eq!(names(&of(Split::Valid)), ["RM-P015", "RM-P016"]);
    assert_eq!(names(&of(Split::Test)), ["RM-P017", "RM-P099"]);
    let (voice, none) = (Some(true), Some(false));
    assert_eq!(
        voice_at(&of(Split::Train), &[0.2, 0.6, 1.0, 1.4, 1.8]),
        [none, voice, none, voice, none]
    );
}

#[test]
fn rwc_on_its_discs_is_counted_on() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("corpus");
    for (file, song) in [
        ("rwc-p-m01/1.wav", 1),
        ("rwc-p-m02/4.wav", 20),
        ("rwc-p-m07/04.wav", 100),
    ] {
        write_wav(&root.join("audio").join(file));
        let label = root.join(format!("RM-P{song:03}.VOCA_INST.TXT"));
        write(&label, ANNOTATION);
    }
    let train = read(data.path(), CorpusKind::Rwc, Split::Train).unwrap();
    assert_eq!(names(&train), ["RM-P001", "RM-P020", "RM-P100"]);
}

#[test]
fn undefined_classes_of_rwc_are_left_out_and_do_not_prevent_a_measurement() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("corpus");
    write_wav(&root.join("RWC_P007.wav"));
    let text = "0.000\tunknown\r\n0.400\tm\r\n0.800\ts;bass\r\n1.200\tn\r\n1.600\t12.4\r\n1.600\tb\u{3000}\r\n2.000\te\r\n";
    write(&root.join("RM-P007.VOCA_INST.TXT"), text);
    let test = read(data.path(), CorpusKind::Rwc, Split::Test).unwrap();
    let (voice, none) = (Some(true), Some(false));
    assert_eq!(
        voice_at(&test, &[0.2, 0.6, 1.0, 1.4, 1.8]),
        [None, voice, None, none, none]
    );
}

#[test]
fn what_rwc_lacks_is_named_song_by_song() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("corpus");
    for song in [
        "RWC_P001.wav",
        "RWC_P002.wav",
        "RWC_P003.wav",
        "RWC_P004.wav",
        "again/P004.wav",
        "cover.wav",
    ] {
        write_wav(&root.join(song));
    }
    write(&root.join("RM-P001.VOCA_INST.TXT"), ANNOTATION);
    write(&root.join("RM-P003.VOCA_INST.TXT"), "0.0\tb\n1.0\tf\n");
    write(
        &root.join("RM-P004.VOCA_INST.TXT"),
        "1.0\tb\n0.0\tf\n2.0\tEND\n",
    );
    write(&root.join("RM-P005.VOCA_INST.TXT"), ANNOTATION);
    let text = read(data.path(), CorpusKind::Rwc, Split::Train)
        .err()
        .unwrap()
        .to_string();
    for fault in [
        "cover.wav has no song's number in its name",
        "are both song 4",
        "song 5 is annotated, but its sound is not there",
        "RWC_P002.wav) has no annotation (RM-P002.VOCA_INST.TXT)",
        "RM-P003.VOCA_INST.TXT: has no `e` or END: it is cut off",
        "RM-P004.VOCA_INST.TXT: line 2 goes back in time",
    ] {
        assert!(text.contains(fault), "{fault}: {text}");
    }
}

#[test]
fn several_labels_of_one_recording_are_refused_in_every_corpus() {
    let lab = "0 1 nosing\n1 2 sing\n";
    let notes = "#TITLE:x\n#BPM:300\n: 0 10 0 la\nE\n";
    for (kind, song, labels, text) in [
        (
            CorpusKind::Jamendo,
            "audio/01 - 10min.wav",
            "01 - 10min.lab",
            lab,
        ),
        (
            CorpusKind::Mir1k,
            "clips/abjones_1.wav",
            "abjones_1.vocal",
            "0\n1\n",
        ),
        (
            CorpusKind::Rwc,
            "RM-P001.wav",
            "RM-P001.VOCA_INST.TXT",
            ANNOTATION,
        ),
        (CorpusKind::Ultrastar, "songs/a.wav", "a.txt", notes),
        (CorpusKind::Labelled, "songs/a.wav", "a.lab", lab),
    ] {
        let data = tempfile::tempdir().unwrap();
        let root = data.path().join("corpus");
        write_wav(&root.join(song));
        for folder in ["labels", "labels of somebody else"] {
            write(&root.join(folder).join(labels), text);
        }
        let refused = read(data.path(), kind, Split::Train).err().unwrap();
        let refused = refused.to_string();
        assert!(
            refused.contains("are labels of one recording; leave one of them"),
            "{kind:?}: {refused}"
        );
    }
}

#[test]
fn two_vocal_stems_of_one_song_are_refused() {
    let data = tempfile::tempdir().unwrap();
    for stem in ["vocals", "vocal", "bass"] {
        write_wav(&data.path().join(format!("corpus/A/{stem}.wav")));
    }
    let refused = read(data.path(), CorpusKind::Stems, Split::Train)
        .err()
        .unwrap();
    let refused = refused.to_string();
    assert!(refused.contains("are vocal stems of one song"), "{refused}");
}
