//! The operating point keeps to its budget of false alarms, and decides by accuracy within it.

use vocald::evaluation::decide::causal;
use vocald::evaluation::metrics::Confusion;
use vocald::evaluation::scorer::ScoredTrack;
use vocald::evaluation::threshold_search::{Aim, choose};
use vocald::frontend::{Features, WindowLength};

/// Forty-eight seconds: twelve phrases and as many pauses, and most of the probabilities that the
/// spread allows.
const WINDOWS: usize = 12 * 56;

/// Phrases of two seconds and pauses of two; the voice scores around `voice_p`, the pauses around
/// `pause_p`, both spread by `spread`.
fn song(voice_p: f32, pause_p: f32, spread: f32) -> ScoredTrack {
    let score = |i: usize| {
        let voice = (i / 28) % 2 == 1;
        let jitter = ((i * 37 % 101) as f32 / 101.0 - 0.5) * spread;
        let p = if voice { voice_p } else { pause_p } + jitter;
        (p.clamp(0.001, 0.999), Some(voice))
    };
    ScoredTrack {
        name: "song".into(),
        features: Features::Mel(WindowLength::FRAMES_80),
        speech: None,
        horizons: vec![(0..WINDOWS).map(score).collect()],
    }
}

fn music(p: f32, spread: f32) -> ScoredTrack {
    let score = |i: usize| {
        (
            (p + ((i * 53 % 211) as f32 / 211.0 - 0.5) * spread).max(0.001),
            Some(false),
        )
    };
    ScoredTrack {
        name: "music".into(),
        features: Features::Mel(WindowLength::FRAMES_80),
        speech: None,
        horizons: vec![(0..WINDOWS).map(score).collect()],
    }
}

#[test]
fn the_raw_threshold_keeps_music_within_four_percent() {
    // The song alone would be best at 0.35, but the music reaches up to 0.6.
    let corpora = [vec![song(0.5, 0.2, 0.2)], vec![music(0.3, 0.6)]];
    let point = choose(&corpora, 0, Aim::Accuracy);
    let on = |track: &ScoredTrack| Confusion::at(point.threshold, track.labelled(0));
    let rate = on(&corpora[1][0]).false_positive_rate();
    assert!(rate <= 0.04, "{rate}");
    // No lower threshold keeps the budget, and a higher one loses voice.
    let lower = Confusion::at(point.threshold - 0.02, corpora[1][0].labelled(0));
    assert!(lower.false_positive_rate() > 0.04);
    assert!(point.leave <= point.enter);
    assert_eq!(point.validate(), Ok(()));
    for p in [point.threshold, point.enter, point.leave] {
        assert_eq!(p, (p * 100.0).round() / 100.0, "told in hundredths");
    }
}

#[test]
fn music_without_a_voice_has_a_voice_begin_at_more_than_it_begins_again_at() {
    // The song's phrases begin clearly and go on less so, some of them only that; the music reaches as far as those.
    let mut phrases = song(0.6, 0.1, 0.1);
    for (i, scored) in phrases.horizons[0].iter_mut().enumerate() {
        if (i / 56) % 4 == 0 && scored.1 == Some(true) {
            scored.0 = 0.9;
        }
    }
    let mut rising = music(0.2, 0.1);
    for scored in rising.horizons[0]
        .iter_mut()
        .skip(WINDOWS / 4)
        .take(WINDOWS / 28)
    {
        scored.0 = 0.6;
    }
    let corpora = [vec![phrases], vec![rising]];
    let point = choose(&corpora, 0, Aim::Accuracy);
    assert_eq!(point.validate(), Ok(()));
    let reentry = point.reentry.expect("a re-entry threshold was chosen");
    assert!(reentry.reenter <= 0.6 && point.enter > 0.6, "{point:?}");
    let decided = |track: &ScoredTrack| causal(&track.horizons[0], &point, track.grid(0)).unwrap();
    let of_music = decided(&corpora[1][0]).voice;
    assert!(of_music.iter().all(|voice| !voice));
    let of_song = corpora[0][0].confusion(0, &decided(&corpora[0][0]).voice);
    assert!(of_song.accuracy() > 0.9, "{}", of_song.accuracy());
}

