//! Overlap averaging through its public interface: hand-worked cases, and what it leaves alone.

use std::num::NonZeroU64;

use proptest::prelude::*;
use vocald::decision::OverlapAverage;
use vocald::frontend::WINDOW_HOP_SAMPLES;

const HOP: u64 = WINDOW_HOP_SAMPLES as u64;

fn log_odds(p: f32) -> f32 {
    (p / (1.0 - p)).ln()
}

/// The probability whose log odds are the mean of these probabilities' log odds.
fn pool(p: &[f32]) -> f32 {
    let mean = p.iter().map(|&p| log_odds(p)).sum::<f32>() / p.len() as f32;
    1.0 / (1.0 + (-mean).exp())
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-5
}

/// The averaged outputs of windows, one after the other from sample 0.
fn averaged(horizons: &[u32], rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut overlap_averaging = OverlapAverage::new(horizons);
    let starts = (0..).map(|n| n * HOP);
    let pairs = starts.zip(rows);
    pairs
        .map(|(start, row)| overlap_averaging.push(start, row))
        .collect()
}

#[test]
fn predictions_for_the_same_frame_are_pooled() {
    // 10 frames are two windows: the frame 17 before the end was the one 7 before it two windows ago.
    let rows = [vec![0.9, 0.3], vec![0.8, 0.4], vec![0.6, 0.2]];
    let pooled = averaged(&[17, 7], &rows);
    // No earlier window predicts the frames of the first windows at 17, nor any of those at 7.
    assert_eq!(pooled[0], rows[0]);
    assert_eq!(pooled[1], rows[1]);
    assert_eq!(pooled[2][1], 0.2);
    assert!(close(pooled[2][0], pool(&[0.6, 0.3])), "{pooled:?}");
}

#[test]
fn networks_that_take_turns_are_asked_from_0_08_s_on() {
    let rows = [vec![0.9, 0.3], vec![0.8, 0.4]];
    let pooled = |mut overlap_averaging: OverlapAverage| {
        overlap_averaging.push(0, &rows[0]);
        overlap_averaging.push(HOP, &rows[1])[0]
    };
    assert!(close(
        pooled(OverlapAverage::alternating(&[9, 4])),
        pool(&[0.8, 0.3])
    ));
    assert_eq!(pooled(OverlapAverage::new(&[9, 4])), 0.8);
    assert_eq!(pooled(OverlapAverage::alternating(&[8, 3])), 0.8);
}

#[test]
fn between_two_windows_their_log_odds_are_interpolated() {
    // 8 frames are 1.6 windows: two fifths of the window before, three of the one before that.
    let rows = [vec![0.5, 0.3], vec![0.5, 0.9], vec![0.7, 0.5]];
    let pooled = averaged(&[15, 7], &rows);
    let between = 0.4 * log_odds(0.9) + 0.6 * log_odds(0.3);
    let between = 1.0 / (1.0 + (-between).exp());
    assert!(close(pooled[2][0], pool(&[0.7, between])), "{pooled:?}");
    // With only one of the two, nothing is made up.
    assert_eq!(pooled[1], rows[1]);
}

#[test]
fn every_shorter_horizon_has_one_voice() {
    let row = |p: f32| vec![p; 3];
    let rows: Vec<_> = [0.1, 0.2, 0.3, 0.4, 0.9].into_iter().map(row).collect();
    let pooled = averaged(&[25, 15, 5], &rows);
    assert!(close(pooled[4][0], pool(&[0.9, 0.3, 0.1])), "{pooled:?}");
    assert!(close(pooled[4][1], pool(&[0.9, 0.3])), "{pooled:?}");
    assert_eq!(pooled[4][2], 0.9);
}

#[test]
fn what_is_missing_says_nothing() {
    let mut overlap_averaging = OverlapAverage::new(&[17, 12, 7]);
    overlap_averaging.push(0, &[0.5, 0.5, 0.1]);
    // The window after the first was skipped.
    let third = overlap_averaging.push(2 * HOP, &[0.6, 0.6, 0.6]);
    assert!(close(third[0], pool(&[0.6, 0.1])), "{third:?}");
    assert_eq!(third[1], 0.6);
    // After a hole in the sound no earlier window covers these frames.
    let beyond = 2 * HOP + 100_003;
    assert_eq!(
        overlap_averaging.push(beyond, &[0.3, 0.4, 0.2]),
        [0.3, 0.4, 0.2]
    );
}

#[test]
fn one_prediction_cannot_outvote_all_others() {
    let pooled = averaged(&[12, 7], &[vec![0.5, 0.0], vec![0.99999, 0.5]]);
    assert!((0.49..0.51).contains(&pooled[1][0]), "{pooled:?}");
    let pooled = averaged(&[12, 7], &[vec![0.5, 1.0], vec![1.0, 0.5]]);
    assert!(pooled[1][0] > 0.999 && pooled[1][0] < 1.0, "{pooled:?}");
}

