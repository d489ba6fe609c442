//! Event, segment and collar figures against an independent reference (tests/reference/sound_events.py).

use serde::Deserialize;
use vocald::corpora::{Sound, Track};
use vocald::decision::OperatingPoint;
use vocald::evaluation::collar::COLLAR_S;
use vocald::evaluation::decide::Smoothing;
use vocald::evaluation::figures::{Figures, Measured, figures};
use vocald::evaluation::scorer::ScoredTrack;
use vocald::evaluation::sound_events::{SoundEventFigures, SoundEventTally};
use vocald::frontend::{Features, WindowLength};

const HORIZON: u32 = 7;

#[derive(Deserialize)]
struct Fixture {
    tracks: Vec<Made>,
    all: SedEval,
}

#[derive(Deserialize)]
struct Made {
    length_s: f64,
    labelled: Vec<[f64; 2]>,
    detected: Vec<[f64; 2]>,
    collar: Collar,
    sed_eval: SedEval,
}

/// A letter for each frame or decision, `V` or `.`; the decisions outside the collar: all, right, those with a labelled
/// voice, and the right ones of these.
#[derive(Deserialize)]
struct Collar {
    frames: String,
    decisions: String,
    counts: [u64; 4],
}

#[derive(Deserialize)]
struct SedEval {
    onset_f1: f64,
    onset_offset_f1: f64,
    segment_error_rate: f64,
    segment_f1: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../reference/sound_events.json")).unwrap()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

fn same(ours: &SoundEventFigures, reference: &SedEval) {
    close(ours.onset_f1, reference.onset_f1);
    close(ours.onset_offset_f1, reference.onset_offset_f1);
    close(ours.segment_error_rate, reference.segment_error_rate);
    close(ours.segment_f1, reference.segment_f1);
}

#[test]
fn event_and_segment_figures_are_those_of_sed_eval() {
    let fixture = fixture();
    let mut all = SoundEventTally::default();
    for track in &fixture.tracks {
        let mut tally = SoundEventTally::default();
        for tally in [&mut tally, &mut all] {
            tally.add(&track.labelled, &track.detected, [0.0, track.length_s]);
        }
        same(&tally.figures(), &track.sed_eval);
    }
    same(&all.figures(), &fixture.all);
}

#[test]
fn tracks_without_a_voice_have_no_segment_error_rate() {
    let mut tally = SoundEventTally::default();
    tally.add(&[], &[[1.0, 2.0]], [0.0, 10.0]);
    let figures = tally.figures();
    assert!(figures.segment_error_rate.is_nan());
    assert_eq!((figures.labelled, figures.detected), (0, 1));
}

/// A track with these frame labels and raw decisions.
fn measured(name: &str, song: &str, frames: &str, decisions: &str) -> Measured {
    let labels: Vec<_> = frames.chars().map(|c| Some(c == 'V')).collect();
    let first = Features::Mel(WindowLength::FRAMES_80).first_decided_frame(HORIZON);
    let scored = decisions.chars().enumerate().map(|(window, c)| {
        let p = if c == 'V' { 0.9 } else { 0.1 };
        (p, labels[first + 5 * window])
    });
    Measured {
        scored: ScoredTrack {
            name: name.into(),
            features: Features::Mel(WindowLength::FRAMES_80),
            speech: None,
            horizons: vec![scored.collect()],
        },
        song: song.into(),
        labels,
    }
}

fn causal(tracks: &[Measured], collar_s: f64) -> Figures {
    let point = OperatingPoint {
        threshold: 0.5,
        enter: 0.5,
        reentry: None,
        leave: 0.5,
        confirm_n: 1,
        confirm_m: 1,
        min_voice_s: 0.0,
        min_gap_s: 0.0,
    };
    let rows = figures("made", "net", tracks, &[HORIZON], &[point], collar_s).unwrap();
    rows.into_iter()
        .find(|f| f.smoothing == Smoothing::Causal)
        .unwrap()
}

#[test]
fn decisions_near_a_change_of_the_labels_are_outside_the_measure() {
    for track in fixture().tracks {
        let made = [measured(
            "a",
            "a",
            &track.collar.frames,
            &track.collar.decisions,
        )];
        let kept = causal(&made, COLLAR_S).outside_collar;
        let [all, right, voiced, right_voiced] = track.collar.counts.map(|n| n as f64);
        assert_eq!(kept.windows, track.collar.counts[0]);
        close(kept.accuracy, right / all);
        close(kept.recall, right_voiced / voiced);
        close(
            kept.false_positive_rate,
            1.0 - (right - right_voiced) / (all - voiced),
        );
        // Without a collar nothing is left out.
        let none = causal(&made, 0.0);
        assert_eq!(none.outside_collar.windows, none.decisions.windows);
        close(none.outside_collar.accuracy, none.decisions.accuracy);
        close(none.outside_collar.auroc, none.decisions.auroc);
    }
}

#[test]
fn versions_of_a_song_are_one_song_in_the_interval() {
    let frames = ".".repeat(400);
    let decisions = ".".repeat(65);
    let wrong = "V".repeat(65);
    let made = [
        measured("mix", "song", &frames, &wrong),
        measured("band", "song", &frames, &decisions),
    ];
    let figures = causal(&made, COLLAR_S).decisions;
    assert_eq!(figures.track_accuracy, [0.5; 3]);
    let apart = [
        measured("mix", "one", &frames, &wrong),
        measured("band", "other", &frames, &decisions),
    ];
    let [mean, low, high] = causal(&apart, COLLAR_S).decisions.track_accuracy;
    assert_eq!([mean, low, high], [0.5, 0.0, 1.0]);
}

#[test]
fn missed_phrases_and_false_onsets_are_counted() {
    // Phrases at windows 10 to 19 with a breath, and at 40 to 49; a false voice at 60 to 61.
    let label = |w: usize| matches!(w, 10..15 | 17..20 | 40..50);
    let frames: String = (0..480)
        .map(|f: usize| {
            if label(f.saturating_sub(72).div_ceil(5)) {
                'V'
            } else {
                '.'
            }
        })
        .collect();
    let decided = |w: usize| matches!(w, 12..15 | 60..62);
    let decisions: String = (0..81)
        .map(|w| if decided(w) { 'V' } else { '.' })
        .collect();
    let found = causal(&[measured("a", "a", &frames, &decisions)], COLLAR_S).phrases;
    assert_eq!((found.labelled, found.missed), (2, 1));
    close(
        found.false_onsets_per_hour,
        3600.0 / (80.0 * 5.0 * 315.0 / 22_050.0),
    );
}

#[test]
fn the_energy_of_ten_milliseconds_decides_where_a_stem_sounds() {
    // A tone from 1 s to 2 s: no label is more than a frame off.
    let samples: Vec<f32> = (0..66_150)
        .map(|n| {
            let t = n as f32 / 22_050.0;
            let tone = (t * 440.0 * std::f32::consts::TAU).sin();
            if (1.0..2.0).contains(&t) {
                0.5 * tone
            } else {
                0.0
            }
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for stem in ["vocals", "instrumental"] {
        std::fs::create_dir_all(root.join(stem)).unwrap();
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 22_050,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(root.join(stem).join("a.wav"), spec).unwrap();
        for sample in &samples {
            wav.write_sample((sample * 32_000.0) as i16).unwrap();
        }
        wav.finalize().unwrap();
    }
    let cache = vocald::corpora::FeatureCache::open(root.join("features")).unwrap();
    let coverage = vocald::corpora::Coverage::Throughout;
    let corpus =
        vocald::corpora::load::load_labelled(root, &cache, coverage, &Default::default()).unwrap();
    // A folder of stems: the mix, and the band alone.
    let [mix, band]: &[Track; 2] = corpus.tracks.as_slice().try_into().unwrap();
    assert_eq!(
        (band.song.as_str(), band.name.as_str()),
        ("a", "a (band alone)")
    );
    assert!(matches!(band.sound, Sound::Mix(_)));
    assert!(band.voice.iter().all(|v| *v == Some(false)));
    let first = mix.voice.iter().position(|v| *v == Some(true)).unwrap();
    let last = mix.voice.iter().rposition(|v| *v == Some(true)).unwrap();
    let frame_s = vocald::frontend::window::frame_time_s;
    assert!((frame_s(first) - 1.0).abs() < 0.0143, "{}", frame_s(first));
    assert!((frame_s(last) - 2.0).abs() < 0.0143, "{}", frame_s(last));
}
