//! Corpora in the layouts of their owners, as small made fixtures.

use std::fs;
use std::path::Path;

use vocald::corpora::labels::FaultyLabels;
use vocald::corpora::load::load;
use vocald::corpora::recording::{Layer, magnitudes_of_sum};
use vocald::corpora::{Corpus, CorpusError, Sound, Split};
use vocald::corpora::{CorpusKind, CorpusSettings};
use vocald::corpora::{FeatureCache, SeparatedTrack};
use vocald::frontend::{Features, LogMel};

const RATE_HZ: u32 = 16_000;

/// A tone of `seconds` on each channel; an amplitude of 0 is silence.
fn write_wav(path: &Path, seconds: f64, channels: &[(f64, f32)]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = hound::WavSpec {
        channels: channels.len() as u16,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..(seconds * f64::from(RATE_HZ)) as usize {
        for (hz, amplitude) in channels {
            let phase = 2.0 * std::f64::consts::PI * hz * n as f64 / f64::from(RATE_HZ);
            wav.write_sample((phase.sin() as f32 * amplitude * 32767.0) as i16)
                .unwrap();
        }
    }
    wav.finalize().unwrap();
}

fn settings(kind: CorpusKind, root: &str) -> CorpusSettings {
    CorpusSettings::new(kind, root, 1.0)
}

fn read(data: &Path, settings: &CorpusSettings, split: Split) -> Result<Corpus, CorpusError> {
    let cache = FeatureCache::open(data.join("features")).unwrap();
    load(settings, data, split, &cache)
}

fn names(corpus: &Corpus) -> Vec<&str> {
    corpus.tracks.iter().map(|t| t.name.as_str()).collect()
}

#[test]
fn mir1k_is_split_by_singer_and_its_stereo_clips_are_stems() {
    let data = tempfile::tempdir().unwrap();
    let wav = data.path().join("MIR-1K/Wavfile");
    let labels = data.path().join("MIR-1K/vocal-nonvocal label");
    fs::create_dir_all(&labels).unwrap();
    for clip in [
        "abjones_1_01",
        "geniusturtle_2_03",
        "heycat_1_01",
        "Kenshin_1_01",
        "leon_1_01",
    ] {
        // Accompaniment on the left, voice on the right.
        write_wav(
            &wav.join(format!("{clip}.wav")),
            2.0,
            &[(200.0, 0.5), (1000.0, 0.25)],
        );
        // A second of silence and a second of voice, every 20 ms.
        let text = "0\n".repeat(50) + &"1\n".repeat(48);
        fs::write(labels.join(format!("{clip}.vocal")), text).unwrap();
    }
    let corpus = settings(CorpusKind::Mir1k, "MIR-1K");
    let train = read(data.path(), &corpus, Split::Train).unwrap();
    assert_eq!(names(&train), ["abjones_1_01", "geniusturtle_2_03"]);
    assert_eq!(
        names(&read(data.path(), &corpus, Split::Valid).unwrap()),
        ["Kenshin_1_01", "heycat_1_01"]
    );
    assert_eq!(
        names(&read(data.path(), &corpus, Split::Test).unwrap()),
        ["leon_1_01"]
    );

    let track = &train.tracks[0];
    // 2 s are 44 100 samples, and (44 100 - 1024) / 315 whole hops.
    assert_eq!(track.frames(), 137);
    let Sound::Stems {
        voice,
        accompaniment,
    } = &track.sound
    else {
        panic!("stereo is stems")
    };
    let loudest = |stem| {
        let mel = magnitudes_of_sum(&mut LogMel::new(), [Layer::plainly(stem, 60.0)], 1, 1.0)[0];
        (0..80).max_by(|&a, &b| mel[a].total_cmp(&mel[b])).unwrap()
    };
    assert!(loudest(voice) > loudest(accompaniment));
    // The label of 1.02 s is the first 1; the frame's middle is (k * 315 + 512) / 22 050.
    let first = track.voice.iter().position(|v| *v == Some(true)).unwrap();
    let first_s = (first * 315 + 512) as f64 / 22_050.0;
    assert!((first_s - 1.01).abs() < 0.0143, "{first_s}");
}

#[test]
fn networks_that_hear_separated_sound_get_the_recorded_mix_of_stems() {
    let data = tempfile::tempdir().unwrap();
    let at = data.path();
    // Both channels of a clip, and both files of a song: tones that are steady, but begin and end.
    write_wav(
        &at.join("m/abjones_1_01.wav"),
        2.0,
        &[(200.0, 0.5), (1000.0, 0.25)],
    );
    fs::write(at.join("m/abjones_1_01.vocal"), "1 1 1").unwrap();
    write_wav(&at.join("s/vocals/a.wav"), 2.0, &[(1000.0, 0.25)]);
    // The shorter one ends the mix.
    write_wav(&at.join("s/instrumental/a.wav"), 2.5, &[(200.0, 0.5)]);
    let mix: Vec<f32> = (0..32_000)
        .map(|n| {
            let tone = |hz: f64, amplitude: f32| {
                let phase = 2.0 * std::f64::consts::PI * hz * n as f64 / f64::from(RATE_HZ);
                f32::from((phase.sin() as f32 * amplitude * 32767.0) as i16) / 32768.0
            };
            f32::midpoint(tone(200.0, 0.5), tone(1000.0, 0.25))
        })
        .collect();
    let expected = SeparatedTrack::of_samples(&mix);

    let cache = FeatureCache::open(at.join("features"))
        .unwrap()
        .giving(Features::SeparatedMel);
    for (kind, root) in [(CorpusKind::Mir1k, "m"), (CorpusKind::Stems, "s")] {
        let settings = settings(kind, root);
        // Computed, then from the cache.
        for _ in 0..2 {
            let corpus = load(&settings, at, Split::Train, &cache).unwrap();
            let track = &corpus.tracks[0];
            let separated = track.separated.as_ref().unwrap();
            assert_eq!(separated.frames(), expected.frames());
            let most = expected.energies().iter().copied().fold(0.0, f32::max);
            let apart = separated.energies().iter().zip(expected.energies());
            let apart = apart.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-4 * most, "{root}: {apart} of {most}");
            // The magnitudes of the same files have not been mistaken for them.
            assert!(matches!(track.sound, Sound::Stems { .. }));
            assert_eq!(track.frames(), 137);
        }
        // Who does not need them does not wait for them.
        let plain = read(at, &settings, Split::Train).unwrap();
        assert_eq!(plain.tracks[0].separated, None);
    }
    // Each has two stems, and one separation of their mix.
    let kept = |extension: &str| {
        let entries = fs::read_dir(at.join("features")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|p| p.extension().unwrap() == extension)
            .count()
    };
    assert_eq!((kept("pcm"), kept("sep")), (4, 2));
}

