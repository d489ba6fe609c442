//! Speech in training: it is no singing, and behind music it changes no label.

use rand::RngExt;
use vocald::corpora::recording::Recording;
use vocald::corpora::{Corpus, Sound, Track};
use vocald::frontend::LogMel;
use vocald::model::{Depth, Family};
use vocald::training::experiment::Augmentation;
use vocald::training::sampler::{Sampler, window_rng};

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
