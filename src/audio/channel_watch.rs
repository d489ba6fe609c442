//! Notices channels that cancel each other or carry no sound.
//!
//! The sound is judged second by second, and only seconds with sound count: a fault is present where at least half of
//! them have it.

use std::fmt::{self, Display};

use crate::audio::channels::usable;

/// Mean square above which a second counts as sound: -60 dB of full scale.
const SOUND_POWER: f64 = 1e-6;
/// Channels cancel where their mean has less than this share of the power that it would have if they were
/// independent: 7 dB below. For two equally loud channels this is a correlation of -0.8; the widest stereo mixes stay
/// above it.
const CANCELLED_SHARE: f64 = 0.2;
/// A channel of a stereo pair counts as faint where it is 40 dB below the other: crosstalk of an unused input.
const FAINT_RATIO: f64 = 1e-4;
/// Seconds with sound between two judgements of a live source.
const LIVE_SECONDS: u32 = 5;

/// A fault of the channels that are mixed to mono. Channels are numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelFault {
    /// The mean of the channels has almost no sound, though they have: one is the other upside down.
    Cancelling {
        /// The mixed channels.
        channels: Vec<u16>,
        /// The loudest of them.
        loudest: u16,
    },
    /// Some channels are digital silence, while others have sound.
    Silent {
        /// Channels without sound.
        silent: Vec<u16>,
        /// Channels with sound.
        sounding: Vec<u16>,
    },
    /// One channel of a pair is far below the other.
    Faint {
        /// The channel with almost no sound.
        faint: u16,
        /// The channel with sound.
        sounding: u16,
    },
}

impl ChannelFault {
    /// The channels to choose instead.
    #[must_use]
    pub fn remedy(&self) -> Vec<u16> {
        match self {
            Self::Cancelling { loudest, .. } => vec![*loudest],
            Self::Silent { sounding, .. } => sounding.clone(),
            Self::Faint { sounding, .. } => vec![*sounding],
        }
    }
}

impl Display for ChannelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = numbers(&self.remedy());
        match self {
            Self::Cancelling { channels, .. } => write!(
                f,
                "channels {} cancel each other, so that their mean has almost no sound: use one with \
                 --use-channels {remedy}",
                numbers(channels)
            ),
            Self::Silent { silent, sounding } => {
                let of = (silent.len() + sounding.len()) as f64 / sounding.len().max(1) as f64;
                let (are, them) = match silent.as_slice() {
                    [channel] => (format!(" {channel} is"), "it"),
                    channels => (format!("s {} are", numbers(channels)), "them"),
                };
                write!(
                    f,
                    "channel{are} silent, so that the mean of all is {:.0} dB too low: leave {them} out with \
                     --use-channels {remedy}",
                    20.0 * of.log10()
                )
            }
            Self::Faint { faint, .. } => write!(
                f,
                "channel {faint} has almost no sound, so that the mean of both is 6 dB too low: leave it out with \
                 --use-channels {remedy}"
            ),
        }
    }
}

/// Numbers as `--use-channels` takes them.
fn numbers(channels: &[u16]) -> String {
    let texts: Vec<String> = channels.iter().map(u16::to_string).collect();
    texts.join(",")
}

/// Watches the channels that are mixed to mono.
#[derive(Debug, Clone)]
pub struct ChannelWatch {
    /// Channels of a frame.
    channels: usize,
    /// Indices of the mixed ones, from 0.
    chosen: Vec<usize>,
    second_frames: usize,
    second: Second,
    whole: Tally,
    recent: Tally,
    /// Faults of the last [`LIVE_SECONDS`].
    present: Vec<ChannelFault>,
}

/// The second under way.
#[derive(Debug, Clone, Default)]
struct Second {
    frames: usize,
    /// Sum of squares of each chosen channel.
    energies: Vec<f64>,
    /// Sum of squares of their mean.
    mixed: f64,
}

/// What the seconds with sound were like.
#[derive(Debug, Clone, Default)]
struct Tally {
    seconds: u32,
    cancelling: u32,
    /// Seconds of digital silence of each chosen channel.
    silent: Vec<u32>,
    /// Seconds in which a channel of a pair was faint.
    faint: Vec<u32>,
    energies: Vec<f64>,
}

impl ChannelWatch {
    /// Watches the `chosen` channels, by index from 0, of interleaved sound.
    pub(super) fn new(rate_hz: u32, channels: usize, chosen: &[usize]) -> Self {
        let tally = Tally {
            silent: vec![0; chosen.len()],
            faint: vec![0; chosen.len()],
            energies: vec![0.0; chosen.len()],
            ..Tally::default()
        };
        Self {
            channels,
            chosen: chosen.to_vec(),
            second_frames: (rate_hz as usize).max(1),
            second: Second {
                energies: vec![0.0; chosen.len()],
                ..Second::default()
            },
            whole: tally.clone(),
            recent: tally,
            present: Vec::new(),
        }
    }