#[test]
fn mono_clips_of_mir1k_are_mixes() {
    let data = tempfile::tempdir().unwrap();
    write_wav(
        &data.path().join("m/test/leon_1_01.wav"),
        1.0,
        &[(300.0, 0.5)],
    );
    fs::create_dir_all(data.path().join("m/labels")).unwrap();
    fs::write(data.path().join("m/labels/leon_1_01.vocal"), "1 1 1").unwrap();
    let corpus = read(data.path(), &settings(CorpusKind::Mir1k, "m"), Split::Test).unwrap();
    assert!(matches!(corpus.tracks[0].sound, Sound::Mix(_)));
    assert!(corpus.tracks[0].voice.iter().all(|v| *v == Some(true)));
}

#[test]
fn all_faults_of_a_corpus_are_named_at_once() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("m");
    for clip in ["a_1", "b_1", "c_1", "d_1"] {
        write_wav(&root.join(format!("{clip}.wav")), 1.0, &[(300.0, 0.5)]);
        fs::write(root.join(format!("{clip}.vocal")), "1 0 1").unwrap();
    }
    fs::remove_file(root.join("a_1.vocal")).unwrap();
    fs::write(root.join("b_1.vocal"), "1 2 1").unwrap();
    fs::write(root.join("c_1.wav"), "this is text").unwrap();
    let text = read(data.path(), &settings(CorpusKind::Mir1k, "m"), Split::Train)
        .err()
        .unwrap()
        .to_string();
    assert!(text.contains("a_1.wav has no .vocal file"), "{text}");
    assert!(
        text.contains("b_1.vocal: line 1 has `2`, which is neither 0 nor 1"),
        "{text}"
    );
    assert!(text.contains("c_1.wav"), "{text}");
    assert!(!text.contains("d_1"), "{text}");
    let text = read(
        data.path(),
        &settings(CorpusKind::Mir1k, "gone"),
        Split::Train,
    )
    .err()
    .unwrap()
    .to_string();
    assert!(text.contains("gone is not a folder"), "{text}");
}

