//! New mixes of what there is in parts: voices in another balance or over other music, and someone
//! who talks behind it.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::corpora::recording::{Layer, Recording};
use crate::corpora::{Corpus, Sound, Track};
use crate::training::augment;
use crate::training::experiment::Augmentation;

/// Stems as they were recorded lie in a mix as the mean of two channels does.
const MIX_GAIN: f32 = 0.5;
/// Talk behind the music, against it; a crowd is so many talkers.
const SPEECH_DB: std::ops::Range<f32> = -25.0..-3.0;
const CROWD_TALKERS: usize = 6;
const CROWD_FRACTION: f64 = 0.5;

/// A track and its loudness, for mixing voices and accompaniments of different origin.
struct Part<'a> {
    recording: &'a Recording,
    power: f32,
}

impl<'a> Part<'a> {
    /// `None` for silence.
    fn of(recording: &'a Recording) -> Option<Self> {
        let power = recording.power(0..recording.frames());
        (power > 0.0).then_some(Self { recording, power })
    }
}

/// What sounds together.
pub struct Mix<'a> {
    /// As they are heard in the first frame.
    pub layers: Vec<Layer<'a>>,
    /// Whether the track's voice is among the layers.
    pub has_voice: bool,
}

/// The parts that mixes are made of.
pub struct Mixing<'a> {
    accompaniments: Vec<Part<'a>>,
    speech: Vec<Part<'a>>,
    augmentation: Augmentation,
}

impl<'a> Mixing<'a> {
    /// Takes what the corpora that are trained on hold. The error is a sentence.
    pub fn new(corpora: &'a [Corpus], augmentation: &Augmentation) -> Result<Self, String> {
        let trained = corpora.iter().filter(|c| c.weight > 0.0);
        let tracks: Vec<&Track> = trained.flat_map(|c| &c.tracks).collect();
        let parts = |of: fn(&Track) -> Option<&Recording>| {
            let recordings = tracks.iter().filter_map(|track| of(track));
            recordings.filter_map(Part::of).collect::<Vec<_>>()
        };
        let (accompaniments, speech) = (parts(accompaniment), parts(speech));
        if augmentation.speech_fraction > 0.0 && speech.is_empty() {
            return Err("augmentation.speech_fraction needs a corpus of kind \"speech\"".into());
        }
        Ok(Self {
            accompaniments,
            speech,
            augmentation: augmentation.clone(),
        })
    }

    pub fn augmentation(&self) -> &Augmentation {
        &self.augmentation
    }

    /// What is heard of a track from a frame on, for `span` frames.
    pub fn mix(
        &self,
        track: &'a Track,
        start: f32,
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Mix<'a> {
        let a = &self.augmentation;
        let mut mix = self.recompose(track, start, span, rng);
        if a.speech_fraction > 0.0 && rng.random_bool(a.speech_fraction) {
            let talk = self.talk(&mix.layers, span, rng);
            mix.layers.extend(talk);
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
        // A voice and the music it was sung to stay in tune.
        let speed = augment::factor(rng, a.pitch);
        let heard = |recording, gain| Layer {
            recording,
            place: start,
            speed,
            gain,
        };
        let layers = match &track.sound {
            Sound::Mix(recording) | Sound::Speech(recording) => vec![heard(recording, 1.0)],
            Sound::Solo(recording) if rng.random_bool(a.solo_fraction) => {
                vec![heard(recording, 1.0)]
            }
            Sound::Solo(voice) => over_music(voice, rng),
            Sound::Stems {
                voice,
                accompaniment,
            } => {
                let accompaniment = heard(accompaniment, MIX_GAIN);
                if rng.random_bool(a.drop_voice_fraction) {
                    return Mix {
                        layers: vec![accompaniment],
                        has_voice: false,
                    };
                }
                if rng.random_bool(a.swap_fraction) {
                    over_music(voice, rng)
                } else {
                    let remix = rng.random_bool(a.remix_fraction);
                    let change_db = if remix { balance(a, rng) } else { 0.0 };
                    let gain = MIX_GAIN * from_db(change_db);
                    vec![heard(voice, gain), accompaniment]
                }
            }
        };
        Mix {
            layers,
            has_voice: true,
        }
    }

    /// Someone who talks, or a crowd, softer than what is heard of `layers`.
    fn talk(
        &self,
        layers: &[Layer<'a>],
        span: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Vec<Layer<'a>> {
        let heard: f32 = layers.iter().map(|layer| layer.power(span)).sum();
        let talkers = match rng.random_bool(CROWD_FRACTION) {
            true => CROWD_TALKERS,
            false => 1,
        };
        let level = from_db(rng.random_range(SPEECH_DB)) / (talkers as f32).sqrt();
        let mut talker = || {
            let talk = &self.speech[rng.random_range(0..self.speech.len())];
            let place = rng.random_range(0..=talk.recording.frames().saturating_sub(span)) as f32;
            Layer {
                gain: level * (heard / talk.power).sqrt(),
                ..Layer::plainly(talk.recording, place)
            }
        };
        (0..talkers).map(|_| talker()).collect()
    }

    /// A voice over music it was not recorded with, at a random balance of their powers; the pitch of
    /// each is changed by itself.
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

/// The music of a track, without any voice.
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

/// Mean power of a voice where it sounds; that of the whole of another lead.
fn sounding_power(lead: &Recording, voiced: &[Option<bool>]) -> f32 {
    let has_voice = voiced.contains(&Some(true));
    let (sum, count) = (0..lead.frames())
        .filter(|&f| !has_voice || voiced.get(f) == Some(&Some(true)))
        .fold((0.0f64, 0u32), |(sum, n), f| {
            (sum + f64::from(lead.power(f..f + 1)), n + 1)
        });
    (sum / f64::from(count.max(1))) as f32
}

fn balance(a: &Augmentation, rng: &mut Xoshiro256PlusPlus) -> f32 {
    let [lowest, highest] = a.balance_db;
    rng.random_range(lowest..=highest) as f32
}

fn from_db(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}
