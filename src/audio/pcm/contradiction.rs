//! Notices raw samples that are not what was declared: the bytes of a sound file, or noise and impossible values in
//! place of sound.

use crate::audio::pcm::PcmFormat;

/// Beginnings of files that hold anything but raw samples, and where in the file they are.
const BEGINNINGS: [(usize, &[u8], &str); 13] = [
    (0, b"RIFF", "a WAV file"),
    (0, b"RIFX", "a WAV file"),
    (0, b"RF64", "a WAV file"),
    (0, b"BW64", "a WAV file"),
    (0, b"riff\x2e\x91\xcf\x11", "a Wave64 file"),
    (0, b"fLaC", "a FLAC file"),
    (0, b"ID3", "an MP3 file"),
    (0, b"OggS", "an Ogg file"),
    (0, b"FORM", "an AIFF file"),
    (0, b"caff", "a CAF file"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    (4, b"ftyp", "an MP4 file"),
    (0, b".snd", "an AU file"),
];
/// Bytes that are needed to recognise a file.
const BEGINNING_BYTES: usize = 12;
/// Sound that is judged, in seconds.
const JUDGED_S: u64 = 2;
/// Samples quieter than this are not judged: -12 dB of full scale, well below what wrong formats give.
const LOUD_POWER: f64 = 0.06;
/// Correlation of neighbouring samples below which loud sound is noise: music stays above 0.8.
const NOISE_CORRELATION: f64 = 0.2;
/// Ratio of the squared mean magnitude to the power above which values hardly differ but in sign, as the upper bytes of
/// floats do: 0.81 for a sine, less for music.
const EQUAL_MAGNITUDES: f64 = 0.97;
/// A sample beyond this is no sound at a full scale of 1.
const IMPOSSIBLE: f32 = 16.0;
/// Share of impossible samples that is no accident.
const IMPOSSIBLE_SHARE: f64 = 0.01;

/// Watches the first seconds of raw samples.
#[derive(Debug, Clone)]
pub(super) struct ContradictionWatch {
    pcm: PcmFormat,
    /// `None` once the beginning is judged.
    beginning: Option<Vec<u8>>,
    /// One for each channel; empty once they are judged.
    channels: Vec<Channel>,
    frames: u64,
}

#[derive(Debug, Clone, Default)]
struct Channel {
    power: f64,
    /// Sum of products of neighbouring samples.
    product: f64,
    magnitude: f64,
    impossible: u64,
    last: f64,
}

impl ContradictionWatch {
    pub fn new(pcm: PcmFormat) -> Self {
        Self {
            pcm,
            beginning: Some(Vec::with_capacity(BEGINNING_BYTES)),
            channels: vec![Channel::default(); usize::from(pcm.channels)],
            frames: 0,
        }
    }

    /// Takes the next bytes; a sentence if they begin as a file does.
    pub fn bytes(&mut self, bytes: &[u8]) -> Option<String> {
        let beginning = self.beginning.as_mut()?;
        let missing = BEGINNING_BYTES - beginning.len();
        beginning.extend(bytes.iter().take(missing));
        if beginning.len() < BEGINNING_BYTES {
            return None;
        }
        let begins = |(at, mark, _): &&(usize, &[u8], &str)| beginning[*at..].starts_with(mark);
        let found = BEGINNINGS.iter().find(begins).map(|(.., name)| *name);
        self.beginning = None;
        let name = found?;
        // What follows is no sound either; one sentence is enough.
        self.channels.clear();
        Some(format!(
            "the bytes begin like {name}, but raw {} samples are declared",
            self.pcm.encoding.name()
        ))
    }

    /// Takes the next interleaved samples; a sentence if the first seconds cannot be sound.
    pub fn samples(&mut self, interleaved: &[f32]) -> Option<String> {
        if self.channels.is_empty() {
            return None;
        }
        for frame in interleaved.chunks_exact(self.channels.len()) {
            for (channel, &sample) in self.channels.iter_mut().zip(frame) {
                channel.push(sample);
            }
            self.frames += 1;
        }
        if self.frames < JUDGED_S * u64::from(self.pcm.rate_hz) {
            return None;
        }
        let frames = self.frames as f64;
        let oddity = self.channels.iter().find_map(|c| c.oddity(frames));
        self.channels.clear();
        let name = self.pcm.encoding.name();
        oddity.map(|oddity| format!("the first {JUDGED_S} s {oddity}: are they {name} samples?"))
    }
}

impl Channel {
    fn push(&mut self, sample: f32) {
        // False for NaN.
        if sample.abs() <= IMPOSSIBLE {
            let sample = f64::from(sample);
            self.power += sample * sample;
            self.product += sample * self.last;
            self.magnitude += sample.abs();
            self.last = sample;
        } else {
            self.impossible += 1;
        }
    }

    fn oddity(&self, frames: f64) -> Option<&'static str> {
        let power = self.power / frames;
        if self.impossible as f64 > IMPOSSIBLE_SHARE * frames {
            Some("hold values far beyond full scale")
        } else if power < LOUD_POWER {
            None
        } else if self.product.abs() < NOISE_CORRELATION * self.power {
            Some("are loud noise")
        } else if (self.magnitude / frames).powi(2) > EQUAL_MAGNITUDES * power {
            Some("hold hardly any values but two")
        } else {
            None
        }
    }
}