#[test]
fn what_only_training_asks_for_need_not_be_there_to_measure_by() {
    let folder = tempfile::tempdir().unwrap();
    let missing = settings(CorpusKind::Stems, "nowhere");
    for split in [Split::Valid, Split::Test] {
        assert!(
            read(folder.path(), &missing, split)
                .unwrap()
                .tracks
                .is_empty()
        );
    }
    let named = |settings: &CorpusSettings, split| {
        let fault = read(folder.path(), settings, split).err().unwrap();
        assert!(fault.to_string().contains("nowhere is not a folder"));
    };
    named(&missing, Split::Train);
    // What is requested by name, or by a published split, must exist.
    let expected = CorpusSettings {
        valid: vec!["song".into()],
        ..missing
    };
    named(&expected, Split::Valid);
    named(&settings(CorpusKind::Mir1k, "nowhere"), Split::Test);
}

#[test]
fn sound_the_decoder_does_not_read_is_named_and_not_passed_over() {
    let data = tempfile::tempdir().unwrap();
    write_wav(&data.path().join("music/train/a.wav"), 1.0, &[(300.0, 0.5)]);
    fs::write(data.path().join("music/train/b.opus"), "OggS").unwrap();
    let corpus = settings(CorpusKind::Instrumental, "music");
    let text = read(data.path(), &corpus, Split::Train)
        .err()
        .unwrap()
        .to_string();
    assert!(text.contains("b.opus"), "{text}");
}

#[test]
fn ultrastar_notes_become_spans_in_seconds() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("songs");
    write_wav(&root.join("song.wav"), 4.0, &[(300.0, 0.5)]);
    write_wav(&root.join("held.wav"), 4.0, &[(300.0, 0.5)]);
    // 150 beats a minute: a quarter of a beat is 0.1 s. Beat 0 is at 1 s.
    let notes =
        "#TITLE:x\n#BPM:150,0\n#GAP:1000\n: 0 4 60 one\n* 5 5 60 two\n- 11\nF 18 2 0 three\nE\n";
    fs::write(root.join("song.txt"), notes).unwrap();
    fs::write(root.join("held.txt"), notes).unwrap();
    let mut corpus = settings(CorpusKind::Ultrastar, "songs");
    corpus.valid = vec!["held".into()];
    let train = read(data.path(), &corpus, Split::Train).unwrap();
    assert_eq!(names(&train), ["song"]);
    let track = &train.tracks[0];
    // 1.0 to 2.0 s (the pause of 0.1 s is bridged) and 2.8 to 3.0 s.
    let at = |s: f64| Some(true) == track.voice[((s * 22_050.0 - 512.0) / 315.0).round() as usize];
    let sung: Vec<bool> = [0.9, 1.05, 1.45, 1.95, 2.1, 2.7, 2.9, 3.1]
        .into_iter()
        .map(at)
        .collect();
    assert_eq!(sung, [false, true, true, true, false, false, true, false]);

    corpus.test = vec!["mistyped".into()];
    let text = read(data.path(), &corpus, Split::Train)
        .err()
        .unwrap()
        .to_string();
    assert!(text.contains("`mistyped` that is not there"), "{text}");
}

#[test]
fn a_vocal_stem_is_voice_where_it_sounds() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("stems");
    write_wav(&root.join("instrumental/s.wav"), 2.0, &[(200.0, 0.5)]);
    let path = root.join("vocals/s.wav");
    write_wav(&path, 2.0, &[(800.0, 0.5)]);
    // Silence the second half.
    let mut samples: Vec<i16> = hound::WavReader::open(&path)
        .unwrap()
        .samples()
        .map(Result::unwrap)
        .collect();
    samples[RATE_HZ as usize..].fill(0);
    let spec = hound::WavReader::open(&path).unwrap().spec();
    let mut wav = hound::WavWriter::create(&path, spec).unwrap();
    samples
        .into_iter()
        .for_each(|s| wav.write_sample(s).unwrap());
    wav.finalize().unwrap();
    let corpus = read(
        data.path(),
        &settings(CorpusKind::Stems, "stems"),
        Split::Train,
    )
    .unwrap();
    let voice = &corpus.tracks[0].voice;
    let middle = voice.len() / 2;
    assert!(
        voice[..middle - 3].iter().all(|v| *v == Some(true)),
        "sounds"
    );
    assert!(
        voice[middle + 4..].iter().all(|v| *v == Some(false)),
        "is silent"
    );
}

