//! Sound files to recordings and to energies of separated parts, read once and kept on disk.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::audio::Decoder;
use crate::corpora::recording::Recording;
use crate::frontend::resample::Resampler;
use crate::frontend::separated_mel::SEPARATED_RATE_HZ;
pub use crate::frontend::window::frame_time_s;
use crate::frontend::{
    FRAME_SAMPLES, Features, HOP_SAMPLES, MEL_BANDS, SAMPLE_RATE_HZ, SeparatedMel,
};

/// Raise them when the frontend's numbers change, so that old files are not taken for new ones.
const CACHE_VERSION: u32 = 1;
const SEPARATED_CACHE_VERSION: u32 = 1;

/// Mel energies of a recording's separated parts: `frames()` × 80, every 16 ms, the first centred on
/// its first sample. Of two sounds together they are not the sum.
#[derive(Debug, Clone, PartialEq)]
pub struct SeparatedTrack {
    energies: Vec<f32>,
}

impl SeparatedTrack {
    pub fn frames(&self) -> usize {
        self.energies.len() / self.bands()
    }

    /// Values of a frame.
    pub fn bands(&self) -> usize {
        MEL_BANDS
    }

    /// The energies of a frame; the last frame stands for all after it.
    pub fn frame(&self, index: usize) -> &[f32] {
        let index = index.min(self.frames().saturating_sub(1));
        &self.energies[index * MEL_BANDS..][..MEL_BANDS]
    }

    /// All frames, one after the other.
    pub fn energies(&self) -> &[f32] {
        &self.energies
    }

    /// The energies of samples at 16 kHz.
    pub fn of_samples(samples: &[f32]) -> Self {
        Self {
            energies: SeparatedMel::new().energies(samples),
        }
    }
}

/// The frame whose middle is nearest to a time.
pub fn frame_at_s(t_s: f64) -> usize {
    let samples = t_s * f64::from(SAMPLE_RATE_HZ) - (FRAME_SAMPLES / 2) as f64;
    (samples / HOP_SAMPLES as f64).round().max(0.0) as usize
}

/// Which of a file's channels are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    Mean,
    /// Counted from 0.
    Only(usize),
}

/// A sound in a file, or a part of one: where it is and which of the channels.
pub type Source<'a> = (&'a Path, Channels);

/// A folder of computed features.
#[derive(Debug, Clone)]
pub struct FeatureCache {
    folder: PathBuf,
    separates: bool,
}

impl FeatureCache {
    pub fn open(folder: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            separates: false,
        })
    }

    /// The same folder, giving what networks that look at `features` need. Recordings are given
    /// always: labels and reports go by their frames.
    pub fn giving(self, features: Features) -> Self {
        Self {
            separates: features == Features::SeparatedMel,
            ..self
        }
    }

    /// The energies of a recording's separated parts, where they are needed, from the cache or
    /// computed now. Several sources are mixed first, to their mean, as stems lie in a mix; the
    /// shortest ends it. The error is one sentence.
    pub fn separated(&self, sources: &[Source]) -> Result<Option<SeparatedTrack>, String> {
        if !self.separates {
            return Ok(None);
        }
        let keys = sources.iter().map(|&(path, channels)| key(path, channels));
        let keys = keys.collect::<Result<Vec<u64>, String>>()?;
        let mut hasher = DefaultHasher::new();
        ("separated", SEPARATED_CACHE_VERSION, keys).hash(&mut hasher);
        let place = self.folder.join(format!("{:016x}.sep", hasher.finish()));
        if let Some(energies) = read_cached(&place) {
            return Ok(Some(SeparatedTrack { energies }));
        }
        let mut mix: Option<Vec<f32>> = None;
        for &(path, channels) in sources {
            let part = samples(path, channels, SEPARATED_RATE_HZ)?;
            mix = Some(match mix {
                None => part,
                Some(sum) => sum.iter().zip(&part).map(|(a, b)| a + b).collect(),
            });
        }
        let mut mix = mix.unwrap_or_default();
        mix.iter_mut().for_each(|x| *x /= sources.len() as f32);
        let track = SeparatedTrack::of_samples(&mix);
        let bytes: Vec<u8> = track
            .energies
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        self.keep(&place, &bytes)?;
        Ok(Some(track))
    }

    /// A channel of a file, from the cache or decoded now. The error is one sentence.
    pub fn recording(&self, path: &Path, channels: Channels) -> Result<Recording, String> {
        let name = format!("{:016x}.pcm", key(path, channels)?);
        let place = self.folder.join(name);
        let cached = std::fs::read(&place).ok();
        if let Some(recording) = cached.and_then(|bytes| Recording::from_bytes(&bytes)) {
            return Ok(recording);
        }
        let recording = Recording::of_samples(&samples(path, channels, SAMPLE_RATE_HZ)?);
        if recording.frames() == 0 {
            return Err(format!(
                "{} is shorter than one frame (46 ms)",
                path.display()
            ));
        }
        self.keep(&place, &recording.to_bytes())?;
        Ok(recording)
    }

    fn keep(&self, place: &Path, bytes: &[u8]) -> Result<(), String> {
        let partial = place.with_extension(format!("{}.partial", std::process::id()));
        std::fs::write(&partial, bytes)
            .and_then(|()| std::fs::rename(&partial, place))
            .map_err(|e| format!("cannot keep features in {}: {e}", self.folder.display()))
    }
}

/// What a sound is called in the cache: another name once its file has changed.
fn key(path: &Path, channels: Channels) -> Result<u64, String> {
    let unreadable = |e| format!("{}: {e}", path.display());
    let whole = path.canonicalize().map_err(unreadable)?;
    let info = whole.metadata().map_err(unreadable)?;
    let mut hasher = DefaultHasher::new();
    (CACHE_VERSION, &whole, info.len(), channels).hash(&mut hasher);
    info.modified().map_err(unreadable)?.hash(&mut hasher);
    Ok(hasher.finish())
}

fn read_cached(place: &Path) -> Option<Vec<f32>> {
    let bytes = std::fs::read(place).ok()?;
    let whole = !bytes.is_empty() && bytes.len() % (4 * MEL_BANDS) == 0;
    let value = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    whole.then(|| bytes.chunks_exact(4).map(value).collect())
}

/// The whole of a file at a rate.
fn samples(path: &Path, channels: Channels, rate_hz: u32) -> Result<Vec<f32>, String> {
    let mut decoder = Decoder::open(path).map_err(|e| e.to_string())?;
    let format = decoder.format();
    let count = usize::from(format.channels);
    if let Channels::Only(index) = channels
        && index >= count
    {
        return Err(format!(
            "{} has {count} channels, not {}",
            path.display(),
            index + 1
        ));
    }
    let mut resampler =
        Resampler::to(rate_hz, format.rate_hz).map_err(|e| format!("{}: {e}", path.display()))?;
    let (mut mono, mut out) = (Vec::new(), Vec::new());
    while let Some(block) = decoder.next_block().map_err(|e| e.to_string())? {
        mono.clear();
        mono.extend(block.chunks_exact(count).map(|frame| match channels {
            Channels::Mean => frame.iter().sum::<f32>() / count as f32,
            Channels::Only(index) => frame[index],
        }));
        resampler.push(&mono, &mut out);
    }
    if let Some(damage) = decoder.damaged() {
        return Err(format!("{}: {damage}", path.display()));
    }
    resampler.flush(&mut out);
    Ok(out)
}
