//! The collar: decisions near a labelled change, which a measure may leave out.
//!
//! Nobody can say to the tenth of a second where a sung note ends, so measures of speech activity ignore what lies close
//! to a change of the labels (NIST's `md-eval`, pyannote's `collar`).

use crate::evaluation::grid::Grid;
use crate::frontend::window::frame_time_s;

/// Default width of the collar in seconds, on either side of a labelled change.
pub const COLLAR_S: f64 = 0.25;

/// Whether each decision lies at least `collar_s` from every change between voice and no voice. `labels` has a value for
/// each frame; a change lies half-way between two frames.
pub(super) fn outside_collar(
    labels: &[Option<bool>],
    windows: usize,
    grid: Grid,
    collar_s: f64,
) -> Vec<bool> {
    let frames = 1..labels.len();
    let changes = frames.filter(|&f| match (labels[f - 1], labels[f]) {
        (Some(before), Some(after)) => before != after,
        _ => false,
    });
    let changes_s: Vec<f64> = changes
        .map(|f| f64::midpoint(frame_time_s(f - 1), frame_time_s(f)))
        .collect();
    let is_outside = |window| {
        let t_s = grid.time_s(window);
        let after = changes_s.partition_point(|&change_s| change_s < t_s);
        let around = &changes_s[after.saturating_sub(1)..changes_s.len().min(after + 1)];
        around
            .iter()
            .all(|change_s| (change_s - t_s).abs() >= collar_s)
    };
    (0..windows).map(is_outside).collect()
}
