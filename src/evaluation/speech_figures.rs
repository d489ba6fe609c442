//! Figures of the output for speech: what it calls speech, and what is published as a voice because of it.

use serde::Serialize;

use crate::decision::{Horizon, PointError};
use crate::evaluation::decide::causal;
use crate::evaluation::figures::Measured;
use crate::evaluation::metrics::auroc;
use crate::evaluation::scorer::ScoredWindow;

/// A checkpoint with an output for speech on a corpus, at one horizon, by the decisions that the daemon publishes. A share
/// of nothing is NaN, in JSON null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeechFigures {
    /// Name of the corpus.
    pub corpus: String,
    /// Where somebody speaks by the labels.
    pub talk: Shares,
    /// Where somebody sings and nobody speaks.
    pub singing: Shares,
    /// Where nobody sings or speaks.
    pub neither: Shares,
    /// Area under the ROC curve of the probabilities of speech.
    pub auroc: f64,
}

/// Shares of some decisions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// Number of these decisions.
    pub windows: u64,
    /// Published as speech.
    pub as_speech: f64,
    /// Published as a voice.
    pub as_voice: f64,
    /// The same without suppression of voice by speech.
    pub as_voice_without_suppression: f64,
}

/// The figures on a corpus; `None` for a checkpoint without the output, or a corpus without labels for it.
///
/// # Errors
///
/// An operating point is invalid.
pub fn speech_figures(
    corpus: &str,
    tracks: &[Measured],
    horizon: &Horizon,
) -> Result<Option<SpeechFigures>, PointError> {
    let Some(point) = horizon.speech.map(|speech| speech.point) else {
        return Ok(None);
    };
    let mut counts = [Counts::default(); 3];
    let mut labelled = Vec::new();
    for track in tracks {
        let Some(speech) = &track.scored.speech else {
            continue;
        };
        let h = horizon.index;
        let grid = track.scored.grid(horizon.frames);
        let windows = &track.scored.horizons[h];
        let alone: Vec<ScoredWindow> = speech.voice_alone[h].iter().map(|&p| (p, None)).collect();
        let decided = [
            causal(&speech.horizons[h], &point, grid)?.voice,
            causal(windows, &horizon.point, grid)?.voice,
            causal(&alone, &horizon.point, grid)?.voice,
        ];
        for (window, (&(_, voice), &(p, talk))) in
            windows.iter().zip(&speech.horizons[h]).enumerate()
        {
            let Some(talk) = talk else { continue };
            labelled.push((p, talk));
            let class = match (talk, voice) {
                (true, _) => 0,
                (false, Some(true)) => 1,
                (false, Some(false)) => 2,
                (false, None) => continue,
            };
            counts[class].add(decided.each_ref().map(|decided| decided[window]));
        }
    }
    let [talk, singing, neither] = counts.map(|count| count.shares());
    Ok((!labelled.is_empty()).then(|| SpeechFigures {
        corpus: corpus.into(),
        talk,
        singing,
        neither,
        auroc: auroc(&labelled),
    }))
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    windows: u64,
    /// Speech; voice; voice without suppression.
    decided: [u64; 3],
}

impl Counts {
    fn add(&mut self, decided: [bool; 3]) {
        self.windows += 1;
        for (count, decided) in self.decided.iter_mut().zip(decided) {
            *count += u64::from(decided);
        }
    }

    fn shares(&self) -> Shares {
        let [speech, voice, alone] = self.decided.map(|count| count as f64 / self.windows as f64);
        Shares {
            windows: self.windows,
            as_speech: speech,
            as_voice: voice,
            as_voice_without_suppression: alone,
        }
    }
}
