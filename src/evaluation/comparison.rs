//! A checkpoint against a reference system on the same songs.

use serde::Serialize;

use crate::decision::{Horizon, PointError};
use crate::evaluation::bootstrap::ratio_with_interval;
use crate::evaluation::decide::{Smoothing, decide};
use crate::evaluation::figures::{Measured, reference_output};
use crate::evaluation::reference_system::ReferenceSystem;
use crate::evaluation::scorer::ScoredWindow;

/// Accuracy of published decisions minus that of a reference system on a corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the corpus.
    pub corpus: String,
    /// Name of the reference system.
    pub reference: String,
    /// The difference over all decisions, and its 95 % interval by bootstrap over songs. Both detectors are drawn on
    /// the same songs, so it is narrower than the difference of two intervals.
    pub difference: [f64; 3],
    /// The same outside the collar.
    pub outside_collar: [f64; 3],
}

/// Compares the causal decisions at one horizon with a reference system. `None` if it lacks a track.
///
/// # Errors
///
/// The operating point is invalid.
pub fn comparison(
    corpus: &str,
    tracks: &[Measured],
    horizon: &Horizon,
    reference: &ReferenceSystem,
    collar_s: f64,
) -> Result<Option<Comparison>, PointError> {
    let (mut all, mut outside) = (Songs::default(), Songs::default());
    for track in tracks {
        let scored = &track.scored.horizons[horizon.index];
        let grid = track.scored.grid(horizon.frames);
        let ours = decide(scored, Smoothing::Causal, &horizon.point, grid)?.voice;
        let Some(output) = reference_output(reference, track, horizon.index, horizon.frames) else {
            return Ok(None);
        };
        let theirs = output.decisions.voice;
        let kept = track.windows_outside_collar(horizon.index, grid, collar_s);
        all.add(&track.song, scored, &ours, &theirs);
        outside.add(&track.song, &kept, &ours, &theirs);
    }
    Ok(Some(Comparison {
        corpus: corpus.into(),
        reference: reference.name.clone(),
        difference: ratio_with_interval(&all.sums()),
        outside_collar: ratio_with_interval(&outside.sums()),
    }))
}

/// By song: right decisions of ours minus those of the reference system, and all decisions.
#[derive(Default)]
struct Songs(Vec<(String, [f64; 2])>);

impl Songs {
    fn add(&mut self, song: &str, windows: &[ScoredWindow], ours: &[bool], theirs: &[bool]) {
        let mut sums = [0.0; 2];
        for (&(_, label), (ours, theirs)) in windows.iter().zip(ours.iter().zip(theirs)) {
            if let Some(label) = label {
                let right = |voice: &bool| f64::from(u8::from(*voice == label));
                sums[0] += right(ours) - right(theirs);
                sums[1] += 1.0;
            }
        }
        match self.0.iter_mut().find(|(name, _)| name == song) {
            Some((_, of_song)) => *of_song = [of_song[0] + sums[0], of_song[1] + sums[1]],
            None => self.0.push((song.to_owned(), sums)),
        }
    }

    fn sums(&self) -> Vec<[f64; 2]> {
        self.0.iter().map(|(_, sums)| *sums).collect()
    }
}