#[test]
fn a_voice_may_begin_again_below_the_raw_threshold() {
    // Soft phrases follow clearer ones; the music scores as high as the soft ones and never as high as the clear ones.
    let mut phrases = song(0.37, 0.1, 0.1);
    for (i, scored) in phrases.horizons[0].iter_mut().enumerate() {
        if (i / 56) % 4 == 0 && scored.1 == Some(true) {
            scored.0 = 0.5;
        }
    }
    let corpora = [vec![phrases], vec![music(0.4, 0.1)]];
    let point = choose(&corpora, 0, Aim::Accuracy);
    let reentry = point.reentry.expect("a re-entry threshold was chosen");
    assert!(reentry.reenter < point.threshold, "{point:?}");
    let decided = |track: &ScoredTrack| causal(&track.horizons[0], &point, track.grid(0)).unwrap();
    let of_music = decided(&corpora[1][0]).voice;
    assert!(of_music.iter().all(|voice| !voice));
    let of_song = corpora[0][0].confusion(0, &decided(&corpora[0][0]).voice);
    assert!(of_song.accuracy() > 0.95, "{}", of_song.accuracy());
}

#[test]
fn without_music_accuracy_decides_alone() {
    let corpora = [vec![song(0.7, 0.3, 0.2)]];
    let point = choose(&corpora, 0, Aim::Accuracy);
    assert!((0.4..=0.61).contains(&point.threshold), "{point:?}");
    let accuracy = Confusion::at(point.threshold, corpora[0][0].labelled(0));
    assert_eq!(accuracy.accuracy(), 1.0);
}

#[test]
fn a_budget_that_cannot_be_kept_is_overdrawn_the_least() {
    let corpora = [vec![song(0.5, 0.2, 0.1)], vec![music(0.99, 0.0)]];
    let point = choose(&corpora, 0, Aim::Accuracy);
    assert_eq!(point.validate(), Ok(()));
}

#[test]
fn a_small_corpus_weighs_by_its_windows() {
    // Ten songs would have the threshold at 0.35 and one, the other way about, at 0.65.
    let low = (0..10).map(|_| song(0.45, 0.25, 0.1)).collect();
    let point = choose(&[low, vec![song(0.75, 0.55, 0.1)]], 0, Aim::Accuracy);
    assert!((0.29..=0.41).contains(&point.threshold), "{point:?}");
}

#[test]
fn an_even_point_gives_every_corpus_the_same_say() {
    // The one song loses more by the threshold of the ten than each of them by the one's.
    let low = || (0..10).map(|_| song(0.45, 0.25, 0.3)).collect::<Vec<_>>();
    let high = || vec![song(0.8, 0.6, 0.1)];
    let corpora = [low(), high()];
    let pooled = choose(&corpora, 0, Aim::Accuracy).threshold;
    let even = choose(&corpora, 0, Aim::Even).threshold;
    let accuracy = |threshold: f32, corpus: &[ScoredTrack]| {
        let scored = corpus.iter().flat_map(|t| t.labelled(0));
        Confusion::at(threshold, scored).accuracy()
    };
    let mean = |t: f32| (accuracy(t, &corpora[0]) + accuracy(t, &corpora[1])) / 2.0;
    assert!(even > pooled, "{even} {pooled}");
    assert!(mean(even) > mean(pooled) + 0.05);
    // It is the best there is, in steps of 0.01.
    let best = (5..=95).map(|percent| mean(percent as f32 / 100.0));
    assert!(best.fold(0.0, f64::max) <= mean(even) + 1e-9);
    // With as much of each it is the same as over all windows.
    let one = [vec![song(0.45, 0.25, 0.3)], high()];
    assert_eq!(
        choose(&one, 0, Aim::Even).threshold,
        choose(&one, 0, Aim::Accuracy).threshold
    );
}

