//! New mixes of the corpora's parts: voices at another balance or over other music, and speech in the
//! background.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::corpora::recording::{Layer, Recording};
use crate::corpora::{Corpus, Sound, Track};
use crate::training::augment;
use crate::training::augment::from_db;
use crate::training::error::SamplerError;
use crate::training::experiment::Augmentation;

/// Gain of each stem in the recorded mix, which is the mean of the two.
const MIX_GAIN: f32 = 0.5;
/// Level of background speech relative to the music.
const SPEECH_DB: std::ops::Range<f32> = -25.0..-3.0;
/// Speakers of a crowd.
const CROWD_TALKERS: usize = 6;
/// Fraction of windows with speech that have a crowd instead of one speaker.
const CROWD_FRACTION: f64 = 0.5;

/// Level of a further talker relative to the first, and the most of them.
const TALKER_DB: std::ops::Range<f32> = -12.0..3.0;
const FURTHER_TALKERS: usize = 2;

/// A recording and its mean power, for mixing recordings of different origin.
struct Part<'a> {
    recording: &'a Recording,
    power: f32,
}

impl<'a> Part<'a> {
    /// `None` for a silent recording.
    fn of(recording: &'a Recording) -> Option<Self> {
        let power = recording.power(0..recording.frames());
        (power > 0.0).then_some(Self { recording, power })
    }
}

/// A mix of several recordings.
pub(super) struct Mix<'a> {
    /// Its parts; their places are those of the first frame.
    pub layers: Vec<Layer<'a>>,
    /// Whether the voice of the track is among the layers.
    pub has_voice: bool,
    /// Whether there is nothing but voices, or lead instruments: no music.
    pub alone: bool,
}

/// The recordings that mixes are made of.
pub(super) struct Mixing<'a> {
    accompaniments: Vec<Part<'a>>,
    speech: Vec<Part<'a>>,
    augmentation: Augmentation,
}

impl<'a> Mixing<'a> {
    /// Collects the recordings of all corpora with a weight.
    ///
    /// # Errors
    /// If speech is to be mixed in and no corpus has any.
    pub fn new(corpora: &'a [Corpus], augmentation: &Augmentation) -> Result<Self, SamplerError> {
        let trained = corpora.iter().filter(|c| c.weight > 0.0);
        let tracks: Vec<&Track> = trained.flat_map(|c| &c.tracks).collect();
        let parts = |of: fn(&Track) -> Option<&Recording>| {
            let recordings = tracks.iter().filter_map(|track| of(track));
            recordings.filter_map(Part::of).collect::<Vec<_>>()
        };
        let (accompaniments, speech) = (parts(accompaniment), parts(speech));
        if augmentation.speech_fraction > 0.0 && speech.is_empty() {
            return Err(SamplerError::NoSpeech);
        }
        Ok(Self {
            accompaniments,
            speech,
            augmentation: augmentation.clone(),
        })
    }

    /// The settings of the experiment.
    pub fn augmentation(&self) -> &Augmentation {
        &self.augmentation
    }

    /// Mixes `span` frames of a track from the frame `start` on with random other recordings.
    pub fn mix(
        &self,
        track: &'a Track,
        start: f32,
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Mix<'a> {
        let a = &self.augmentation;
        let mut mix = self.recompose(track, start, span, rng);
        let talks = matches!(track.sound, Sound::Speech(_));
        if talks
            && !self.speech.is_empty()
            && a.talkers_fraction > 0.0
            && rng.random_bool(a.talkers_fraction)
        {
            let power = mix.layers.iter().map(|layer| layer.power(span)).sum();
            for _ in 0..rng.random_range(1..=FURTHER_TALKERS) {
                let level = from_db(rng.random_range(TALKER_DB));
                mix.layers.push(self.talker(power, level, span, rng));
            }
        }
        if a.speech_fraction > 0.0 && rng.random_bool(a.speech_fraction) {
            let speech = self.speech(&mix.layers, span, rng);
            mix.layers.extend(speech);
        }
        mix
    }

