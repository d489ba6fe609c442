//! A checkpoint at other look-aheads: trained outputs stay, new ones begin between their neighbours.

use vocald::model::Checkpoint;

use crate::support::program;

/// Predicts the frames 39 and 7 before a window's last.
fn checkpoint() -> Checkpoint {
    Checkpoint::read(program::model()).unwrap()
}

/// The weights of a horizon's outputs, no voice and voice.
fn outputs(checkpoint: &Checkpoint, place: i64) -> Vec<f32> {
    let rows = checkpoint.weights["head.weight"].narrow(0, 2 * place, 2);
    Vec::try_from(rows.flatten(0, -1)).unwrap()
}

#[test]
fn new_outputs_lie_between_those_beside_them() {
    let other = checkpoint().with_horizons(&[47, 39, 15, 7, 2]).unwrap();
    let (longer, shorter) = (outputs(&checkpoint(), 0), outputs(&checkpoint(), 1));
    assert_ne!(longer, shorter);
    // Beyond the last there is nothing to lie between.
    assert_eq!(outputs(&other, 0), longer);
    assert_eq!(outputs(&other, 1), longer);
    assert_eq!(outputs(&other, 3), shorter);
    assert_eq!(outputs(&other, 4), shorter);
    // 24 of 32 frames on the way from 39 to 7.
    let pairs = outputs(&other, 2)
        .into_iter()
        .zip(longer.iter().zip(&shorter));
    assert!(
        pairs
            .into_iter()
            .all(|(new, (a, b))| (new - (0.25 * a + 0.75 * b)).abs() < 1e-6)
    );
    for (name, weight) in checkpoint().weights {
        assert!(
            name.starts_with("head.") || weight.equal(&other.weights[&name]),
            "{name}"
        );
    }
    assert_eq!(other.metadata.default_horizon_frames, 7);
    assert_eq!(other.metadata.operating_points.len(), 5);
    // It can be kept and read again.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    other.write(&path).unwrap();
    assert_eq!(Checkpoint::read(&path).unwrap().metadata, other.metadata);
}

#[test]
fn the_same_look_aheads_are_the_same_checkpoint() {
    let (before, after) = (checkpoint(), checkpoint().with_horizons(&[39, 7]).unwrap());
    assert_eq!(before.metadata, after.metadata);
    assert!(before.weights["head.weight"].equal(&after.weights["head.weight"]));
}

#[test]
fn look_aheads_that_cannot_be_are_refused() {
    for horizons in [&[80][..], &[7, 39], &[]] {
        let fault = checkpoint()
            .with_horizons(horizons)
            .err()
            .map(|e| e.to_string());
        assert!(
            fault.is_some_and(|f| f.contains("horizons")),
            "{horizons:?}"
        );
    }
}