#[test]
fn features_are_computed_once_and_again_when_the_file_changes() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("music/train/a.wav");
    write_wav(&path, 1.0, &[(300.0, 0.5)]);
    let corpus = settings(CorpusKind::Instrumental, "music");
    let first = read(data.path(), &corpus, Split::Train).unwrap();
    let files = || fs::read_dir(data.path().join("features")).unwrap().count();
    assert_eq!(files(), 1);
    assert_eq!(
        read(data.path(), &corpus, Split::Train).unwrap().tracks,
        first.tracks
    );
    assert_eq!(files(), 1);
    write_wav(&path, 2.0, &[(300.0, 0.5)]);
    let second = read(data.path(), &corpus, Split::Train).unwrap();
    assert!(second.tracks[0].frames() > first.tracks[0].frames());
    assert_eq!(files(), 2);
}

/// Labels beside a sound of two seconds.
fn labelled(data: &Path, labels: &[(&str, &str)]) -> CorpusSettings {
    let root = data.join("songs");
    for (file, text) in labels {
        let sound = Path::new(file).with_extension("wav");
        write_wav(&root.join(sound), 2.0, &[(300.0, 0.5)]);
        fs::write(root.join(file), text).unwrap();
    }
    settings(CorpusKind::Labelled, "songs")
}

/// Labels of the only track at these seconds.
fn voice_at(corpus: &Corpus, seconds: &[f64]) -> Vec<Option<bool>> {
    let frame = |s: &f64| ((s * 22_050.0 - 512.0) / 315.0).round() as usize;
    let voice = &corpus.tracks[0].voice;
    seconds
        .iter()
        .map(|s| voice.get(frame(s)).copied().flatten())
        .collect()
}

#[test]
fn labels_beside_the_sound_are_read_in_the_formats_that_detect_writes() {
    let (sung, none) = (Some(true), Some(false));
    for (file, text, between) in [
        // Only a lab can leave a stretch without a label.
        (
            "s.lab",
            "0 0.5 nosing\n0.5 1.0 sing\n1.2 2.0 nosing\n",
            None,
        ),
        (
            "s.txt",
            "0.500000\t1.000000\tvoice\n\\\t20.0\t9000.0\n1.2\t2.0\tnosing\n",
            none,
        ),
        (
            "s.csv",
            "t,p,voice\n0.1,0.2,0\n0.45,0.3,0\n0.55,0.9,1\n0.95,0.9,1\n1.05,0.1,0\n1.9,0.0,0\n",
            none,
        ),
        (
            "s.csv",
            "t,voice\n0.1,0\n0.45,0\n0.55,1\n0.95,1\n1.05,0\n1.9,0\n",
            none,
        ),
    ] {
        let data = tempfile::tempdir().unwrap();
        let corpus = labelled(data.path(), &[(file, text)]);
        let train = read(data.path(), &corpus, Split::Train).unwrap();
        assert_eq!(
            voice_at(&train, &[0.3, 0.6, 0.9, 1.1, 1.5]),
            [none, sung, sung, between, none],
            "{file}"
        );
    }
}

#[test]
fn a_song_that_is_measured_on_must_be_labelled_throughout() {
    let data = tempfile::tempdir().unwrap();
    let mut corpus = labelled(data.path(), &[("s.lab", "0 0.5 nosing\n1.0 1.8 sing\n")]);
    corpus.valid = vec!["s".into()];
    let text = read(data.path(), &corpus, Split::Valid)
        .err()
        .unwrap()
        .to_string();
    assert!(text.contains("s has no label at 0.5"), "{text}");
    // Unless the settings declare that it is not.
    corpus.partly_labelled = true;
    let track = read(data.path(), &corpus, Split::Valid).unwrap();
    let voice = &track.tracks[0].voice;
    let has = |expected| voice.contains(&expected);
    assert!(has(None) && has(Some(true)) && has(Some(false)));
    corpus.partly_labelled = false;
    // Labels may end before the sound does; what lies behind them is left out.
    fs::write(
        data.path().join("songs/s.lab"),
        "0 0.5 nosing\n0.5 1.8 sing\n",
    )
    .unwrap();
    let valid = read(data.path(), &corpus, Split::Valid).unwrap();
    let end_s = (valid.tracks[0].frames() * 315 + 512) as f64 / 22_050.0;
    assert!((end_s - 1.8).abs() < 0.03, "{end_s}");
}

