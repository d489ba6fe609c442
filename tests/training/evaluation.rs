//! Decisions, events and curves against values worked out by hand.

use std::fs;

use vocald::decision::Horizon;
use vocald::decision::OperatingPoint;
use vocald::evaluation::collar::COLLAR_S;
use vocald::evaluation::curves::curves;
use vocald::evaluation::decide::{Change, Smoothing, decide};
use vocald::evaluation::events::{EventTally, LabelChange, label_changes, pairs};
use vocald::evaluation::figures::{Measured, figures, reference_figures, reference_scores};
use vocald::evaluation::grid::Grid;
use vocald::evaluation::reference_system::ReferenceSystem;
use vocald::evaluation::scorer::ScoredTrack;
use vocald::evaluation::songs::{Rank, ranked, shown, songs};
use vocald::frontend::window::frame_time_s;
use vocald::frontend::window::lookahead_s;
use vocald::frontend::{Features, WindowLength};

const HORIZON: u32 = 7;
const GRID: Grid = Grid::new(Features::Mel(WindowLength::FRAMES_80), HORIZON);
const HOP_S: f64 = 5.0 * 315.0 / 22_050.0;

/// Voice begins when two of three windows agree, and ends likewise, at once.
fn point() -> OperatingPoint {
    OperatingPoint {
        threshold: 0.5,
        enter: 0.5,
        reentry: None,
        leave: 0.5,
        confirm_n: 2,
        confirm_m: 3,
        min_voice_s: 0.0,
        min_gap_s: 0.0,
    }
}

