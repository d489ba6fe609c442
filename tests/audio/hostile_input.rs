//! Whatever a file or a client holds, the outcome is a result or a sentence, never a panic.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use vocald::audio::Decoder;
use vocald::config::Config;
use vocald::corpora::Split;
use vocald::corpora::feature_cache::FeatureCache;
use vocald::corpora::load::load;
use vocald::corpora::{CorpusKind, CorpusSettings};
use vocald::model::Checkpoint;
use vocald::training::experiment::Experiment;
use vocald_client::Subscription;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Of a long file only the start is damaged and read.
const DECODED_BYTES: usize = 60_000;

/// Some bytes of a file replaced, and perhaps its end cut off.
#[derive(Debug, Clone)]
struct Damage {
    replaced: Vec<(prop::sample::Index, u8)>,
    kept: Option<prop::sample::Index>,
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let replaced = prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..20);
        (replaced, any::<Option<prop::sample::Index>>())
            .prop_map(|(replaced, kept)| Self { replaced, kept })
    }

    /// `within`: the bytes at the start that are replaced.
    fn of(&self, bytes: &[u8], within: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (place, byte) in &self.replaced {
            let place = place.index(within.min(bytes.len()));
            bytes[place] = *byte;
        }
        if let Some(kept) = self.kept {
            bytes.truncate(kept.index(bytes.len()));
        }
        bytes
    }
}

/// An error is a sentence.
fn is_sentence(fault: &str) -> bool {
    fault.split_whitespace().count() >= 3
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Decodes all of a file, as far as it goes.
fn decode(path: &Path) -> Result<usize, String> {
    let mut decoder = Decoder::open(path).map_err(|e| e.to_string())?;
    let channels = usize::from(decoder.format().channels);
    let mut samples = 0;
    while let Some(block) = decoder.next_block().map_err(|e| e.to_string())? {
        assert_eq!(block.len() % channels, 0);
        samples += block.len();
    }
    Ok(samples)
}

fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(ROOT).join(name)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_sound_is_decoded_as_far_as_it_goes(damage in Damage::any(), which in any::<prop::sample::Index>()) {
        let folder = Path::new(ROOT).join("tests/data/sounds");
        let mut sounds: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        sounds.push(Path::new(ROOT).join("tests/data/demo.ogg"));
        sounds.sort();
        let sound = &sounds[which.index(sounds.len())];
        let bytes = fs::read(sound).unwrap();
        let bytes = &bytes[..bytes.len().min(DECODED_BYTES)];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(sound.file_name().unwrap());
        fs::write(&path, damage.of(bytes, bytes.len())).unwrap();
        if let Err(problem) = decode(&path) {
            prop_assert!(is_sentence(&problem.to_string()), "{problem}");
        }
    }

    #[test]
    fn a_damaged_configuration_is_refused_in_words(damage in Damage::any()) {
        let bytes = read("config/vocald.toml");
        if let Err(problem) = Config::parse(&text(&damage.of(&bytes, bytes.len()))) {
            prop_assert!(is_sentence(&problem.to_string()), "{problem}");
        }
    }

    #[test]
    fn a_damaged_experiment_is_refused_in_words(damage in Damage::any()) {
        let bytes = read("config/experiments/live-14/01-base.toml");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), damage.of(&bytes, bytes.len())).unwrap();
        if let Err(problem) = Experiment::read(file.path()) {
            prop_assert!(is_sentence(&problem.to_string()), "{problem}");
        }
    }

    #[test]
    fn any_line_of_a_subscriber_is_a_choice_or_refused_in_words(line in "\\PC{0,60}", damage in Damage::any()) {
        let choice = br#"{"types":["decision","onset"],"streams":["hall"],"rate":5.5}"#;
        for line in [line, text(&damage.of(choice, choice.len()))] {
            if let Err(problem) = Subscription::from_json(&line) {
                prop_assert!(is_sentence(&problem.to_string()), "{problem}");
            }
        }
    }

    #[test]
    fn damaged_labels_are_refused_in_words(damage in Damage::any(), which in 0..5usize) {
        let (kind, name, labels): (_, _, &[u8]) = [
            (CorpusKind::Labelled, "1.lab", &b"0 0.5 nosing\n0.5 1 sing\n"[..]),
            (CorpusKind::Labelled, "1.csv", b"t,p,voice\n0.1,0.5,0\n0.6,0.9,1\n"),
            (CorpusKind::Labelled, "1.txt", b"0.5\t1.0\tvoice\n"),
            (CorpusKind::Ultrastar, "1.txt", b"#BPM:150\n#GAP:100\n: 0 4 60 la\n* 5 2 61 la\n"),
            (CorpusKind::Rwc, "RM-P001.VOCA_INST.TXT", b"0\tb\n0.5\tf\n1.0\tEND\n"),
        ][which];
        let folder = tempfile::tempdir().unwrap();
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 22_050,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(folder.path().join("1.wav"), spec).unwrap();
        (0..22_050).for_each(|n| wav.write_sample((n % 100) as i16 * 100).unwrap());
        wav.finalize().unwrap();
        fs::write(folder.path().join(name), damage.of(labels, labels.len())).unwrap();
        let settings = CorpusSettings::new(kind, folder.path(), 1.0);
        let cache = FeatureCache::open(folder.path().join("features")).unwrap();
        match load(&settings, Path::new("/"), Split::Train, &cache) {
            Ok(corpus) => prop_assert!(corpus.tracks.iter().all(|t| t.frames() > 0)),
            Err(problem) => prop_assert!(is_sentence(&problem.to_string()), "{problem}"),
        }
    }
}

proptest! {
    // Each case reads eleven megabytes.
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_checkpoint_is_refused_in_words(damage in Damage::any()) {
        let bytes = read("models/live-14.safetensors");
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let read = Checkpoint::from_bytes(&damage.of(&bytes, header));
        if let Err(problem) = read {
            prop_assert!(is_sentence(&problem.to_string()), "{problem}");
        }
    }
}