    fn recompose(
        &self,
        track: &'a Track,
        start: f32,
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Mix<'a> {
        let a = &self.augmentation;
        let over_music =
            |voice, rng: &mut _| self.over_other_music(voice, &track.voice, start, span, rng);
        // A voice and its own music stay in tune.
        let speed = augment::factor(rng, a.pitch);
        let layer = |recording, gain| Layer {
            recording,
            place: start,
            speed,
            gain,
        };
        let mut alone = false;
        let layers = match &track.sound {
            Sound::Mix(recording) => vec![layer(recording, 1.0)],
            Sound::Speech(recording) => {
                alone = true;
                vec![layer(recording, 1.0)]
            }
            Sound::Solo(recording) if rng.random_bool(a.solo_fraction) => {
                alone = true;
                vec![layer(recording, 1.0)]
            }
            Sound::Solo(voice) => over_music(voice, rng),
            Sound::Stems {
                voice,
                accompaniment,
            } => {
                let accompaniment = layer(accompaniment, MIX_GAIN);
                if rng.random_bool(a.drop_voice_fraction) {
                    return Mix {
                        layers: vec![accompaniment],
                        has_voice: false,
                        alone,
                    };
                }
                if rng.random_bool(a.swap_fraction) {
                    over_music(voice, rng)
                } else {
                    let remix = rng.random_bool(a.remix_fraction);
                    let change_db = if remix { balance(a, rng) } else { 0.0 };
                    let gain = MIX_GAIN * from_db(change_db);
                    vec![layer(voice, gain), accompaniment]
                }
            }
        };
        Mix {
            layers,
            has_voice: true,
            alone,
        }
    }

    /// A speaker or a crowd, softer than `layers`.
    fn speech(
        &self,
        layers: &[Layer<'a>],
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Vec<Layer<'a>> {
        let power: f32 = layers.iter().map(|layer| layer.power(span)).sum();
        let speakers = match rng.random_bool(CROWD_FRACTION) {
            true => CROWD_TALKERS,
            false => 1,
        };
        let level = from_db(rng.random_range(SPEECH_DB)) / (speakers as f32).sqrt();
        let mut speaker = || self.talker(power, level, span, rng);
        (0..speakers).map(|_| speaker()).collect()
    }

    /// A passage of random speech, at a level relative to a power.
    fn talker(
        &self,
        power: f32,
        level: f32,
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Layer<'a> {
        let speech = &self.speech[rng.random_range(0..self.speech.len())];
        let place = rng.random_range(0..=speech.recording.frames().saturating_sub(span)) as f32;
        Layer {
            gain: level * (power / speech.power).sqrt(),
            ..Layer::plainly(speech.recording, place)
        }
    }

    /// A voice over music that it was not recorded with, at a random balance of their powers and with
    /// independent changes of pitch.
    fn over_other_music(
        &self,
        voice: &'a Recording,
        voiced: &[Option<bool>],
        start: f32,
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Vec<Layer<'a>> {
        let pitch = self.augmentation.pitch;
        let alone = Layer {
            speed: augment::factor(rng, pitch),
            ..Layer::plainly(voice, start)
        };
        if self.accompaniments.is_empty() {
            return vec![alone];
        }
        let music = &self.accompaniments[rng.random_range(0..self.accompaniments.len())];
        let balance = from_db(balance(&self.augmentation, rng));
        let gain = (sounding_power(voice, voiced) / music.power.max(f32::MIN_POSITIVE)).sqrt();
        let place = rng.random_range(0..=music.recording.frames().saturating_sub(span)) as f32;
        let gain = if gain.is_finite() {
            gain / balance
        } else {
            0.0
        };
        vec![
            alone,
            Layer {
                gain,
                speed: augment::factor(rng, pitch),
                ..Layer::plainly(music.recording, place)
            },
        ]
    }
}

/// The music of a track without a voice.
fn accompaniment(track: &Track) -> Option<&Recording> {
    match &track.sound {
        Sound::Stems { accompaniment, .. } => Some(accompaniment),
        Sound::Mix(recording) if track.voice.iter().all(|v| *v == Some(false)) => Some(recording),
        _ => None,
    }
}

fn speech(track: &Track) -> Option<&Recording> {
    match &track.sound {
        Sound::Speech(recording) => Some(recording),
        _ => None,
    }
}

/// Mean power of a voice where it is labelled, or of a whole lead instrument.
fn sounding_power(lead: &Recording, voiced: &[Option<bool>]) -> f32 {
    let has_voice = voiced.contains(&Some(true));
    let (sum, count) = (0..lead.frames())
        .filter(|&f| !has_voice || voiced.get(f) == Some(&Some(true)))
        .fold((0.0f64, 0u32), |(sum, n), f| {
            (sum + f64::from(lead.power(f..f + 1)), n + 1)
        });
    (sum / f64::from(count.max(1))) as f32
}

/// A random level of the voice relative to the accompaniment, in decibels.
fn balance(a: &Augmentation, rng: &mut Xoshiro256PlusPlus) -> f32 {
    let [lowest, highest] = a.balance_db;
    rng.random_range(lowest..=highest) as f32
}
