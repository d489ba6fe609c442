//! Speech in training: it is no singing, behind music it changes no label of voice, and it has an output of its own.

use std::sync::atomic::AtomicBool;

use rand::RngExt;
use tch::Device;
use vocald::corpora::recording::Recording;
use vocald::corpora::{Corpus, Sound, Track};
use vocald::evaluation::scorer::TrackScorer;
use vocald::frontend::LogMel;
use vocald::model::{Checkpoint, Depth, Family};
use vocald::training::TrainContext;
use vocald::training::ensemble::ensemble;
use vocald::training::experiment::{Augmentation, Experiment};
use vocald::training::fit::{EpochReport, Observer, Outcome};
use vocald::training::run::{RunObserver, train};
use vocald::training::sampler::{Sampler, Targets, UNLABELLED, window_rng};

use crate::support::libtorch::exclusive;
use crate::support::untrained::network;

/// Bands around 3 kHz, where only the speech of these tests sounds.
const SPEECH_BANDS: std::ops::Range<usize> = 50..60;

fn tone(hz: f32) -> Recording {
    let sample = |n| (2.0 * std::f32::consts::PI * hz * n as f32 / 22_050.0).sin() * 0.3;
    Recording::of_samples(&(0..66_150).map(sample).collect::<Vec<_>>())
}

/// Around 3 kHz, its phase wandering, so that talkers do not add up as one.
fn talk() -> Recording {
    let mut rng = window_rng(9, 0, 0);
    let mut phase = 0.0f32;
    let sample = |n| {
        phase += rng.random_range(-0.2..0.2f32);
        (2.0 * std::f32::consts::PI * 3000.0 * n as f32 / 22_050.0 + phase).sin() * 0.3
    };
    Recording::of_samples(&(0..66_150).map(sample).collect::<Vec<_>>())
}

fn corpus(name: &str, weight: f64, sound: Sound, voiced: bool) -> Corpus {
    let (Sound::Mix(mel) | Sound::Speech(mel) | Sound::Solo(mel)) = &sound else {
        unreachable!("these tests have no stems");
    };
    let voice = vec![Some(voiced); mel.frames()];
    Corpus {
        name: name.into(),
        weight,
        voice_share: None,
        tracks: vec![Track {
            name: name.into(),
            song: String::new(),
            speech: vec![Some(matches!(sound, Sound::Speech(_))); voice.len()],
            sound,
            voice,
            separated: None,
        }],
    }
}

/// What a window holds in its middle.
struct Drawn {
    /// The loudest of the speech bands, a logarithm.
    speech: f32,
    /// The loudest of all bands.
    peak: f32,
    label: f32,
}

fn draw(corpora: &[Corpus], speech_fraction: f64, window: u64) -> Drawn {
    let augmentation = Augmentation {
        speech_fraction,
        ..Default::default()
    };
    let sampler =
        Sampler::new(corpora, &augmentation, Family::SeResNet(Depth::D14), &[39]).unwrap();
    let (mut values, mut labels) = (vec![0.0; 6400], [0.0]);
    sampler.draw(
        &mut LogMel::new(),
        &mut window_rng(1, 0, window),
        &mut values,
        &mut labels,
    );
    let bands = &values[40 * 80..][..80];
    let loudest = |bands: &[f32]| bands.iter().copied().fold(f32::MIN, f32::max);
    Drawn {
        speech: loudest(&bands[SPEECH_BANDS]),
        peak: loudest(bands),
        label: labels[0],
    }
}

#[test]
fn talk_behind_music_is_heard_softly_and_changes_no_label() {
    for voiced in [true, false] {
        let corpora = [
            corpus("song", 1.0, Sound::Mix(tone(300.0)), voiced),
            // Next to never drawn on its own.
            corpus("talk", 1e-9, Sound::Speech(talk()), false),
        ];
        for window in 0..20 {
            let without = draw(&corpora, 0.0, window);
            let with = draw(&corpora, 1.0, window);
            assert_eq!([without.label == 1.0, with.label == 1.0], [voiced; 2]);
            assert!(with.speech > without.speech + 1.0, "heard in {window}");
            assert!(with.speech < with.peak, "softer in {window}");
        }
    }
}

#[test]
fn speech_is_drawn_alone_and_is_no_voice_nor_music_to_sing_over() {
    let speech = [corpus("talk", 1.0, Sound::Speech(talk()), false)];
    let alone = draw(&speech, 0.0, 3);
    assert_eq!(alone.label, 0.0);
    // A lone voice finds no music here, and stays alone.
    let corpora = [
        corpus("voice", 1.0, Sound::Solo(tone(300.0)), true),
        corpus("talk", 1e-9, Sound::Speech(talk()), false),
    ];
    for window in 0..20 {
        let sung = draw(&corpora, 0.0, window);
        assert_eq!(sung.label, 1.0);
        assert!(sung.speech < alone.speech - 5.0, "{window}");
    }
}

#[test]
fn mixing_speech_in_without_having_any_is_refused() {
    let corpora = [corpus("song", 1.0, Sound::Mix(tone(300.0)), true)];
    let augmentation = Augmentation {
        speech_fraction: 0.1,
        ..Default::default()
    };
    let refused = Sampler::new(&corpora, &augmentation, Family::SeResNet(Depth::D14), &[39]).err();
    assert!(refused.is_some_and(|error| error.to_string().contains("kind \"speech\"")));
}

