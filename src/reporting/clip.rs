//! The sound of a moment as a WAV file, for the players of a report.

use crate::corpora::{Sound, Track};
use crate::evaluation::moments::Moment;
use crate::frontend::SAMPLE_RATE_HZ;

/// Sound before and after a moment, in seconds.
const AROUND_S: f64 = 2.0;
/// Longest clip in seconds: 350 kB.
const MAX_S: f64 = 8.0;
/// Peak of a clip, as a share of full scale.
const PEAK: f32 = 0.9;

/// A moment of a track as a mono WAV file of 16 bits, as the network receives it, brought to one level.
pub struct Clip {
    /// The file.
    pub wav: Vec<u8>,
    /// Time in the track at which it starts, in seconds.
    pub from_s: f64,
}

impl Clip {
    /// Cuts the beginning of a moment out of its track.
    pub fn new(track: &Track, moment: &Moment) -> Self {
        let rate_hz = f64::from(SAMPLE_RATE_HZ);
        let from_s = (moment.from_s - AROUND_S).max(0.0);
        let to_s = (moment.to_s + AROUND_S).min(from_s + MAX_S);
        let (from, length) = (
            (from_s * rate_hz) as usize,
            ((to_s - from_s) * rate_hz) as usize,
        );
        let mut samples = vec![0.0; length];
        match &track.sound {
            Sound::Mix(sound) | Sound::Solo(sound) | Sound::Speech(sound) => {
                sound.add_to(from, &mut samples);
            }
            Sound::Stems {
                voice,
                accompaniment,
            } => {
                voice.add_to(from, &mut samples);
                accompaniment.add_to(from, &mut samples);
            }
        }
        let peak = samples.iter().fold(1e-6, |peak: f32, x| peak.max(x.abs()));
        let scale = PEAK / peak * f32::from(i16::MAX);
        let samples = samples.iter().map(|x| (x * scale).round() as i16);
        Self {
            wav: wav(samples.collect()),
            from_s,
        }
    }
}

/// A WAV file of one channel.
fn wav(samples: Vec<i16>) -> Vec<u8> {
    let bytes = 2 * samples.len() as u32;
    let mut wav = Vec::with_capacity(44 + bytes as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    // PCM, one channel.
    wav.extend(1u16.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(SAMPLE_RATE_HZ.to_le_bytes());
    wav.extend((2 * SAMPLE_RATE_HZ).to_le_bytes());
    // Bytes of a frame, bits of a sample.
    wav.extend(2u16.to_le_bytes());
    wav.extend(16u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    wav.extend(samples.into_iter().flat_map(i16::to_le_bytes));
    wav
}
