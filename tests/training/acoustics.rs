//! Rooms, noise and telephones: they change speech and lone voices as such things do, and leave music alone.

use rand::RngExt;
use vocald::corpora::recording::Recording;
use vocald::corpora::{Corpus, Sound, Track};
use vocald::frontend::LogMel;
use vocald::frontend::mel::band_of_hz;
use vocald::model::{Depth, Family};
use vocald::training::experiment::Augmentation;
use vocald::training::sampler::{Sampler, window_rng};

const FRAMES: usize = 80;
const BANDS: usize = 80;

/// A recording of three seconds.
fn recording(sample: impl FnMut(usize) -> f32) -> Recording {
    Recording::of_samples(&(0..66_150).map(sample).collect::<Vec<_>>())
}

fn noise() -> Recording {
    let mut rng = window_rng(4, 0, 0);
    recording(|_| rng.random_range(-0.3..0.3f32))
}

/// A click every 0.7 s.
fn clicks() -> Recording {
    recording(|n| if n % 15_435 == 5000 { 0.9 } else { 0.0 })
}

fn corpus(weight: f64, sound: Sound, voiced: bool) -> Corpus {
    let (Sound::Mix(part)
    | Sound::Speech(part)
    | Sound::Solo(part)
    | Sound::Stems { voice: part, .. }) = &sound;
    let voice = vec![Some(voiced); part.frames()];
    Corpus {
        name: "a corpus".into(),
        weight,
        voice_share: None,
        tracks: vec![Track {
            name: "a track".into(),
            song: String::new(),
            sound,
            voice,
            speech: Vec::new(),
            separated: None,
        }],
    }
}

/// Log magnitudes and the label of a window.
fn draw(corpora: &[Corpus], a: &Augmentation, window: u64) -> (Vec<f32>, f32) {
    let network = Family::SeResNet(Depth::D14);
    let sampler = Sampler::new(corpora, a, network, &[39]).unwrap();
    let (mut values, mut labels) = (vec![0.0; FRAMES * BANDS], [0.0]);
    let mut rng = window_rng(1, 0, window);
    sampler.draw(&mut LogMel::new(), &mut rng, &mut values, &mut labels);
    (values, labels[0])
}

/// The mean over the frames of a window of one band.
fn mean(values: &[f32], band: usize) -> f32 {
    values.chunks(BANDS).map(|frame| frame[band]).sum::<f32>() / FRAMES as f32
}

fn everything() -> Augmentation {
    Augmentation {
        room_fraction: 1.0,
        background_fraction: 1.0,
        telephone_fraction: 1.0,
        talkers_fraction: 1.0,
        solo_fraction: 1.0,
        ..Default::default()
    }
}

#[test]
fn a_telephone_carries_its_band_only() {
    let speech = [corpus(1.0, Sound::Speech(noise()), false)];
    let telephone = Augmentation {
        telephone_fraction: 1.0,
        ..Default::default()
    };
    let band = |hz| band_of_hz(hz).round() as usize;
    for window in 0..10 {
        let (before, _) = draw(&speech, &Augmentation::default(), window);
        let (after, label) = draw(&speech, &telephone, window);
        let change = |hz| mean(&after, band(hz)) - mean(&before, band(hz));
        for hz in [600.0, 1000.0, 2000.0, 2800.0] {
            assert!(change(hz).abs() < 0.5, "{hz} Hz: {}", change(hz));
        }
        for hz in [60.0, 5000.0, 7000.0] {
            assert!(change(hz) < -2.0, "{hz} Hz: {}", change(hz));
        }
        assert_eq!(label, 0.0);
    }
}

