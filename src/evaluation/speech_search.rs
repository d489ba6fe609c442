//! Choice of what concerns speech on validation data: the operating points of that output, and how it suppresses voice.

use crate::decision::{OperatingPoint, PointError, Suppression};
use crate::evaluation::decide::causal;
use crate::evaluation::metrics::Confusion;
use crate::evaluation::scorer::{ScoredTrack, ScoredWindow};
use crate::evaluation::threshold_search::{Aim, Limits, choose_within};
use crate::model::Metadata;

/// Limits on false alarms in songs, unaccompanied singing and music without a voice.
const FALSE_ALARMS: Limits = Limits {
    raw: 0.04,
    causal: 0.02,
};
/// Probabilities of speech from which voice may be suppressed.
const FROM: [f32; 8] = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
/// Weights, the smallest first: the first of equals is taken.
const WEIGHTS: [f32; 9] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
/// Share of the singing of a corpus that may be lost to suppression.
const RECALL_LOST: f64 = 0.005;

/// Chooses the operating point of speech for each horizon, and the suppression of voice with the operating points of
/// voice as they are. `scored` holds the tracks of each corpus, scored without suppression; without speech among their
/// labels nothing changes.
pub fn choose(metadata: &mut Metadata, scored: &[Vec<ScoredTrack>]) {
    let Some(speech) = &mut metadata.speech else {
        return;
    };
    let of_speech: Vec<Vec<ScoredTrack>> = scored
        .iter()
        .map(|tracks| tracks.iter().filter_map(speech_track).collect())
        .collect();
    let labels = of_speech.iter().flatten().flat_map(|t| t.labelled(0));
    if !labels.into_iter().any(|(_, speech)| speech) {
        return;
    }
    for (h, point) in speech.operating_points.iter_mut().enumerate() {
        *point = choose_within(&of_speech, h, Aim::Even, FALSE_ALARMS);
    }
    let default = metadata.default_horizon_frames;
    let default = metadata.horizons_frames.iter().position(|&h| h == default);
    let h = default.unwrap_or(0);
    speech.suppression = suppression(scored, h, &metadata.operating_points[h]);
}

/// The suppression that takes the least talk for a voice, of those that lose no more than [`RECALL_LOST`] of the singing of
/// any corpus; `None` if it is best to have none.
fn suppression(
    scored: &[Vec<ScoredTrack>],
    h: usize,
    point: &OperatingPoint,
) -> Option<Suppression> {
    // Candidates and points are valid by construction.
    let before = Outcome::of(scored, h, point, None).ok()?;
    let mut best: (f64, Option<Suppression>) = (before.talk_as_voice, None);
    for weight in WEIGHTS {
        for from in FROM {
            let rule = Suppression { from, weight };
            let after = Outcome::of(scored, h, point, Some(rule)).ok()?;
            let mut recalls = before.recalls.iter().zip(&after.recalls);
            let keeps = recalls.all(|(before, after)| before - after <= RECALL_LOST);
            if keeps && after.talk_as_voice < best.0 {
                best = (after.talk_as_voice, Some(rule));
            }
        }
    }
    best.1
}

/// What a suppression does.
struct Outcome {
    /// Share of the singing that is published, of each corpus with any.
    recalls: Vec<f64>,
    /// Share of talk that is published as a voice: the mean over the corpora with speech and without singing.
    talk_as_voice: f64,
}

impl Outcome {
    fn of(
        scored: &[Vec<ScoredTrack>],
        h: usize,
        point: &OperatingPoint,
        rule: Option<Suppression>,
    ) -> Result<Self, PointError> {
        let (mut recalls, mut talk) = (Vec::new(), Vec::new());
        for tracks in scored {
            let mut sung = Confusion::default();
            let mut spoken = Confusion::default();
            for track in tracks {
                let windows = suppressed(track, h, rule);
                let decisions = causal(&windows, point, track.grid(0))?;
                sung = sung + track.confusion(h, &decisions.voice);
                let speech = track.speech.iter().flat_map(|s| &s.horizons[h]);
                for ((&voice, (_, label)), (_, is_talk)) in
                    decisions.voice.iter().zip(&windows).zip(speech)
                {
                    if (label, is_talk) == (&Some(false), &Some(true)) {
                        spoken.count(voice, false);
                    }
                }
            }
            match sung.true_voice + sung.missed_voice > 0 {
                true => recalls.push(sung.recall()),
                false if spoken.total() > 0 => talk.push(spoken.false_positive_rate()),
                false => {}
            }
        }
        Ok(Self {
            recalls,
            talk_as_voice: talk.iter().sum::<f64>() / talk.len().max(1) as f64,
        })
    }
}

/// The windows of a track at a horizon index with a suppression.
fn suppressed(track: &ScoredTrack, h: usize, rule: Option<Suppression>) -> Vec<ScoredWindow> {
    let windows = &track.horizons[h];
    let (Some(rule), Some(speech)) = (rule, &track.speech) else {
        return windows.clone();
    };
    let speech = speech.horizons[h].iter();
    let windows = windows.iter().zip(speech);
    windows
        .map(|(&(p, label), &(speech, _))| (rule.apply(p, speech), label))
        .collect()
}

/// A track with its output for speech in the place of that for voice.
fn speech_track(track: &ScoredTrack) -> Option<ScoredTrack> {
    Some(ScoredTrack {
        name: track.name.clone(),
        features: track.features,
        horizons: track.speech.as_ref()?.horizons.clone(),
        speech: None,
    })
}