#[test]
fn damaged_labels_are_named_all_at_once() {
    let data = tempfile::tempdir().unwrap();
    let corpus = labelled(
        data.path(),
        &[
            ("a.lab", "0 1 sing\n0.5 2 nosing\n"),
            ("b.lab", "0 1 yodel\n1 2 yodel\n"),
            ("c.lab", "0 1 nosing\n2 1 sing\n"),
            ("d.txt", "first of all\n"),
            ("e.csv", "t,voice\n1,0\n0.5,1\n"),
            ("f.csv", "t,voice\n0.5,perhaps\n"),
            ("g.lab", ""),
            ("h.lab", "7 9 sing\n"),
        ],
    );
    fs::write(data.path().join("songs/a.txt"), "").unwrap();
    write_wav(&data.path().join("songs/bare.wav"), 2.0, &[(300.0, 0.5)]);
    let text = read(data.path(), &corpus, Split::Train)
        .err()
        .unwrap()
        .to_string();
    for fault in [
        "songs/a.lab and ",
        "songs/a.txt are labels of one recording; leave one of them",
        "b.lab: none of its words is known as voice or as no voice: `yodel` (2)",
        "c.lab: line 2 ends at 1 s, before its start at 2 s",
        "d.txt: line 1 is not `START END LABEL`",
        "e.csv: line 3 goes back in time",
        "f.csv: has fewer than two rows",
        "g.lab: is empty",
        "songs/bare.wav has no labels (bare.lab",
    ] {
        assert!(text.contains(fault), "{fault}: {text}");
    }
    assert_eq!(text.lines().count(), 9, "{text}");
}

#[test]
fn a_lead_alone_is_a_sound_for_mixes_without_a_voice() {
    let data = tempfile::tempdir().unwrap();
    write_wav(&data.path().join("leads/violin.wav"), 2.0, &[(600.0, 0.5)]);
    let corpus = read(
        data.path(),
        &settings(CorpusKind::LeadInstruments, "leads"),
        Split::Train,
    )
    .unwrap();
    assert!(matches!(corpus.tracks[0].sound, Sound::Solo(_)));
    assert!(corpus.tracks[0].voice.iter().all(|v| *v == Some(false)));
}

#[test]
fn a_folder_of_speech_is_a_voice_that_does_not_sing() {
    let data = tempfile::tempdir().unwrap();
    write_wav(&data.path().join("speech/anna.wav"), 2.0, &[(600.0, 0.5)]);
    write_wav(&data.path().join("speech/ivan.wav"), 2.0, &[(300.0, 0.5)]);
    let mut speech = settings(CorpusKind::Speech, "speech");
    speech.valid = vec!["ivan".into()];
    for (split, name) in [(Split::Train, "anna"), (Split::Valid, "ivan")] {
        let corpus = read(data.path(), &speech, split).unwrap();
        assert_eq!(names(&corpus), [name]);
        assert!(matches!(corpus.tracks[0].sound, Sound::Speech(_)));
        assert!(corpus.tracks[0].voice.iter().all(|v| *v == Some(false)));
    }
}

#[test]
fn labels_beside_a_vocal_stem_say_more_than_its_energy() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("stems");
    write_wav(&root.join("instrumental/s.wav"), 2.0, &[(200.0, 0.5)]);
    write_wav(&root.join("vocals/s.wav"), 2.0, &[(800.0, 0.5)]);
    let label = root.join("vocals/s.lab");
    fs::write(&label, "0 0.5 sing\n0.5 1.0 nosing\n1.5 2 sing\n").unwrap();
    let stems = settings(CorpusKind::Stems, "stems");
    let corpus = read(data.path(), &stems, Split::Train).unwrap();
    assert_eq!(
        voice_at(&corpus, &[0.3, 0.7, 1.2, 1.7]),
        [Some(true), Some(false), None, Some(true)]
    );
    fs::write(&label, "0 half sing\n").unwrap();
    let text = read(data.path(), &stems, Split::Train).err().unwrap();
    let text = text.to_string();
    assert!(text.contains("s.lab: line 1"), "{text}");
}