#[test]
fn a_room_prolongs_a_click_and_not_the_time_before_it() {
    let speech = [corpus(1.0, Sound::Speech(clicks()), false)];
    let room = Augmentation {
        room_fraction: 1.0,
        ..Default::default()
    };
    let level = |values: &[f32], frame: usize| -> f32 {
        let bands = &values[frame * BANDS..][..BANDS];
        bands.iter().map(|x| x.exp().powi(2)).sum::<f32>()
    };
    let mut prolonged = 0;
    for window in 0..20 {
        let (dry, _) = draw(&speech, &Augmentation::default(), window);
        let (wet, _) = draw(&speech, &room, window);
        // The first frame of a click, if there are enough others around it.
        let loud = |frame: &usize| level(&dry, *frame) > 1e-3;
        let Some(click) = (6..FRAMES - 12).find(loud) else {
            continue;
        };
        // Four frames hold the click itself; after ten the room still sounds.
        assert!(level(&dry, click + 10) < 1e-6);
        assert!(level(&wet, click + 10) > 1e-4 * level(&wet, click + 1));
        // It has decayed since.
        assert!(level(&wet, click + 10) < level(&wet, click + 1));
        prolonged += 1;
    }
    assert!(prolonged > 5, "{prolonged}");
}

#[test]
fn background_noise_fills_pauses_at_most_as_loud_as_the_voice() {
    let second = |n: usize| n % 22_050 < 11_025;
    let on_and_off = recording(|n| {
        if second(n) {
            (n as f32 * 0.2).sin() * 0.3
        } else {
            0.0
        }
    });
    let speech = [corpus(1.0, Sound::Speech(on_and_off), false)];
    let noisy = Augmentation {
        background_fraction: 1.0,
        ..Default::default()
    };
    for window in 0..10 {
        let (before, _) = draw(&speech, &Augmentation::default(), window);
        let (after, _) = draw(&speech, &noisy, window);
        let softest = |values: &[f32]| values.chunks(BANDS).map(|f| f[30]).fold(f32::MAX, f32::min);
        let loudest = |values: &[f32]| values.iter().copied().fold(f32::MIN, f32::max);
        assert!(softest(&after) > softest(&before) + 1.0);
        assert!(loudest(&after) < loudest(&before) + 1.5);
    }
}

#[test]
fn further_talkers_change_no_label_and_only_speech() {
    let talkers = Augmentation {
        talkers_fraction: 1.0,
        solo_fraction: 1.0,
        ..Default::default()
    };
    let speech = [corpus(1.0, Sound::Speech(noise()), false)];
    let (before, _) = draw(&speech, &Augmentation::default(), 5);
    let (after, label) = draw(&speech, &talkers, 5);
    assert!(mean(&after, 40) > mean(&before, 40));
    assert_eq!(label, 0.0);
    let singing = [
        corpus(1.0, Sound::Solo(noise()), true),
        corpus(1e-9, Sound::Speech(noise()), false),
    ];
    let none = Augmentation {
        solo_fraction: 1.0,
        ..Default::default()
    };
    assert_eq!(draw(&singing, &talkers, 5), draw(&singing, &none, 5));
}

#[test]
fn music_keeps_its_acoustics_and_a_lone_voice_keeps_its_label() {
    let stems = || Sound::Stems {
        voice: noise(),
        accompaniment: clicks(),
    };
    for sound in [Sound::Mix(noise()), stems()] {
        let corpora = [corpus(1.0, sound, true)];
        for window in 0..5 {
            let without = draw(&corpora, &Augmentation::default(), window);
            assert_eq!(without, draw(&corpora, &everything(), window));
        }
    }
    let lone = [corpus(1.0, Sound::Solo(noise()), true)];
    let (values, label) = draw(&lone, &everything(), 2);
    assert_eq!(label, 1.0);
    assert!(values.iter().all(|x| x.is_finite()));
}

#[test]
fn a_seed_draws_the_same_acoustics_again() {
    let speech = [corpus(1.0, Sound::Speech(noise()), false)];
    let again = draw(&speech, &everything(), 7);
    assert_eq!(draw(&speech, &everything(), 7), again);
    assert_ne!(draw(&speech, &everything(), 8), again);
}
