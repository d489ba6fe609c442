//! Sound files to mel magnitudes, computed once and kept on disk.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::audio::Decoder;
use crate::frontend::resample::Resampler;
use crate::frontend::{FRAME_SAMPLES, HOP_SAMPLES, LogMel, MEL_BANDS, SAMPLE_RATE_HZ};

/// Raise it when the frontend's numbers change, so that old files are not taken for new ones.
const CACHE_VERSION: u32 = 1;

/// Mel magnitudes of a sound before the logarithm: `frames()` × 80. Sounds that are played together
/// have, on average, the square root of the sum of squares.
#[derive(Debug, Clone, PartialEq)]
pub struct MelTrack {
    values: Vec<f32>,
}

impl MelTrack {
    pub fn frames(&self) -> usize {
        self.values.len() / MEL_BANDS
    }

    /// The 80 magnitudes of a frame; the last frame stands for all after it.
    pub fn frame(&self, index: usize) -> &[f32] {
        let index = index.min(self.frames().saturating_sub(1));
        &self.values[index * MEL_BANDS..][..MEL_BANDS]
    }

    /// Mean square of the magnitudes of some frames.
    pub fn power(&self, frames: std::ops::Range<usize>) -> f32 {
        let end = frames.end.min(self.frames());
        let values = &self.values[frames.start.min(end) * MEL_BANDS..end * MEL_BANDS];
        values.iter().map(|v| v * v).sum::<f32>() / values.len().max(1) as f32
    }

    /// The magnitudes of samples at 22 050 Hz.
    pub fn of_samples(samples: &[f32]) -> Self {
        let mut log_mel = LogMel::new();
        let mut values = Vec::with_capacity(samples.len() / HOP_SAMPLES * MEL_BANDS);
        for frame in samples.windows(FRAME_SAMPLES).step_by(HOP_SAMPLES) {
            if let Ok(frame) = frame.try_into() {
                values.extend(log_mel.magnitude_frame(frame));
            }
        }
        Self { values }
    }
}

/// Middle of a frame, in seconds from the start of its track.
pub fn frame_time_s(frame: usize) -> f64 {
    (frame * HOP_SAMPLES + FRAME_SAMPLES / 2) as f64 / f64::from(SAMPLE_RATE_HZ)
}

/// Which of a file's channels are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    Mean,
    /// Counted from 0.
    Only(usize),
}

/// A folder of computed features.
#[derive(Debug, Clone)]
pub struct FeatureCache {
    folder: PathBuf,
}

impl FeatureCache {
    pub fn open(folder: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// The features of a file, from the cache or computed now. The error is one sentence.
    pub fn track(&self, path: &Path, channels: Channels) -> Result<MelTrack, String> {
        let place = self.place(path, channels)?;
        if let Some(track) = read_cached(&place) {
            return Ok(track);
        }
        let track = MelTrack::of_samples(&samples(path, channels)?);
        if track.frames() == 0 {
            return Err(format!(
                "{} is shorter than one frame (46 ms)",
                path.display()
            ));
        }
        let bytes: Vec<u8> = track.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let partial = place.with_extension(format!("{}.partial", std::process::id()));
        std::fs::write(&partial, bytes)
            .and_then(|()| std::fs::rename(&partial, &place))
            .map_err(|e| format!("cannot keep features in {}: {e}", self.folder.display()))?;
        Ok(track)
    }

    /// A changed file has another name in the cache.
    fn place(&self, path: &Path, channels: Channels) -> Result<PathBuf, String> {
        let unreadable = |e| format!("{}: {e}", path.display());
        let whole = path.canonicalize().map_err(unreadable)?;
        let info = whole.metadata().map_err(unreadable)?;
        let mut hasher = DefaultHasher::new();
        (CACHE_VERSION, &whole, info.len(), channels).hash(&mut hasher);
        info.modified().map_err(unreadable)?.hash(&mut hasher);
        Ok(self.folder.join(format!("{:016x}.mel", hasher.finish())))
    }
}

fn read_cached(place: &Path) -> Option<MelTrack> {
    let bytes = std::fs::read(place).ok()?;
    let whole = !bytes.is_empty() && bytes.len() % (4 * MEL_BANDS) == 0;
    let value = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    whole.then(|| MelTrack {
        values: bytes.chunks_exact(4).map(value).collect(),
    })
}

/// The whole of a file at 22 050 Hz.
fn samples(path: &Path, channels: Channels) -> Result<Vec<f32>, String> {
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
        Resampler::new(format.rate_hz).map_err(|e| format!("{}: {e}", path.display()))?;
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