#[test]
fn stems_in_a_folder_per_song_are_summed_and_split_by_the_test_folder() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("musdb");
    for song in ["train/A", "train/B", "test/C"] {
        for (stem, hz) in [
            ("vocals", 800.0),
            ("drums", 200.0),
            ("bass", 300.0),
            ("other", 400.0),
        ] {
            write_wav(
                &root.join(song).join(format!("{stem}.wav")),
                1.0,
                &[(hz, 0.25)],
            );
        }
        // Neither a stem nor hidden files are counted in.
        write_wav(&root.join(song).join("mixture.wav"), 1.0, &[(1000.0, 0.9)]);
        fs::write(root.join(song).join("._drums.wav"), "AppleDouble").unwrap();
    }
    let mut stems = settings(CorpusKind::Stems, "musdb");
    stems.valid = vec!["B".into()];
    for (split, name) in [(Split::Train, "A"), (Split::Valid, "B"), (Split::Test, "C")] {
        let corpus = read(data.path(), &stems, split).unwrap();
        assert_eq!(names(&corpus), [name]);
        let Sound::Stems {
            accompaniment,
            voice,
        } = &corpus.tracks[0].sound
        else {
            panic!("stems")
        };
        // Three tones of the same power; at equal amplitudes their sum has about three times one's.
        let of = |stem: &vocald::corpora::Recording| stem.power(10..50);
        assert!(
            of(accompaniment) > 1.5 * of(voice),
            "{} {}",
            of(accompaniment),
            of(voice)
        );
    }
    // A whole accompaniment stands for the stems beside it.
    write_wav(
        &root.join("train/A/accompaniment.wav"),
        1.0,
        &[(200.0, 0.001)],
    );
    let corpus = read(data.path(), &stems, Split::Train).unwrap();
    let Sound::Stems {
        accompaniment,
        voice,
    } = &corpus.tracks[0].sound
    else {
        panic!("stems")
    };
    assert!(accompaniment.power(10..50) < 0.01 * voice.power(10..50));

    fs::remove_dir_all(root.join("train/A")).unwrap();
    write_wav(&root.join("train/A/vocals.wav"), 1.0, &[(800.0, 0.25)]);
    let text = read(data.path(), &stems, Split::Train)
        .err()
        .unwrap()
        .to_string();
    assert!(text.contains("A/vocals.wav has no accompaniment"), "{text}");
}

#[test]
fn unlabelled_recordings_and_faulty_files_are_left_out_on_request() {
    let data = tempfile::tempdir().unwrap();
    let mut corpus = labelled(
        data.path(),
        &[
            ("good.lab", "0 1 sing\n1 2 nosing\n"),
            ("faulty.lab", "0 1 sing\n1.5 1.2 nosing\n1.2 2 nosing\n"),
        ],
    );
    write_wav(&data.path().join("songs/bare.wav"), 2.0, &[(300.0, 0.5)]);
    // Hidden files are no recordings.
    fs::write(data.path().join("songs/._good.wav"), "AppleDouble").unwrap();
    fs::create_dir_all(data.path().join("songs/__MACOSX")).unwrap();
    fs::write(data.path().join("songs/__MACOSX/good.wav"), "AppleDouble").unwrap();
    let text = read(data.path(), &corpus, Split::Train)
        .err()
        .unwrap()
        .to_string();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("songs/bare.wav has no labels"), "{text}");
    assert!(
        text.contains("faulty.lab: line 2 ends at 1.2 s, before its start at 1.5 s"),
        "{text}"
    );
    corpus.labels.skip_unlabelled = true;
    corpus.labels.faulty = FaultyLabels::SkipFiles;
    let train = read(data.path(), &corpus, Split::Train).unwrap();
    assert_eq!(names(&train), ["good"]);
    corpus.labels.faulty = FaultyLabels::SkipLines;
    let train = read(data.path(), &corpus, Split::Train).unwrap();
    assert_eq!(names(&train), ["faulty", "good"]);
    assert_eq!(
        voice_at(&train, &[0.5, 1.1, 1.7]),
        [Some(true), None, Some(false)]
    );
    // The gap is there on request, so the track can be measured on.
    corpus.test = vec!["faulty".into()];
    let test = read(data.path(), &corpus, Split::Test).unwrap();
    assert!(test.tracks[0].voice.contains(&None));
}