/// A track of 80 + 5 (n - 1) frames whose frame labels and probabilities change with windows:
/// one word a window, `V` or `.` for the label, and 0.9 or 0.1 for the probability.
fn track(name: &str, labels: &str, voice: &str) -> Measured {
    let is_voice: Vec<bool> = labels.chars().map(|c| c == 'V').collect();
    let first = GRID.frame(0);
    let frames = 80 + 5 * (is_voice.len() - 1);
    let label = |frame: usize| {
        // The five frames up to a decided one have its label.
        let window = (frame.saturating_sub(first)).div_ceil(5);
        is_voice[window.min(is_voice.len() - 1)]
    };
    let p = voice.chars().map(|c| if c == 'V' { 0.9 } else { 0.1 });
    Measured {
        song: name.into(),
        labels: (0..frames).map(|frame| Some(label(frame))).collect(),
        scored: ScoredTrack {
            name: name.into(),
            features: Features::Mel(WindowLength::FRAMES_80),
            speech: None,
            horizons: vec![p.zip(is_voice.iter().copied().map(Some)).collect()],
        },
    }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

#[test]
fn most_pairs_come_first_and_then_the_least_distance() {
    // The nearest pair alone, 1.0 and 1.1, would leave two without a partner.
    assert_eq!(pairs(&[1.0, 2.0], &[0.3, 1.1]), [(0, 0), (1, 1)]);
    // One detection for two changes goes to the nearer one.
    assert_eq!(pairs(&[1.0, 1.5], &[1.4]), [(1, 0)]);
    assert_eq!(pairs(&[1.0, 1.5], &[1.1]), [(0, 0)]);
    // No further apart than a second.
    assert_eq!(pairs(&[1.0], &[2.0]), [(0, 0)]);
    assert_eq!(pairs(&[1.0], &[2.001]), []);
    // Groups far apart are matched each for itself.
    assert_eq!(
        pairs(&[1.0, 10.0, 20.0], &[0.5, 5.0, 20.2, 20.4]),
        [(0, 0), (2, 2)]
    );
    assert_eq!(pairs(&[], &[1.0]), []);
}

#[test]
fn the_greatest_number_of_pairs_is_found() {
    // Against trying every subset, on times a third of a second apart.
    let times = |bits: u32| -> Vec<f64> {
        let kept = (0..7).filter(|i| bits >> i & 1 == 1);
        kept.map(|i| f64::from(i) * 0.37).collect()
    };
    fn most(a: &[f64], b: &[f64]) -> usize {
        let (Some((&first, rest)), false) = (a.split_first(), b.is_empty()) else {
            return 0;
        };
        let partners = (0..b.len()).filter(|&i| (b[i] - first).abs() <= 1.0);
        let with = partners.map(|i| {
            let others: Vec<f64> = [&b[..i], &b[i + 1..]].concat();
            1 + most(rest, &others)
        });
        with.max().unwrap_or(0).max(most(rest, b))
    }
    for a in (0..128).step_by(3) {
        for b in (0..128).step_by(5) {
            let (a, b) = (times(a), times(b));
            assert_eq!(pairs(&a, &b).len(), most(&a, &b), "{a:?} {b:?}");
        }
    }
}

#[test]
fn a_delay_is_from_the_labelled_change_to_the_moment_of_telling() {
    let labelled = |t_s| LabelChange {
        voice: true,
        t_s,
        counts: true,
    };
    let told = |t_s, told_s| Change {
        voice: true,
        t_s,
        told_s: Some(told_s),
    };
    let mut tally = EventTally::default();
    tally.add(
        &[labelled(1.0), labelled(5.0), labelled(9.0), labelled(20.0)],
        &[
            told(0.9, 1.2),
            told(5.2, 5.4),
            told(9.3, 9.9),
            told(15.0, 15.2),
        ],
        true,
    );
    // Offsets are not onsets.
    tally.add(&[labelled(1.0)], &[told(1.0, 1.1)], false);
    let f = tally.figures();
    assert_eq!(
        (f.labelled, f.found, f.missed, f.false_alarms),
        (4, 3, 1, 1)
    );
    close(f.delay_median_s, 0.4);
    close(f.delay_p95_s, 0.9);
    close(f.t_error_median_s, 0.2);
    close(f.t_error_p95_s, 0.3);
    assert!(EventTally::default().figures().delay_median_s.is_nan());
}

#[test]
fn changes_at_the_edges_of_a_track_do_not_count() {
    let first = GRID.frame(0);
    assert_eq!(first, 72);
    // Voice from before the first decision; a change far from the end; one near it.
    let mut labels = vec![true; 380];
    labels[172..220].fill(false);
    labels[370..].fill(false);
    let windows = 61;
    let changes = label_changes(&labels, windows, GRID);
    let middle = |frame: usize| f64::midpoint(frame_time_s(frame - 1), frame_time_s(frame));
    let change = |voice, t_s, counts| LabelChange { voice, t_s, counts };
    assert_eq!(
        changes,
        [
            change(true, frame_time_s(72), false),
            change(false, middle(172), true),
            change(true, middle(220), true),
            change(false, middle(370), false),
        ]
    );
    assert_eq!(label_changes(&labels, 0, GRID), []);
}

#[test]
fn decisions_come_after_look_ahead_and_confirmation() {
    let track = track("a", "........VVVVVVVV", "........VVVVVVVV");
    let scored = &track.scored.horizons[0];
    let onset = GRID.time_s(8);
    let told = |smoothing| {
        let decided = decide(scored, smoothing, &point(), GRID).unwrap();
        assert_eq!(decided.changes.len(), 1, "{smoothing:?}");
        decided.changes[0]
    };
    let raw = told(Smoothing::Raw);
    close(raw.t_s, onset);
    close(raw.told_s.unwrap(), onset + lookahead_s(HORIZON));
    // The median waits for half its span.
    let median = told(Smoothing::Median);
    close(median.t_s, onset);
    close(
        median.told_s.unwrap(),
        onset + lookahead_s(HORIZON) + 5.0 * HOP_S,
    );
    // The second window confirms; the crossing lies half-way between 0.1 and 0.9.
    let causal = told(Smoothing::Causal);
    close(causal.t_s, onset - 0.5 * HOP_S);
    close(causal.told_s.unwrap(), onset + HOP_S + lookahead_s(HORIZON));
}

#[test]
fn figures_of_a_corpus() {
    let quiet = "............................................";
    let tracks = [
        // An onset that is found a window late, and an offset that is found in time.
        track(
            "song",
            "..........VVVVVVVVVV........................",
            "...........VVVVVVVVV........................",
        ),
        // No voice at all, and two windows called voice.
        track(
            "tune",
            quiet,
            ".....VV.....................................",
        ),
    ];
    let rows = figures("made", "net", &tracks, &[HORIZON], &[point()], COLLAR_S).unwrap();
    let raw = &rows[0];
    assert_eq!(raw.smoothing, Smoothing::Raw);
    assert_eq!((raw.decisions.windows, raw.detector.as_str()), (88, "net"));
    close(raw.decisions.accuracy, 85.0 / 88.0);
    close(
        raw.decisions.track_accuracy[0],
        (43.0 / 44.0 + 42.0 / 44.0) / 2.0,
    );
    close(raw.decisions.recall, 0.9);
    close(raw.decisions.false_positive_rate, 2.0 / 78.0);
    // Of the track without voice alone.
    close(raw.decisions.false_voice_s_per_hour, 2.0 / 44.0 * 3600.0);
    close(raw.events_per_minute, 4.0 / (88.0 * HOP_S / 60.0));
    close(raw.labelled_events_per_minute, 2.0 / (88.0 * HOP_S / 60.0));
    let onsets = &raw.onsets;
    assert_eq!(
        (onsets.labelled, onsets.found, onsets.false_alarms),
        (1, 1, 1)
    );
    // The label changes two and a half frames before the window that should show it.
    let label_s = f64::midpoint(frame_time_s(GRID.frame(9)), frame_time_s(GRID.frame(9) + 1));
    let onset_s = GRID.time_s(11);
    close(
        onsets.delay_median_s,
        onset_s + lookahead_s(HORIZON) - label_s,
    );
    close(onsets.t_error_median_s, onset_s - label_s);
    assert_eq!((raw.offsets.found, raw.offsets.missed), (1, 0));
    let causal = &rows[2];
    assert_eq!(causal.smoothing, Smoothing::Causal);
    close(
        causal.onsets.delay_median_s,
        onset_s + HOP_S + lookahead_s(HORIZON) - label_s,
    );
}

#[test]
fn a_corpus_without_silent_tracks_has_no_false_seconds_an_hour() {
    let tracks = [track("song", "..VV......", "..VV......")];
    let rows = figures("made", "net", &tracks, &[HORIZON], &[point()], COLLAR_S).unwrap();
    assert!(rows[0].decisions.false_voice_s_per_hour.is_nan());
    let json = serde_json::to_value(&rows[0]).unwrap();
    assert!(json["false_voice_s_per_hour"].is_null());
}

#[test]
fn curves_go_through_every_threshold() {
    let scored = [
        (0.9, true),
        (0.8, false),
        (0.7, true),
        (0.4, true),
        (0.3, false),
        (0.1, false),
    ];
    let c = curves("made", "net", &scored);
    let third = 1.0 / 3.0;
    let expected = [
        [0.0, 0.0],
        [0.0, third],
        [third, third],
        [third, 2.0 * third],
        [third, 1.0],
        [2.0 * third, 1.0],
        [1.0, 1.0],
    ];
    assert_eq!(c.roc, expected);
    assert_eq!(c.precision_recall[0], [third, 1.0]);
    assert_eq!(c.precision_recall.last(), Some(&[1.0, 0.5]));
    assert_eq!(c.histogram.with_voice.iter().sum::<u64>(), 3);
    assert_eq!(
        (c.histogram.with_voice[36], c.histogram.without_voice[32]),
        (1, 1)
    );
    // One class alone has no curve, but its scores are counted.
    let silent = curves("made", "net", &[(1.0, false)]);
    assert!(silent.roc.is_empty() && silent.precision_recall.is_empty());
    assert_eq!(silent.histogram.without_voice[39], 1);
}

#[test]
fn another_detectors_labels_are_read_at_our_times() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("other");
    fs::create_dir(&dir).unwrap();
    let labels = "..........VVVVVVVVVV........................";
    let between = |window| GRID.time_s(window) - 0.5 * HOP_S;
    let (from, to) = (between(10), between(20));
    fs::write(
        dir.join("a.lab"),
        format!("0 {from} nosing\n{from} {to} sing\n{to} 99 nosing\n"),
    )
    .unwrap();
    fs::write(dir.join("b.txt"), format!("{from}\t{to}\tvoice\n")).unwrap();
    let rows: String = (0..44)
        .map(|w| {
            let voice = (10..20).contains(&w);
            let p = if voice { 0.8 } else { 0.2 };
            format!("{},{p},{}\n", GRID.time_s(w), u8::from(voice))
        })
        .collect();
    fs::write(dir.join("c.csv"), "t,p,voice\n".to_owned() + &rows).unwrap();

    let all = ["a", "b", "c"].map(|name| track(name, labels, labels));
    let reference = ReferenceSystem::read(&dir, &["a", "b", "c"], &Default::default()).unwrap();
    let row = reference_figures("made", &reference, &all, 0, HORIZON, COLLAR_S).unwrap();
    assert_eq!(
        (row.detector.as_str(), row.smoothing),
        ("other", Smoothing::AsGiven)
    );
    assert_eq!((row.decisions.accuracy, row.lookahead_s), (1.0, None));
    assert_eq!(
        (row.onsets.found, row.offsets.found, row.onsets.false_alarms),
        (3, 3, 0)
    );
    // The delay of its reports is unknown; the error of their times is not.
    assert!(row.onsets.delay_median_s.is_nan());
    assert!(row.onsets.t_error_median_s.abs() < 0.1);
    // Not all of its labels hold probabilities.
    assert!(row.decisions.auroc.is_nan());
    assert_eq!(reference_scores(&reference, &all, 0, HORIZON), None);
    let last = &all[2..];
    let row = reference_figures("made", &reference, last, 0, HORIZON, COLLAR_S).unwrap();
    assert_eq!(row.decisions.auroc, 1.0);

    fs::write(dir.join("d.csv"), "t,p,voice\n0,nonsense,1\n1,0.5,0\n").unwrap();
    let faults = ReferenceSystem::read(&dir, &["a", "d", "e"], &Default::default())
        .err()
        .unwrap();
    assert_eq!(faults.len(), 2);
    assert!(
        faults[0]
            .to_string()
            .contains("d.csv: line 2 is not `t,p,voice`"),
        "{faults:?}"
    );
    assert!(
        faults[1].to_string().contains("holds no labels for e"),
        "{faults:?}"
    );
}

