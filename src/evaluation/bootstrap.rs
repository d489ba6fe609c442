//! Confidence intervals by bootstrap over tracks (Efron 1979).

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Draws of the bootstrap; more do not change the third decimal of the interval.
pub const BOOTSTRAP_DRAWS: usize = 2000;

/// The mean, and the 2.5 and 97.5 % quantiles of the means of resampled tracks; NaN without values.
pub(super) fn mean_with_interval(values: &[f64]) -> [f64; 3] {
    let tracks: Vec<[f64; 2]> = values.iter().map(|&value| [value, 1.0]).collect();
    ratio_with_interval(&tracks)
}

/// The ratio of two sums over tracks, and its 2.5 and 97.5 % quantiles over resampled tracks. `tracks` holds the
/// summands of numerator and denominator for each track. NaN without tracks. The draws are always the same.
pub fn ratio_with_interval(tracks: &[[f64; 2]]) -> [f64; 3] {
    if tracks.is_empty() {
        return [f64::NAN; 3];
    }
    let ratio = |drawn: &mut dyn Iterator<Item = [f64; 2]>| {
        let [part, whole] = drawn.fold([0.0; 2], |sum, track| {
            [sum[0] + track[0], sum[1] + track[1]]
        });
        part / whole
    };
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut draw =
        || ratio(&mut (0..tracks.len()).map(|_| tracks[rng.random_range(0..tracks.len())]));
    let mut ratios: Vec<f64> = (0..BOOTSTRAP_DRAWS).map(|_| draw()).collect();
    ratios.sort_by(f64::total_cmp);
    let quantile = |q: f64| ratios[((BOOTSTRAP_DRAWS - 1) as f64 * q).round() as usize];
    let all = ratio(&mut tracks.iter().copied());
    [all, quantile(0.025), quantile(0.975)]
}