#[test]
fn a_balanced_point_does_not_care_how_much_is_sung() {
    // Four fifths of one song are voice, a fifth of the other; the probabilities overlap alike.
    let song = |voice_of_five: usize| ScoredTrack {
        name: "song".into(),
        features: Features::Mel(WindowLength::FRAMES_80),
        speech: None,
        horizons: vec![
            (0..1250)
                .map(|i| {
                    let voice = i % 5 < voice_of_five;
                    let (a, b) = ((i * 37 % 101) as f32 / 101.0, (i * 61 % 103) as f32 / 103.0);
                    let jitter = (a + b - 1.0) * 0.4;
                    ((if voice { 0.6 } else { 0.4 }) + jitter, Some(voice))
                })
                .collect(),
        ],
    };
    let threshold = |voice_of_five, aim| {
        let point = choose(&[vec![song(voice_of_five)]], 0, aim);
        point.threshold
    };
    assert!(threshold(4, Aim::Accuracy) < threshold(1, Aim::Accuracy) - 0.15);
    let apart = threshold(4, Aim::Balanced) - threshold(1, Aim::Balanced);
    assert!(apart.abs() <= 0.05, "{apart}");
    // A corpus has the same weight whatever its length.
    let corpora = [vec![song(4), song(4), song(4)], vec![song(1)]];
    let point = choose(&corpora, 0, Aim::Balanced);
    assert!((point.threshold - 0.5).abs() <= 0.05, "{}", point.threshold);
}

#[test]
fn of_points_that_are_as_good_the_calmest_is_taken() {
    // Every phrase dips in its middle for half a second, to where no pause ever is.
    let dips = |i: usize| {
        let voice = (i / 28) % 2 == 1;
        let dip = voice && (i % 28) / 7 == 1;
        let p = if dip {
            0.45
        } else if voice {
            0.9
        } else {
            0.1
        };
        (p, Some(voice))
    };
    let song = ScoredTrack {
        name: "song".into(),
        features: Features::Mel(WindowLength::FRAMES_80),
        speech: None,
        horizons: vec![(0..WINDOWS).map(dips).collect()],
    };
    let corpora = [vec![song], vec![music(0.2, 0.3)]];
    let point = choose(&corpora, 0, Aim::Even);
    // Two changes a phrase, none for its dip; and no voice is held beyond its end.
    let decided = causal(&corpora[0][0].horizons[0], &point, corpora[0][0].grid(0)).unwrap();
    assert_eq!(decided.changes.len(), WINDOWS / 28 - 1, "{point:?}");
    assert_eq!(corpora[0][0].confusion(0, &decided.voice).accuracy(), 1.0);
}

#[test]
fn published_decisions_are_no_worse_than_raw_ones() {
    // Voices end in a long tail, where a state that is left late is calmer, but wrong.
    let p = |i: usize| match i % 28 {
        0..12 => (0.9, Some(true)),
        12..14 => (0.45, Some(i.is_multiple_of(3))),
        _ => (0.1, Some(false)),
    };
    let song = ScoredTrack {
        name: "song".into(),
        features: Features::Mel(WindowLength::FRAMES_80),
        speech: None,
        horizons: vec![(0..WINDOWS).map(p).collect()],
    };
    for aim in [Aim::Accuracy, Aim::Even, Aim::Balanced] {
        let corpora = [vec![ScoredTrack {
            name: song.name.clone(),
            features: song.features,
            speech: None,
            horizons: song.horizons.clone(),
        }]];
        let point = choose(&corpora, 0, aim);
        let raw = Confusion::at(point.threshold, song.labelled(0));
        let decided = causal(&song.horizons[0], &point, song.grid(0)).unwrap();
        let causal = song.confusion(0, &decided.voice);
        let merit = |c: Confusion| match aim {
            Aim::Balanced => (c.recall() + 1.0 - c.false_positive_rate()) / 2.0,
            _ => c.accuracy(),
        };
        assert!(merit(causal) >= merit(raw), "{aim:?} {point:?}");
    }
}
