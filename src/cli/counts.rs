//! Whole numbers of the command line, each within what makes sense.

use std::num::NonZeroU64;
use std::str::FromStr;

use crate::decision::Horizon;
use crate::frontend::window::lookahead_s;
use crate::model::Metadata;

/// Most threads, and most jobs at the same time: more than any machine has cores for.
const MOST_THREADS: usize = 1024;
/// The outputs of some shipped networks lie one window apart and fill seven windows; in more the last prediction would
/// only be held. Those of others fill fewer.
const MOST_EVERY: usize = 8;

/// A number of threads, or of jobs at the same time.
pub fn threads<N: FromStr>(text: &str) -> Result<N, String> {
    number(text, MOST_THREADS)
}

/// Of how many windows one is inferred.
pub fn every<N: FromStr>(text: &str) -> Result<N, String> {
    number(text, MOST_EVERY)
}

/// Warns where a model's other outputs do not fill all windows between those that are inferred.
pub fn warn_of_held_windows(model: &Metadata, horizon: &Horizon, every: NonZeroU64) {
    let held = model.new_overlap_average().held(every, horizon.index);
    if held > 0 {
        tracing::warn!(
            "--every {every}: {held} of {every} windows only hold the last prediction, since {} has no output for them \
             at a look-ahead of {:.2} s",
            model.name,
            lookahead_s(horizon.frames)
        );
    }
}

/// A number of epochs or batches.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".into()),
        Ok(n) => Ok(n),
        Err(_) => Err("it is not a number".into()),
    }
}

fn number<N: FromStr>(text: &str, most: usize) -> Result<N, String> {
    let fits = text.parse().is_ok_and(|n| (1..=most).contains(&n));
    let number = fits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("it must be a whole number from 1 to {most}"))
}
