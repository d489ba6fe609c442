//! The tracker through its public face: hand-worked cases, then invariants on random streams.

use proptest::prelude::*;
use vocald::decision::OperatingPoint;
use vocald::decision::Reentry;
use vocald::decision::{Decision, Event, Tracker};

const HOP_S: f64 = 0.1;

fn point() -> OperatingPoint {
    OperatingPoint {
        threshold: 0.5,
        enter: 0.6,
        reentry: None,
        leave: 0.4,
        confirm_n: 1,
        confirm_m: 1,
        min_voice_s: 0.0,
        min_gap_s: 0.0,
    }
}

fn track(point: OperatingPoint, probabilities: &[f32]) -> (Vec<Decision>, Option<Event>) {
    let mut tracker = Tracker::new(point).unwrap();
    let decisions = probabilities
        .iter()
        .enumerate()
        .map(|(k, &p)| tracker.push(k as f64 * HOP_S, p))
        .collect();
    (decisions, tracker.gap())
}

fn events(point: OperatingPoint, probabilities: &[f32]) -> Vec<Event> {
    let (decisions, last) = track(point, probabilities);
    decisions
        .into_iter()
        .filter_map(|d| d.event)
        .chain(last)
        .collect()
}

fn voices(point: OperatingPoint, probabilities: &[f32]) -> Vec<bool> {
    track(point, probabilities)
        .0
        .iter()
        .map(|d| d.voice)
        .collect()
}

fn assert_events(found: &[Event], expected: &[Event]) {
    let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
    let same = found.len() == expected.len()
        && found.iter().zip(expected).all(|pair| match pair {
            (Event::Onset { t_s: a }, Event::Onset { t_s: b }) => close(*a, *b),
            (
                Event::Offset {
                    t_s: a,
                    duration_s: da,
                },
                Event::Offset {
                    t_s: b,
                    duration_s: db,
                },
            ) => close(*a, *b) && close(*da, *db),
            _ => false,
        });
    assert!(same, "found {found:?}, wanted {expected:?}");
}

#[test]
fn an_event_lies_where_the_line_between_two_frames_meets_the_threshold() {
    // 0.2 → 0.8 meets 0.6 at two thirds, 0.8 → 0.2 meets 0.4 at two thirds.
    assert_events(
        &events(point(), &[0.2, 0.8, 0.8, 0.2]),
        &[
            Event::Onset { t_s: 0.2 / 3.0 },
            Event::Offset {
                t_s: 0.2 + 0.2 / 3.0,
                duration_s: 0.2,
            },
        ],
    );
}

#[test]
fn between_the_thresholds_the_state_stays() {
    assert_eq!(
        voices(point(), &[0.5, 0.59, 0.6, 0.5, 0.4, 0.39, 0.5]),
        [false, false, true, true, true, false, false]
    );
}

#[test]
fn a_change_needs_n_of_m_windows_and_is_dated_to_the_first_of_them() {
    let point = OperatingPoint {
        confirm_n: 3,
        confirm_m: 4,
        ..point()
    };
    assert_eq!(
        voices(point, &[0.9, 0.1, 0.9, 0.1, 0.9, 0.9, 0.9]),
        [false, false, false, false, false, true, true]
    );
    // Windows 2, 4 and 5 agree; the crossing before window 2 lies between 0.1 and 0.9.
    assert_events(
        &events(point, &[0.9, 0.1, 0.9, 0.1, 0.9, 0.9])[..1],
        &[Event::Onset {
            t_s: 0.1 + 0.1 * 0.5 / 0.8,
        }],
    );
}

#[test]
fn votes_from_before_a_change_do_not_undo_it() {
    let point = OperatingPoint {
        confirm_n: 2,
        confirm_m: 5,
        ..point()
    };
    assert_eq!(
        voices(point, &[0.1, 0.1, 0.1, 0.9, 0.9, 0.9]),
        [false, false, false, false, true, true]
    );
}

#[test]
fn a_gap_in_the_voice_is_bridged_when_it_is_short() {
    let point = OperatingPoint {
        min_gap_s: 0.25,
        ..point()
    };
    let bridged = [0.1, 0.9, 0.1, 0.1, 0.9, 0.9];
    assert_eq!(
        events(point, &bridged).len(),
        2,
        "one onset, one offset at the end"
    );
    assert_eq!(
        voices(point, &bridged),
        [false, true, true, true, true, true]
    );
    // The offset is dated to where the voice went, not to where that became certain.
    assert_events(
        &events(point, &[0.1, 0.9, 0.1, 0.1, 0.1, 0.1]),
        &[
            Event::Onset {
                t_s: 0.1 * 0.5 / 0.8,
            },
            Event::Offset {
                t_s: 0.1 + 0.1 * 0.5 / 0.8,
                duration_s: 0.1,
            },
        ],
    );
}

