//! Stress tests: sounds without singing, and the corpora at other levels, at the frozen operating point.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use crate::corpora::files::sounds_below;
use crate::corpora::{
    Channels, Corpus, CorpusProblem, FeatureCache, Recording, SeparatedTrack, Sound, Track,
};
use crate::decision::{Horizon, PointError};
use crate::evaluation::decide::{Smoothing, decide};
use crate::evaluation::levels::Levels;
use crate::evaluation::metrics::Confusion;
use crate::evaluation::scorer::{ScoredTrack, TrackScorer};
use crate::evaluation::tones;
use crate::frontend::resample::Resampler;
use crate::frontend::separated_mel::SEPARATED_RATE_HZ;
use crate::frontend::{Features, HOP_SAMPLES, SAMPLE_RATE_HZ};

const GAINS_DB: [f64; 7] = [-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0];
/// Highest frequencies of recordings at 16 kHz and 11 kHz and of a telephone line.
const TREBLE_UP_TO_HZ: [f64; 3] = [7600.0, 5500.0, 3400.0];
const RATIOS_DB: [f64; 9] = [-12.0, -9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0, 12.0];

/// Results of all stress tests.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stress {
    /// Sounds without singing: synthetic ones (`vibrato`, `signal`) and given folders (`speech`, `music`).
    pub no_voice: Vec<NoVoice>,
    /// The corpora at higher and lower levels.
    pub gain: Vec<AtLevel>,
    /// The corpora with stems, remixed. The ratio is the power of the voice in its frames to that of the music in the
    /// same frames, both over mel bands.
    pub voice_to_music: Vec<AtLevel>,
    /// The corpora without their treble.
    pub treble: Vec<WithoutTreble>,
}

/// Decisions on a sound without singing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoVoice {
    /// `vibrato`, `signal`, `speech` or `music`.
    pub kind: String,
    /// Name of the sound or of the sub-folder.
    pub name: String,
    /// Number of decisions.
    pub windows: u64,
    /// Share of raw decisions that are voice.
    pub voice_raw: f64,
    /// Share of causal decisions that are voice.
    pub voice_causal: f64,
}

/// A corpus at a level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtLevel {
    /// Name of the corpus.
    pub corpus: String,
    /// The gain, or the ratio of voice to music.
    pub db: f64,
    /// The figures at this level.
    #[serde(flatten)]
    pub figures: StressFigures,
}

/// A corpus without everything above a frequency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WithoutTreble {
    /// Name of the corpus.
    pub corpus: String,
    /// The frequency.
    pub up_to_hz: f64,
    /// The figures without the treble.
    #[serde(flatten)]
    pub figures: StressFigures,
}

/// Figures of a corpus under stress.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StressFigures {
    /// Decisions with a label.
    pub windows: u64,
    /// Accuracy of raw decisions.
    pub accuracy_raw: f64,
    /// Accuracy of causal decisions.
    pub accuracy_causal: f64,
    /// Recall of causal decisions.
    pub recall_causal: f64,
    /// False-positive rate of causal decisions.
    pub false_positive_rate_causal: f64,
}

/// A track without a voice.
struct Voiceless {
    kind: String,
    name: String,
    track: Track,
}

/// Folders of sound without singing. Each sub-folder is a group in the report.
pub struct Folders {
    tracks: Vec<Voiceless>,
}

impl Folders {
    /// Reads folders, each given with the kind of its sounds.
    ///
    /// # Errors
    ///
    /// Every folder or file that cannot be read.
    pub fn read(
        folders: &[(&str, &Path)],
        cache: &FeatureCache,
    ) -> Result<Self, Vec<CorpusProblem>> {
        let mut files = Vec::new();
        for &(kind, root) in folders {
            for path in sounds_below(root)? {
                let place = path.strip_prefix(root).unwrap_or(&path);
                let mut parts = place.components();
                let name = parts.next().map(|part| part.as_os_str().to_string_lossy());
                // Files directly in the folder are a group of their own.
                let name = match (name, parts.next()) {
                    (Some(name), Some(_)) => name.into_owned(),
                    _ => ".".to_owned(),
                };
                files.push((kind.to_owned(), name, path));
            }
        }
        let read = files.into_par_iter().map(|(kind, name, path)| {
            let sound = cache.recording(&path, Channels::Mean)?;
            let separated = cache.separated(&[(&path, Channels::Mean)])?;
            let track = without_voice(sound, separated);
            Ok(Voiceless { kind, name, track })
        });
        let read: Vec<Result<_, CorpusProblem>> = read.collect();
        let (mut tracks, mut problems) = (Vec::new(), Vec::new());
        for track in read {
            match track {
                Ok(track) => tracks.push(track),
                Err(problem) => problems.push(problem),
            }
        }
        match problems.is_empty() {
            true => Ok(Self { tracks }),
            false => Err(problems),
        }
    }
}

/// Runs all stress tests at one horizon. `done` receives the number of frames of each finished track.
///
/// # Errors
///
/// The operating point is invalid.
pub fn stress(
    scorer: &mut TrackScorer,
    horizon: &Horizon,
    corpora: &[Corpus],
    folders: &Folders,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Stress, PointError> {
    let mut test = Test {
        scorer,
        horizon,
        done,
    };
    let mut stress = Stress::default();
    let synthetic = synthetic(test.scorer.features());
    for sounds in [&synthetic, &folders.tracks] {
        stress.no_voice.extend(test.no_voice(sounds)?);
    }
    for corpus in corpora {
        test.corpus(corpus, &mut stress)?;
    }
    Ok(stress)
}

/// What all tests need.
struct Test<'a> {
    scorer: &'a mut TrackScorer,
    horizon: &'a Horizon,
    done: &'a (dyn Fn(usize) + Sync),
}