/// Labels of voice and of speech for windows of these corpora.
fn labels(corpora: &[Corpus], targets: Targets, augmentation: &Augmentation) -> Vec<[f32; 2]> {
    let sampler = Sampler::new(corpora, augmentation, Family::SeResNet(Depth::D14), &[39]);
    let sampler = sampler.unwrap().with_targets(targets);
    let (mut values, mut labels) = (vec![0.0; 6400], [0.0; 2]);
    assert_eq!(sampler.labels(), 2);
    let draw = |window| {
        let mut rng = window_rng(1, 0, window);
        sampler.draw(&mut LogMel::new(), &mut rng, &mut values, &mut labels);
        labels
    };
    (0..40).map(draw).collect()
}

#[test]
fn speech_is_labelled_where_talk_sounds_alone_and_behind_a_singer() {
    let plain = Augmentation::default();
    let both = Targets::VoiceAndSpeech;
    let talk_alone = [corpus("talk", 1.0, Sound::Speech(talk()), false)];
    assert!(
        labels(&talk_alone, both, &plain)
            .iter()
            .all(|l| *l == [0.0, 1.0])
    );
    let song = [corpus("song", 1.0, Sound::Mix(tone(300.0)), true)];
    assert!(labels(&song, both, &plain).iter().all(|l| *l == [1.0, 0.0]));
    // Without labels of voice.
    let only = labels(&song, Targets::Speech, &plain);
    assert!(only.iter().all(|l| *l == [UNLABELLED, 0.0]));
    // Behind a singer: both, or unknown where the talk is too soft to be noticed.
    let corpora = [
        corpus("song", 1.0, Sound::Mix(tone(300.0)), true),
        corpus("talk", 1e-9, Sound::Speech(talk()), false),
    ];
    let behind = Augmentation {
        speech_fraction: 1.0,
        ..Default::default()
    };
    let behind = labels(&corpora, both, &behind);
    let count = |speech: f32| behind.iter().filter(|l| **l == [1.0, speech]).count();
    assert_eq!(count(1.0) + count(UNLABELLED), behind.len());
    assert!(count(1.0) > 5 && count(UNLABELLED) > 5, "{behind:?}");
}

#[test]
fn what_labels_leave_open_is_not_trained_on() {
    let mut open = [corpus("any", 1.0, Sound::Mix(tone(300.0)), false)];
    open[0].tracks[0].speech.fill(None);
    let drawn = labels(&open, Targets::VoiceAndSpeech, &Augmentation::default());
    assert!(drawn.iter().all(|l| *l == [0.0, UNLABELLED]));
}

/// An observer that prints nothing.
struct Quiet;

impl Observer for Quiet {
    fn batch(&mut self, _: usize, _: usize, _: usize, _: f64) {}
    fn epoch(&mut self, _: &EpochReport) {}
}

impl RunObserver for Quiet {
    fn fitted(&mut self, _: Outcome) {}
}

#[test]
fn training_speech_alone_changes_nothing_else_of_a_finished_pair() {
    let _exclusive = exclusive();
    tch::set_num_threads(1);
    let experiment: Experiment = toml::from_str(
        r#"
        name = "talk"
        depth = 14
        horizons_frames = [39, 7]
        default_horizon_frames = 7
        speech = true
        license = "CC0-1.0"
        [training]
        seed = 3
        batch_windows = 16
        epoch_batches = 12
        max_epochs = 1
        patience_epochs = 5
        learning_rate = 0.05
        learning_rate_epochs = 5
        learning_rate_factor = 0.5
        weight_decay = 0.0
        only_speech = true
        [[corpus]]
        kind = "instrumental"
        root = "unused"
        weight = 1.0
        "#,
    )
    .unwrap();
    let corpora = [
        corpus("song", 1.0, Sound::Mix(tone(300.0)), true),
        corpus("talk", 1.0, Sound::Speech(talk()), false),
    ];
    let mut pair = ensemble(vec![network(1), network(2)]).unwrap();
    pair.metadata.alternating = true;
    let start = pair.shallow_clone().with_speech(true).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("talk.safetensors");
    let context = TrainContext {
        train: &corpora,
        valid: &corpora,
        device: Device::Cpu,
        teacher: None,
        start_from: Some(&start),
        loader_threads: 1,
        folder: folder.path(),
        stop: &AtomicBool::new(false),
    };
    train(&experiment, &context, &mut Quiet, &out)
        .unwrap()
        .unwrap();
    let trained = Checkpoint::read(&out).unwrap();
    let (before, after) = (&pair.metadata, &trained.metadata);
    assert_eq!(before.operating_points, after.operating_points);
    assert!(after.alternating && after.members == 2 && after.name == "talk");
    for (name, weight) in &pair.weights {
        let own = trained.weights[name].narrow(0, 0, weight.size()[0]);
        assert_eq!(&own, weight, "{name}");
    }
    let scored = TrackScorer::new(&trained, Device::Cpu, 1).score_corpus(&corpora[1], &|_| ());
    let talk: Vec<f32> = scored[0].labelled_speech(1).map(|(p, _)| p).collect();
    let scored = TrackScorer::new(&trained, Device::Cpu, 1).score_corpus(&corpora[0], &|_| ());
    let song: Vec<f32> = scored[0].labelled_speech(1).map(|(p, _)| p).collect();
    let mean = |p: &[f32]| p.iter().sum::<f32>() / p.len() as f32;
    assert!(mean(&talk) > mean(&song) + 0.3, "{talk:?} {song:?}");
}
