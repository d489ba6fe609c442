//! Sounds and levels that a detector should not be moved by, at its frozen operating point.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use crate::corpora::files::sounds_below;
use crate::corpora::{
    Channels, Corpus, FeatureCache, Recording, SeparatedTrack, Sound, SoundError, Track, sentences,
};
use crate::decision::{Horizon, PointError};
use crate::evaluation::decide::{Smoothing, decide};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::scorer::{Levels, ScoredTrack, TrackScorer};
use crate::evaluation::tones;
use crate::frontend::resample::Resampler;
use crate::frontend::separated_mel::SEPARATED_RATE_HZ;
use crate::frontend::{Features, SAMPLE_RATE_HZ};

const GAINS_DB: [f64; 7] = [-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0];
/// Where a 16 kHz recording, one of 11 kHz and a telephone line end.
const TREBLE_UP_TO_HZ: [f64; 3] = [7600.0, 5500.0, 3400.0];
const RATIOS_DB: [f64; 9] = [-12.0, -9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0, 12.0];

/// Every stress test.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stress {
    /// Made sounds (`vibrato`, `signal`) and given folders (`speech`, `music`), none of which
    /// sings: how much of each is called voice.
    pub no_voice: Vec<NoVoice>,
    /// The corpora, louder and softer.
    pub gain: Vec<AtLevel>,
    /// The corpora with stems, remixed: power of the voice where it sounds against the music there,
    /// over mel bands.
    pub voice_to_music: Vec<AtLevel>,
    /// The corpora without their treble: its loss must not pass for a voice.
    pub treble: Vec<WithoutTreble>,
}

/// Sound without singing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoVoice {
    pub kind: String,
    pub name: String,
    pub windows: u64,
    /// Shares of the decisions that are voice.
    pub voice_raw: f64,
    pub voice_causal: f64,
}

/// A corpus at a level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtLevel {
    pub corpus: String,
    pub db: f64,
    #[serde(flatten)]
    pub measured: Measured,
}

/// A corpus without what is above a frequency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WithoutTreble {
    pub corpus: String,
    pub up_to_hz: f64,
    #[serde(flatten)]
    pub measured: Measured,
}

/// What came out where there are voices and pauses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    pub windows: u64,
    pub accuracy_raw: f64,
    pub accuracy_causal: f64,
    pub recall_causal: f64,
    pub false_positive_rate_causal: f64,
}

/// Folders of sound without singing, by kind: each sub-folder is reported for itself.
pub struct Folders {
    tracks: Vec<(String, String, Track)>,
}

impl Folders {
    /// Reads them. The error names every file that cannot be read.
    pub fn read(folders: &[(&str, &Path)], cache: &FeatureCache) -> Result<Self, Vec<String>> {
        let mut files = Vec::new();
        for &(kind, root) in folders {
            for path in sounds_below(root).map_err(sentences)? {
                let place = path.strip_prefix(root).unwrap_or(&path);
                let mut parts = place.components();
                let name = parts.next().map(|part| part.as_os_str().to_string_lossy());
                // A file of the folder itself has nothing after its name.
                let name = match (name, parts.next()) {
                    (Some(name), Some(_)) => name.into_owned(),
                    _ => ".".to_owned(),
                };
                files.push((kind.to_owned(), name, path));
            }
        }
        let read: Vec<Result<_, String>> = files
            .into_par_iter()
            .map(|(kind, name, path)| {
                let (mean, sentence) = (Channels::Mean, |e: SoundError| e.to_string());
                let sound = cache.recording(&path, mean).map_err(sentence)?;
                let separated = cache.separated(&[(&path, mean)]).map_err(sentence)?;
                Ok((kind, name, without_voice(sound, separated)))
            })
            .collect();
        let (tracks, faults): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
        let faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
        match faults.is_empty() {
            true => Ok(Self {
                tracks: tracks.into_iter().flatten().collect(),
            }),
            false => Err(faults),
        }
    }
}

