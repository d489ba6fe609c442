//! Drawing sequences for networks that use separated sound: a corpus by its weight, a track by its length, a
//! place in it. The recorded mix is used unchanged, since separated features cannot be mixed.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::corpora::SeparatedTrack;
use crate::corpora::Track;
use crate::frontend::separated_mel::{SEQUENCE_FRAMES, separated_time_s};
use crate::inference::sequences::log_energy;
use crate::training::sampler::{PLACE_TRIES, Pool, UNLABELLED, pick_pool};

/// Draws the log energies of a sequence (frames × 80) and the label of every frame.
pub(super) fn draw(
    pools: &[Pool],
    rng: &mut Xoshiro256PlusPlus,
    values: &mut [f32],
    labels: &mut [f32],
) {
    let Some((track, separated, start)) = place(pools, rng) else {
        // Unreachable: the sampler has checked that every track is separated.
        return labels.fill(UNLABELLED);
    };
    let frames = values.chunks_exact_mut(separated.bands());
    for (i, (frame, label)) in frames.zip(labels).enumerate() {
        for (value, &energy) in frame.iter_mut().zip(separated.frame(start + i)) {
            *value = log_energy(energy);
        }
        // Frames after the end of a short track have no label.
        *label = voiced(track, start + i).map_or(UNLABELLED, |voice| f32::from(u8::from(voice)));
    }
}

/// A track and the first frame of a sequence in it. The share of voice, if there is one, applies to the frame
/// in the middle.
fn place<'a>(
    pools: &[Pool<'a>],
    rng: &mut Xoshiro256PlusPlus,
) -> Option<(&'a Track, &'a SeparatedTrack, usize)> {
    let pool = pick_pool(pools, rng);
    let required = pool.voice_share.map(|share| rng.random_bool(share));
    let mut tries = PLACE_TRIES;
    loop {
        let track = pool.pick_track(rng);
        let separated = track.separated.as_ref()?;
        let latest = separated.frames().saturating_sub(SEQUENCE_FRAMES);
        let start = rng.random_range(0..=latest);
        let voiced = voiced(track, start + SEQUENCE_FRAMES / 2);
        tries -= 1;
        if voiced.is_some_and(|v| required.is_none_or(|r| r == v)) || tries == 0 {
            return Some((track, separated, start));
        }
    }
}

fn voiced(track: &Track, frame: usize) -> Option<bool> {
    track.voice_at(separated_time_s(frame))
}