#[test]
fn a_voice_that_has_begun_lasts_its_minimum() {
    let point = OperatingPoint {
        min_voice_s: 0.35,
        ..point()
    };
    assert_events(
        &events(point, &[0.9, 0.1, 0.1, 0.1, 0.1, 0.1]),
        &[
            Event::Onset { t_s: 0.0 },
            Event::Offset {
                t_s: 0.35,
                duration_s: 0.35,
            },
        ],
    );
}

#[test]
fn a_gap_closes_the_voice_and_nothing_is_interpolated_across_it() {
    let mut tracker = Tracker::new(point()).unwrap();
    tracker.push(0.0, 0.9);
    tracker.push(0.1, 0.9);
    assert_eq!(
        tracker.gap(),
        Some(Event::Offset {
            t_s: 0.1,
            duration_s: 0.1
        })
    );
    assert_eq!(tracker.gap(), None);
    tracker.push(5.0, 0.9);
    assert_eq!(
        tracker.gap(),
        Some(Event::Offset {
            t_s: 5.0,
            duration_s: 0.0
        })
    );
    assert!(!tracker.push(6.0, 0.1).voice);
    let back = tracker.push(6.1, 0.9);
    assert!(matches!(back.event, Some(Event::Onset { t_s }) if t_s > 6.0 && t_s < 6.1));
}

/// Cold, 0.8 makes a voice begin; for some seconds after a voice, 0.5 does.
fn remembering() -> OperatingPoint {
    OperatingPoint {
        enter: 0.8,
        reentry: Some(Reentry {
            reenter: 0.5,
            recency_s: 10.0,
        }),
        ..point()
    }
}

/// Whether 0.6 is taken for a voice after this, one probability for so many tenths of a second after the other.
fn begins_again(before: &[(f32, usize)]) -> bool {
    let before = before.iter().flat_map(|&(p, n)| vec![p; n]);
    let probabilities: Vec<f32> = before.chain([0.6]).collect();
    *voices(remembering(), &probabilities).last().unwrap()
}

#[test]
fn recent_singing_lowers_the_onset_threshold() {
    assert!(!begins_again(&[(0.6, 100)]), "none was heard");
    assert!(begins_again(&[(0.9, 20), (0.1, 10)]));
    // After 2.1 s of voice the recency is 0.19; 6.4 s later it is below 0.1.
    assert!(begins_again(&[(0.9, 21), (0.1, 61)]));
    assert!(!begins_again(&[(0.9, 21), (0.1, 66)]), "forgotten");
    assert!(
        !begins_again(&[(0.9, 6), (0.1, 10)]),
        "too short to be a phrase"
    );
    // A minute of it is remembered for longer, but not for ever.
    assert!(begins_again(&[(0.9, 600), (0.1, 200)]));
    assert!(!begins_again(&[(0.9, 600), (0.1, 240)]));
}

#[test]
fn a_voice_is_remembered_across_a_gap_by_the_time_that_passed() {
    for (back_s, remembered) in [(4.0, true), (30.0, false)] {
        let mut tracker = Tracker::new(remembering()).unwrap();
        for k in 0..30 {
            tracker.push(f64::from(k) * HOP_S, 0.9);
        }
        tracker.gap();
        assert_eq!(tracker.push(back_s, 0.6).voice, remembered, "{back_s}");
    }
}

#[test]
fn points_that_cannot_work_are_refused_with_a_reason() {
    let again = |reenter: f32, recency_s: f32| OperatingPoint {
        reentry: Some(Reentry { reenter, recency_s }),
        ..point()
    };
    let refused = [
        OperatingPoint {
            enter: 0.0,
            ..point()
        },
        OperatingPoint {
            leave: f32::NAN,
            ..point()
        },
        OperatingPoint {
            threshold: 1.0,
            ..point()
        },
        OperatingPoint {
            leave: 0.7,
            ..point()
        },
        again(0.61, 10.0),
        again(0.39, 10.0),
        again(f32::NAN, 10.0),
        again(0.5, 0.0),
        again(0.5, f32::INFINITY),
        OperatingPoint {
            confirm_n: 0,
            ..point()
        },
        OperatingPoint {
            confirm_n: 3,
            confirm_m: 2,
            ..point()
        },
        OperatingPoint {
            confirm_m: 1000,
            ..point()
        },
        OperatingPoint {
            min_voice_s: -1.0,
            ..point()
        },
        OperatingPoint {
            min_gap_s: f32::INFINITY,
            ..point()
        },
    ];
    for point in refused {
        assert!(Tracker::new(point).is_err(), "{point:?}");
    }
    let refused = Tracker::new(OperatingPoint {
        leave: 0.7,
        ..point()
    })
    .err()
    .unwrap();
    assert_eq!(
        refused.to_string(),
        "the threshold to leave voice is above the one to enter it"
    );
}