impl Test<'_> {
    /// One result per group, in the order in which the groups first appear.
    fn no_voice(&mut self, sounds: &[Voiceless]) -> Result<Vec<NoVoice>, PointError> {
        let jobs: Vec<_> = sounds
            .iter()
            .map(|sound| (&sound.track, Levels::AS_RECORDED))
            .collect();
        let scored = self.scorer.score(&jobs, self.done);
        let mut groups: BTreeMap<(&str, &str), [Confusion; 2]> = BTreeMap::new();
        for (Voiceless { kind, name, .. }, track) in sounds.iter().zip(&scored) {
            let sums = groups.entry((kind, name)).or_default();
            count(sums, track, self.horizon)?;
        }
        let mut results = Vec::new();
        for Voiceless { kind, name, .. } in sounds {
            let Some([raw, causal]) = groups.remove(&(kind.as_str(), name.as_str())) else {
                continue;
            };
            results.push(NoVoice {
                kind: kind.clone(),
                name: name.clone(),
                windows: raw.total(),
                voice_raw: raw.false_positive_rate(),
                voice_causal: causal.false_positive_rate(),
            });
        }
        Ok(results)
    }

    fn corpus(&mut self, corpus: &Corpus, stress: &mut Stress) -> Result<(), PointError> {
        let all_tracks = |levels| corpus.tracks.iter().map(move |t| (t, levels)).collect();
        for db in GAINS_DB {
            stress.gain.push(AtLevel {
                corpus: corpus.name.clone(),
                db,
                figures: self.measure(all_tracks(Levels::with_gain_db(db as f32)))?,
            });
        }
        for db in RATIOS_DB {
            let at_ratio = |track| Some((track, at_ratio(track, db)?));
            let jobs: Vec<_> = corpus.tracks.iter().filter_map(at_ratio).collect();
            if !jobs.is_empty() {
                stress.voice_to_music.push(AtLevel {
                    corpus: corpus.name.clone(),
                    db,
                    figures: self.measure(jobs)?,
                });
            }
        }
        // Treble cannot be removed from a recording that was separated as a whole.
        if self.scorer.features() == Features::SeparatedMel {
            return Ok(());
        }
        for up_to_hz in TREBLE_UP_TO_HZ {
            let levels = Levels {
                treble_up_to_hz: Some(up_to_hz as f32),
                ..Levels::AS_RECORDED
            };
            stress.treble.push(WithoutTreble {
                corpus: corpus.name.clone(),
                up_to_hz,
                figures: self.measure(all_tracks(levels))?,
            });
        }
        Ok(())
    }

    fn measure(&mut self, jobs: Vec<(&Track, Levels)>) -> Result<StressFigures, PointError> {
        let mut sums = [Confusion::default(); 2];
        for track in self.scorer.score(&jobs, self.done) {
            count(&mut sums, &track, self.horizon)?;
        }
        let [raw, causal] = sums;
        Ok(StressFigures {
            windows: raw.total(),
            accuracy_raw: raw.accuracy(),
            accuracy_causal: causal.accuracy(),
            recall_causal: causal.recall(),
            false_positive_rate_causal: causal.false_positive_rate(),
        })
    }
}

/// Number of frames that [`stress`] will score.
pub fn frames(corpora: &[Corpus], folders: &Folders) -> usize {
    let tones = tones::all();
    let synthetic: usize = tones.iter().map(|tone| tone.samples.len()).sum();
    let given: usize = folders.tracks.iter().map(|t| t.track.frames()).sum();
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
    synthetic / HOP_SAMPLES + given + swept
}

/// The synthetic sounds, with the features that the network uses.
fn synthetic(features: Features) -> Vec<Voiceless> {
    let track = |made: tones::Made| {
        let separated = match features {
            Features::Mel(_) => None,
            Features::SeparatedMel => separated(&made.samples),
        };
        Voiceless {
            kind: made.kind.to_owned(),
            name: made.name,
            track: without_voice(Recording::of_samples(&made.samples), separated),
        }
    };
    tones::all().into_iter().map(track).collect()
}

/// `samples` are at 22 050 Hz.
fn separated(samples: &[f32]) -> Option<SeparatedTrack> {
    // The resampler supports this pair of rates.
    let mut resampler = Resampler::to(SEPARATED_RATE_HZ, SAMPLE_RATE_HZ).ok()?;
    let mut resampled = Vec::new();
    resampler.push(samples, &mut resampled);
    resampler.flush(&mut resampled);
    Some(SeparatedTrack::of_samples(&resampled))
}

fn without_voice(sound: Recording, separated: Option<SeparatedTrack>) -> Track {
    Track {
        name: String::new(),
        song: String::new(),
        voice: vec![Some(false); sound.frames()],
        speech: vec![None; sound.frames()],
        sound: Sound::Mix(sound),
        separated,
    }
}

/// Counts the raw and the causal decisions of a track.
fn count(
    sums: &mut [Confusion; 2],
    track: &ScoredTrack,
    horizon: &Horizon,
) -> Result<(), PointError> {
    let scored = &track.horizons[horizon.index];
    for (sum, smoothing) in sums.iter_mut().zip([Smoothing::Raw, Smoothing::Causal]) {
        let grid = track.grid(horizon.frames);
        let decisions = decide(scored, smoothing, &horizon.point, grid)?;
        *sum = *sum + track.confusion(horizon.index, &decisions.voice);
    }
    Ok(())
}

/// The levels at which the voice is `db` above the music. `None` without stems, if one of them is silent in the frames
/// with voice, or if the network uses the recorded mix.
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