#[test]
fn a_window_that_hardly_covers_a_frame_is_left_out() {
    let rows: Vec<Vec<f32>> = [0.2, 0.7, 0.4].map(|p| vec![p; 2]).into();
    assert_eq!(averaged(&[7, 2], &rows), rows);
    assert_ne!(averaged(&[12, 7], &rows), rows);
}

proptest! {
    #[test]
    fn without_other_windows_predictions_stay_as_they_are(rows in prop::collection::vec(0.0f32..=1.0, 1..40)) {
        let mut none = OverlapAverage::only_newest(&[7]);
        let mut one = OverlapAverage::new(&[7]);
        for (n, &p) in rows.iter().enumerate() {
            let start = n as u64 * HOP;
            prop_assert_eq!(none.push(start, &[p, 0.5]), vec![p, 0.5]);
            prop_assert_eq!(one.push(start, &[p]), vec![p]);
        }
    }

    #[test]
    fn agreement_stays_within_what_was_said(rows in prop::collection::vec(prop::collection::vec(0.001f32..0.999, 4), 1..60)) {
        let least = rows.iter().flatten().copied().fold(1.0, f32::min);
        let most = rows.iter().flatten().copied().fold(0.0, f32::max);
        for (row, before) in averaged(&[39, 23, 15, 7], &rows).iter().zip(&rows) {
            prop_assert!(row.iter().all(|p| (least - 1e-5..=most + 1e-5).contains(p)));
            prop_assert_eq!(row[3], before[3]);
        }
    }
}

#[test]
fn a_window_that_is_left_out_is_filled_from_the_predictions_of_the_windows_before_it() {
    // Every second window: the one left out at hop 3 has a prediction by the window at hop 2, one window ago, and at
    // its shortest horizon by the window at hop 0, which is too far away.
    let mut average = OverlapAverage::new(&[15, 10, 5]);
    average.push(0, &[0.9, 0.8, 0.7]);
    average.push(2 * HOP, &[0.6, 0.4, 0.3]);
    let filled = |horizon| average.fill(3 * HOP, horizon).unwrap();
    assert!(close(filled(0), 0.4));
    assert!(close(filled(1), 0.3));
    // Nothing predicts the frame at the shortest horizon: the newest window's holds on.
    assert!(close(filled(2), 0.3));

    // Two predictions of one frame are averaged.
    let mut average = OverlapAverage::new(&[20, 15, 10, 5]);
    average.push(0, &[0.9, 0.8, 0.7, 0.6]);
    average.push(2 * HOP, &[0.6, 0.4, 0.3, 0.2]);
    assert!(close(average.fill(3 * HOP, 0).unwrap(), pool(&[0.4, 0.6])));

    // A horizon that is too short for the average still stands in, and so it does without averaging.
    for mut average in [
        OverlapAverage::new(&[9, 4]),
        OverlapAverage::only_newest(&[9, 4]),
    ] {
        assert_eq!(average.fill(0, 0), None);
        average.push(0, &[0.9, 0.2]);
        assert!(close(average.fill(HOP, 0).unwrap(), 0.2));
    }
}

proptest! {
    #[test]
    fn windows_that_nothing_fills_are_counted(
        every in 1..9u64,
        horizons in prop::collection::btree_set(0..60u32, 1..9),
    ) {
        let horizons: Vec<u32> = horizons.into_iter().rev().collect();
        let mut average = OverlapAverage::new(&horizons);
        // A newest window unlike all before it.
        let newest = 50 * every;
        for start in (0..newest).step_by(every as usize) {
            average.push(start * HOP, &vec![0.5; horizons.len()]);
        }
        average.push(newest * HOP, &vec![0.9; horizons.len()]);
        let shorter = |horizon: usize, place: u64| {
            let others = horizons[horizon + 1..].iter();
            let frames = others.map(|other| u64::from(horizons[horizon] - other));
            let exact = frames.filter(|frames| frames % 5 == 0).map(|frames| frames / 5);
            exact.into_iter().any(|windows| windows % every == place)
        };
        for horizon in 0..horizons.len() {
            let held = (1..every).filter(|&place| !shorter(horizon, place));
            let held: Vec<u64> = held.collect();
            for &place in &held {
                let filled = average.fill((newest + place) * HOP, horizon).unwrap();
                prop_assert!(close(filled, 0.9), "{place}");
            }
            let counted = average.held(NonZeroU64::new(every).unwrap(), horizon);
            prop_assert_eq!(counted, held.len() as u64);
        }
    }
}

#[test]
fn the_outputs_of_shipped_networks_fill_what_is_stated() {
    let held = |horizons: &[u32], every, horizon| {
        OverlapAverage::new(horizons).held(NonZeroU64::new(every).unwrap(), horizon)
    };
    let live_wide = [39, 34, 29, 24, 19, 14, 9, 4];
    assert!((1..=8).all(|every| held(&live_wide, every, 0) == 0));
    let live_14 = [39, 31, 23, 15, 7, 2];
    assert_eq!(held(&live_14, 8, 4), 6);
    assert_eq!(held(&live_14, 8, 0), 7);
}
