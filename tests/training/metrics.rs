//! Measures against values worked out by hand.

use vocald::evaluation::metrics::{Confusion, auroc, cross_entropy};

const SCORED: [(f32, bool); 6] = [
    (0.9, true),
    (0.8, false),
    (0.7, true),
    (0.4, true),
    (0.3, false),
    (0.1, false),
];

#[test]
fn confusion_at_a_threshold() {
    let c = Confusion::at(0.5, SCORED);
    assert_eq!(
        (c.true_voice, c.false_voice, c.true_silence, c.missed_voice),
        (2, 1, 2, 1)
    );
    assert_eq!(c.accuracy(), 4.0 / 6.0);
    assert_eq!(c.precision(), 2.0 / 3.0);
    assert_eq!(c.recall(), 2.0 / 3.0);
    assert_eq!(c.f1(), 2.0 / 3.0);
    assert_eq!(c.false_positive_rate(), 1.0 / 3.0);
    assert_eq!(c.always_voice_accuracy(), 0.5);
}

#[test]
fn a_probability_at_the_threshold_is_voice() {
    assert_eq!(Confusion::at(0.5, [(0.5, true)]).true_voice, 1);
}

#[test]
fn a_figure_without_a_denominator_is_no_number() {
    assert!(Confusion::default().accuracy().is_nan());
    assert!(
        Confusion::at(0.5, [(0.2, true)])
            .false_positive_rate()
            .is_nan()
    );
    assert!(auroc(&[(0.2, true)]).is_nan());
}

#[test]
fn area_under_the_roc_curve() {
    // Of the nine pairs of a voiced and a silent frame, seven are in order.
    assert!((auroc(&SCORED) - 7.0 / 9.0).abs() < 1e-12);
    // Ties count half.
    assert_eq!(auroc(&[(0.5, true), (0.5, false)]), 0.5);
    assert_eq!(
        auroc(&[(0.5, true), (0.5, false), (0.9, true), (0.1, false)]),
        0.875
    );
}

#[test]
fn cross_entropy_in_nats() {
    let mean = -(0.8f64.ln() + 0.75f64.ln()) / 2.0;
    let measured = cross_entropy(&[(0.8, true), (0.25, false)]);
    assert!((measured - mean).abs() < 1e-6);
}
