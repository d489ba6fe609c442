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
/// Softer background speech may be inaudible: whether somebody speaks is then unknown.
const AUDIBLE_SPEECH_DB: f32 = -12.0;
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
    /// Whether somebody speaks in each frame.
    speech: &'a [Option<bool>],
}

impl<'a> Part<'a> {
    /// `None` for a silent recording.
    fn of(recording: &'a Recording, speech: &'a [Option<bool>]) -> Option<Self> {
        let power = recording.power(0..recording.frames());
        (power > 0.0).then_some(Self {
            recording,
            power,
            speech,
        })
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
    /// Speakers in the background.
    pub background: Vec<Background<'a>>,
}

/// A speaker in the background of a mix.
pub(super) struct Background<'a> {
    /// Start of the first frame in hops.
    pub place: f32,
    /// Whether somebody speaks in each frame of the recording.
    pub speech: &'a [Option<bool>],
    /// Whether it is loud enough to be noticed.
    pub audible: bool,
}

impl Background<'_> {
    /// Whether it can be noticed at a frame of the window, `stretch` hops for each; `None` if that is unknown.
    pub fn at(&self, frame: usize, stretch: f32) -> Option<bool> {
        let place = (self.place + frame as f32 * stretch).round() as usize;
        match self.speech.get(place).copied().flatten() {
            Some(true) if !self.audible => None,
            // After the end the last frame repeats.
            None if place >= self.speech.len() => None,
            label => label,
        }
    }
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
            let recordings = tracks
                .iter()
                .filter_map(|track| Some((of(track)?, &track.speech)));
            let parts = recordings.filter_map(|(recording, speech)| Part::of(recording, speech));
            parts.collect::<Vec<_>>()
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
                let (layer, speech) = self.talker(power, level, span, rng);
                mix.background.push(Background {
                    place: layer.place,
                    speech,
                    audible: true,
                });
                mix.layers.push(layer);
            }
        }
        if a.speech_fraction > 0.0 && rng.random_bool(a.speech_fraction) {
            let (layers, background) = self.speech(&mix.layers, span, rng);
            mix.layers.extend(layers);
            mix.background.extend(background);
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
            |voice, rng: &mut _| self.over_other_music(voice, sounding(track), start, span, rng);
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
                        background: Vec::new(),
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
            background: Vec::new(),
        }
    }

    /// A speaker or a crowd, softer than `layers`.
    fn speech(
        &self,
        layers: &[Layer<'a>],
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> (Vec<Layer<'a>>, Vec<Background<'a>>) {
        let power: f32 = layers.iter().map(|layer| layer.power(span)).sum();
        let speakers = match rng.random_bool(CROWD_FRACTION) {
            true => CROWD_TALKERS,
            false => 1,
        };
        let level_db = rng.random_range(SPEECH_DB);
        let level = from_db(level_db) / (speakers as f32).sqrt();
        let mut speaker = || {
            let (layer, speech) = self.talker(power, level, span, rng);
            let background = Background {
                place: layer.place,
                speech,
                audible: level_db >= AUDIBLE_SPEECH_DB,
            };
            (layer, background)
        };
        (0..speakers).map(|_| speaker()).unzip()
    }

    /// A passage of random speech, at a level relative to a power, and where somebody speaks in its recording.
    fn talker(
        &self,
        power: f32,
        level: f32,
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> (Layer<'a>, &'a [Option<bool>]) {
        let speech = &self.speech[rng.random_range(0..self.speech.len())];
        let place = rng.random_range(0..=speech.recording.frames().saturating_sub(span)) as f32;
        let layer = Layer {
            gain: level * (power / speech.power).sqrt(),
            ..Layer::plainly(speech.recording, place)
        };
        (layer, speech.speech)
    }

    /// A voice over music that it was not recorded with, at a random balance of their powers and with
    /// independent changes of pitch.
    fn over_other_music(
        &self,
        voice: &'a Recording,
        sounding: &[Option<bool>],
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
        let gain = (sounding_power(voice, sounding) / music.power.max(f32::MIN_POSITIVE)).sqrt();
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

/// Where a lead sounds: a voice, or a speaker who does not sing.
fn sounding(track: &Track) -> &[Option<bool>] {
    match track.voice.contains(&Some(true)) {
        true => &track.voice,
        false => &track.speech,
    }
}

/// Mean power of a lead where it sounds by its labels, or of a whole lead instrument.
fn sounding_power(lead: &Recording, sounding: &[Option<bool>]) -> f32 {
    let has_voice = sounding.contains(&Some(true));
    let (sum, count) = (0..lead.frames())
        .filter(|&f| !has_voice || sounding.get(f) == Some(&Some(true)))
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