    /// Takes interleaved samples and the mono mix of the same frames. Returns the faults of a live source where they
    /// have changed; none of them means that the last ones are over.
    pub fn push(&mut self, interleaved: &[f32], mono: &[f32]) -> Option<&[ChannelFault]> {
        if self.chosen.len() < 2 {
            return None;
        }
        let mut changed = false;
        let (mut interleaved, mut mono) = (interleaved, mono);
        while !mono.is_empty() {
            let frames = mono.len().min(self.second_frames - self.second.frames);
            let (part, channels) = (&interleaved[..frames * self.channels], self.channels);
            for (energy, &channel) in self.second.energies.iter_mut().zip(&self.chosen) {
                *energy += sum_of_squares(part[channel..].iter().step_by(channels));
            }
            self.second.mixed += sum_of_squares(mono[..frames].iter());
            self.second.frames += frames;
            if self.second.frames == self.second_frames {
                changed |= self.end_second();
            }
            interleaved = &interleaved[frames * self.channels..];
            mono = &mono[frames..];
        }
        changed.then_some(self.present.as_slice())
    }

    /// The faults of the whole sound so far, each with the seconds that have it of the seconds with sound.
    pub fn faults(&mut self) -> Vec<(ChannelFault, u32, u32)> {
        // A recording of less than a second counts too.
        if self.whole.seconds == 0 && self.second.frames > 0 {
            self.end_second();
        }
        self.whole.faults(&self.chosen)
    }

    fn end_second(&mut self) -> bool {
        self.whole.add(&self.second);
        self.recent.add(&self.second);
        self.second.frames = 0;
        self.second.mixed = 0.0;
        self.second.energies.fill(0.0);
        if self.recent.seconds < LIVE_SECONDS {
            return false;
        }
        let faults = self.recent.faults(&self.chosen).into_iter();
        let faults: Vec<ChannelFault> = faults.map(|(fault, ..)| fault).collect();
        self.recent.clear();
        let changed = faults != self.present;
        self.present = faults;
        changed
    }
}

/// Of the samples that are finite and not too large.
fn sum_of_squares<'s>(samples: impl Iterator<Item = &'s f32>) -> f64 {
    // Several sums, since each addition waits for the one before.
    let mut sums = [0.0; 4];
    for (place, &sample) in samples.enumerate() {
        let sample = f64::from(usable(sample).unwrap_or(0.0));
        sums[place % 4] += sample * sample;
    }
    sums.iter().sum()
}

impl Tally {
    fn add(&mut self, second: &Second) {
        let loudest = second.energies.iter().copied().fold(0.0, f64::max);
        if loudest < SOUND_POWER * second.frames as f64 {
            return;
        }
        self.seconds += 1;
        let count = second.energies.len() as f64;
        let independent = second.energies.iter().sum::<f64>() / (count * count);
        self.cancelling += u32::from(second.mixed < CANCELLED_SHARE * independent);
        for (place, &energy) in second.energies.iter().enumerate() {
            self.energies[place] += energy;
            self.silent[place] += u32::from(energy == 0.0);
            let faint = energy > 0.0 && energy < FAINT_RATIO * loudest;
            self.faint[place] += u32::from(faint && second.energies.len() == 2);
        }
    }

    fn faults(&self, chosen: &[usize]) -> Vec<(ChannelFault, u32, u32)> {
        let number = |place: usize| chosen.get(place).map_or(0, |&index| index as u16 + 1);
        let often = |seconds: u32| seconds > 0 && 2 * seconds >= self.seconds;
        let places = || 0..chosen.len();
        let mut faults = Vec::new();
        if often(self.cancelling) {
            let loudest = places().rev().max_by(|&a, &b| {
                let (a, b) = (self.energies[a], self.energies[b]);
                a.total_cmp(&b)
            });
            let fault = ChannelFault::Cancelling {
                channels: places().map(number).collect(),
                loudest: number(loudest.unwrap_or(0)),
            };
            faults.push((fault, self.cancelling, self.seconds));
        }
        let is_silent = |&place: &usize| often(self.silent[place]);
        let silent_s = places().filter(is_silent).map(|p| self.silent[p]).min();
        // Channels that take turns leave none that could be chosen.
        if let Some(seconds) = silent_s.filter(|_| !places().all(|p| is_silent(&p))) {
            let fault = ChannelFault::Silent {
                silent: places().filter(is_silent).map(number).collect(),
                sounding: places().filter(|p| !is_silent(p)).map(number).collect(),
            };
            faults.push((fault, seconds, self.seconds));
        }
        if let Some(place) = places().find(|&place| often(self.faint[place])) {
            let fault = ChannelFault::Faint {
                faint: number(place),
                sounding: number(1 - place),
            };
            faults.push((fault, self.faint[place], self.seconds));
        }
        faults
    }

    fn clear(&mut self) {
        self.seconds = 0;
        self.cancelling = 0;
        self.silent.fill(0);
        self.faint.fill(0);
        self.energies.fill(0.0);
    }
}