fn any_point() -> impl Strategy<Value = OperatingPoint> {
    (
        0.05f32..0.95,
        0.0f32..1.0,
        1u32..6,
        0u32..4,
        0.0f32..1.0,
        0.0f32..1.0,
        prop::option::of((0.0f32..=1.0, 0.1f32..20.0)),
    )
        .prop_map(
            |(enter, part, confirm_n, more, min_voice_s, min_gap_s, reentry)| OperatingPoint {
                threshold: 0.5,
                enter,
                reentry: reentry.map(|(between, recency_s)| {
                    let leave = (enter * part).max(0.01);
                    let reenter = (leave + between * (enter - leave)).clamp(leave, enter);
                    Reentry { reenter, recency_s }
                }),
                leave: (enter * part).max(0.01),
                confirm_n,
                confirm_m: confirm_n + more,
                min_voice_s,
                min_gap_s,
            },
        )
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Push(f32),
    Gap,
}

/// Probabilities that linger, so that voices of every length come up.
fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let run = (0.0f32..=1.0, 1usize..8).prop_map(|(p, n)| vec![Step::Push(p); n]);
    let step = prop_oneof![12 => run, 1 => Just(vec![Step::Gap])];
    prop::collection::vec(step, 0..60).prop_map(|runs| runs.concat())
}

/// Every event with the time it was emitted at, and whether a gap or the end forced it.
fn walk(point: OperatingPoint, steps: &[Step]) -> (Vec<Decision>, Vec<(f64, bool, Event)>) {
    let mut tracker = Tracker::new(point).unwrap();
    let (mut decisions, mut events) = (Vec::new(), Vec::new());
    let (mut t_s, mut last_s) = (0.0, 0.0);
    for step in steps {
        match step {
            Step::Push(p) => {
                let decision = tracker.push(t_s, *p);
                events.extend(decision.event.map(|e| (t_s, false, e)));
                decisions.push(decision);
                last_s = t_s;
                t_s += HOP_S;
            }
            Step::Gap => {
                events.extend(tracker.gap().map(|e| (last_s, true, e)));
                t_s += 1.5;
            }
        }
    }
    events.extend(tracker.gap().map(|e| (last_s, true, e)));
    (decisions, events)
}

proptest! {
    #[test]
    fn onsets_and_offsets_alternate_in_rising_time(point in any_point(), steps in any_steps()) {
        let (decisions, events) = walk(point, &steps);
        let mut newest_s = f64::NEG_INFINITY;
        let mut onset = None;
        for (emitted_s, _, event) in &events {
            let t_s = match *event {
                Event::Onset { t_s } => {
                    prop_assert!(onset.replace(t_s).is_none());
                    t_s
                }
                Event::Offset { t_s, duration_s } => {
                    let onset_s: f64 = onset.take().expect("an onset before each offset");
                    prop_assert!((t_s - onset_s - duration_s).abs() < 1e-9 && duration_s >= 0.0);
                    t_s
                }
            };
            prop_assert!(t_s <= *emitted_s + 1e-9 && t_s >= newest_s);
            newest_s = t_s;
        }
        prop_assert_eq!(onset, None);
        prop_assert_eq!(decisions.len(), steps.iter().filter(|s| matches!(s, Step::Push(_))).count());
    }

    #[test]
    fn a_prefix_gives_the_same_decisions(
        point in any_point(), steps in any_steps(), part in 0.0f64..1.0
    ) {
        let (whole, _) = walk(point, &steps);
        let (prefix, _) = walk(point, &steps[..(steps.len() as f64 * part) as usize]);
        prop_assert_eq!(&whole[..prefix.len()], &prefix[..]);
    }

    #[test]
    fn voices_and_gaps_last_their_minimum(point in any_point(), steps in any_steps()) {
        let (_, events) = walk(point, &steps);
        let mut offset: Option<(bool, f64)> = None;
        for (_, forced, event) in events {
            match event {
                Event::Onset { t_s } => {
                    if let Some((false, offset_s)) = offset {
                        prop_assert!(t_s - offset_s >= f64::from(point.min_gap_s) - 1e-9);
                    }
                }
                Event::Offset { t_s, duration_s } => {
                    prop_assert!(forced || duration_s >= f64::from(point.min_voice_s) - 1e-9);
                    offset = Some((forced, t_s));
                }
            }
        }
    }
}