#[test]
fn the_best_the_median_and_the_worst_song_are_shown() {
    let labels = "..........VVVVVVVVVV....................";
    let tracks = [
        track("poor", labels, "........................................"),
        track("good", labels, labels),
        track("fair", labels, "..........VVVVV........................."),
    ];
    let horizon = Horizon {
        index: 0,
        frames: HORIZON,
        point: OperatingPoint {
            confirm_n: 1,
            confirm_m: 1,
            ..point()
        },
        speech: None,
    };
    let songs = songs("made", &tracks, &horizon, None, COLLAR_S).unwrap();
    let causal: Vec<f64> = songs.iter().map(|s| s.decisions.accuracy_causal).collect();
    assert_eq!(causal, [0.75, 1.0, 0.875]);
    assert_eq!(songs[0].decisions.voice_share, 0.25);
    assert_eq!(
        ranked(&songs),
        [(Rank::Best, 1), (Rank::Median, 2), (Rank::Worst, 0)]
    );
    assert_eq!(ranked(&songs[..1]), [(Rank::Best, 0)]);
    let shown = shown("made", Rank::Best, &tracks[1], &horizon, None).unwrap();
    assert_eq!(shown.p.len(), 40);
    let at = |w| GRID.time_s(w);
    assert_eq!(shown.decided, [[at(10), at(20)]]);
    assert_eq!(shown.labelled.len(), 1);
}