/// Runs every test at one horizon. `done` is told the frames of each track.
pub fn stress(
    scorer: &mut TrackScorer,
    horizon: &Horizon,
    corpora: &[Corpus],
    folders: &Folders,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Stress, PointError> {
    let mut stress = Stress::default();
    let features = scorer.features();
    let made: Vec<_> = tones::all()
        .into_iter()
        .map(|made| {
            let separated = match features {
                Features::Mel(_) => None,
                Features::SeparatedMel => separated(&made.samples),
            };
            let track = without_voice(Recording::of_samples(&made.samples), separated);
            (made.kind.to_owned(), made.name, track)
        })
        .collect();
    for sounds in [&made, &folders.tracks] {
        let jobs: Vec<_> = sounds
            .iter()
            .map(|(_, _, track)| (track, Levels::AS_RECORDED))
            .collect();
        let scored = scorer.score(&jobs, done);
        let mut groups: BTreeMap<(&str, &str), [Confusion; 2]> = BTreeMap::new();
        for ((kind, name, _), track) in sounds.iter().zip(&scored) {
            let sums = groups.entry((kind, name)).or_default();
            count(sums, track, horizon)?;
        }
        // In the order they came, which for made sounds means something.
        for (kind, name, _) in sounds {
            let Some([raw, causal]) = groups.remove(&(kind.as_str(), name.as_str())) else {
                continue;
            };
            stress.no_voice.push(NoVoice {
                kind: kind.clone(),
                name: name.clone(),
                windows: raw.total(),
                voice_raw: raw.false_positive_rate(),
                voice_causal: causal.false_positive_rate(),
            });
        }
    }
    for corpus in corpora {
        let everywhere = |levels| corpus.tracks.iter().map(move |t| (t, levels)).collect();
        let mut measure = |jobs: Vec<_>| measure(scorer, horizon, &jobs, done);
        for db in GAINS_DB {
            stress.gain.push(AtLevel {
                corpus: corpus.name.clone(),
                db,
                measured: measure(everywhere(Levels::with_gain_db(db as f32)))?,
            });
        }
        for db in RATIOS_DB {
            let at_ratio = |track| Some((track, at_ratio(track, db)?));
            let jobs: Vec<_> = corpus.tracks.iter().filter_map(at_ratio).collect();
            if !jobs.is_empty() {
                stress.voice_to_music.push(AtLevel {
                    corpus: corpus.name.clone(),
                    db,
                    measured: measure(jobs)?,
                });
            }
        }
        // A recording that was separated as a whole keeps its treble.
        if features == Features::SeparatedMel {
            continue;
        }
        for up_to_hz in TREBLE_UP_TO_HZ {
            let levels = Levels {
                treble_up_to_hz: Some(up_to_hz as f32),
                ..Levels::AS_RECORDED
            };
            stress.treble.push(WithoutTreble {
                corpus: corpus.name.clone(),
                up_to_hz,
                measured: measure(everywhere(levels))?,
            });
        }
    }
    Ok(stress)
}

/// Frames that [`stress`] will score, for its progress.
pub fn frames(corpora: &[Corpus], folders: &Folders) -> usize {
    let made: usize = tones::all().iter().map(|made| made.samples.len()).sum();
    let given: usize = folders.tracks.iter().map(|(_, _, t)| t.frames()).sum();
    let tracks = corpora.iter().flat_map(|corpus| &corpus.tracks);
    let swept: usize = tracks
        .map(|track| {
            let ratios = at_ratio(track, 0.0).map_or(0, |_| RATIOS_DB.len());
            let treble = match track.separated {
                None => TREBLE_UP_TO_HZ.len(),
                Some(_) => 0,
            };
            track.frames() * (GAINS_DB.len() + ratios + treble)
        })
        .sum();
    made / crate::frontend::HOP_SAMPLES + given + swept
}

/// Of samples at 22 050 Hz.
fn separated(samples: &[f32]) -> Option<SeparatedTrack> {
    // These two rates there are resamplers for.
    let mut resampler = Resampler::to(SEPARATED_RATE_HZ, SAMPLE_RATE_HZ).ok()?;
    let mut resampled = Vec::new();
    resampler.push(samples, &mut resampled);
    resampler.flush(&mut resampled);
    Some(SeparatedTrack::of_samples(&resampled))
}

fn without_voice(sound: Recording, separated: Option<SeparatedTrack>) -> Track {
    Track {
        name: String::new(),
        voice: vec![Some(false); sound.frames()],
        sound: Sound::Mix(sound),
        separated,
    }
}

fn measure(
    scorer: &mut TrackScorer,
    horizon: &Horizon,
    jobs: &[(&Track, Levels)],
    done: &(dyn Fn(usize) + Sync),
) -> Result<Measured, PointError> {
    let mut sums = [Confusion::default(); 2];
    for track in scorer.score(jobs, done) {
        count(&mut sums, &track, horizon)?;
    }
    let [raw, causal] = sums;
    Ok(Measured {
        windows: raw.total(),
        accuracy_raw: raw.accuracy(),
        accuracy_causal: causal.accuracy(),
        recall_causal: causal.recall(),
        false_positive_rate_causal: causal.false_positive_rate(),
    })
}

/// Adds the raw and the causal decisions of a track.
fn count(
    sums: &mut [Confusion; 2],
    track: &ScoredTrack,
    horizon: &Horizon,
) -> Result<(), PointError> {
    let scored = &track.horizons[horizon.index];
    for (sum, smoothing) in sums.iter_mut().zip([Smoothing::Raw, Smoothing::Causal]) {
        let decided = decide(
            scored,
            smoothing,
            &horizon.point,
            track.grid(horizon.frames),
        )?;
        *sum = *sum + track.confusion(horizon.index, &decided.voice);
    }
    Ok(())
}

/// The levels at which the voice is `db` above the music; `None` where there are no stems, one of
/// them is silent where the voice should be, or the network hears the recorded mix, separated.
fn at_ratio(track: &Track, db: f64) -> Option<Levels> {
    if track.separated.is_some() {
        return None;
    }
    let Sound::Stems {
        voice,
        accompaniment,
    } = &track.sound
    else {
        return None;
    };
    let voiced = || (0..track.frames()).filter(|&f| track.voice[f] == Some(true));
    let power = |stem: &Recording| {
        voiced()
            .map(|f| f64::from(stem.power(f..f + 1)))
            .sum::<f64>()
    };
    let balance = (power(accompaniment) / power(voice)).sqrt();
    let usual = Levels::AS_RECORDED;
    (balance.is_finite() && balance > 0.0).then(|| Levels {
        voice: usual.accompaniment * (balance * 10f64.powf(db / 20.0)) as f32,
        ..usual
    })
}
