//! A cache of decoded recordings and separated features, in a folder on disk.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::atomic_file;
use crate::corpora::SoundError;
use crate::corpora::recording::Recording;
use crate::corpora::separated::SeparatedTrack;
use crate::corpora::sound_file::{Channels, samples};
use crate::frontend::separated_mel::SEPARATED_RATE_HZ;
use crate::frontend::{Features, SAMPLE_RATE_HZ};

/// Part of the cache keys. Raise them when the frontend's numbers change, so that old files are not used.
const CACHE_VERSION: u32 = 1;
const SEPARATED_CACHE_VERSION: u32 = 1;

/// A folder of computed features. A file in it is named for the path, the length and the modification
/// time of its source, so a changed source is read again.
#[derive(Debug, Clone)]
pub struct FeatureCache {
    folder: PathBuf,
    separates: bool,
}

impl FeatureCache {
    /// Opens a cache for networks that use mel features; the folder is made if it is missing.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(folder: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            separates: false,
        })
    }

    /// The same cache for networks that use `features`. Recordings are provided in any case: labels and
    /// reports use their frames.
    #[must_use]
    pub fn giving(self, features: Features) -> Self {
        Self {
            separates: features == Features::SeparatedMel,
            ..self
        }
    }

    /// The features of a recording's separated parts, from the cache or computed now; `None` if the
    /// network does not use them. Several sources are mixed first to their mean, as stems are in a mix;
    /// the shortest ends the mix.
    ///
    /// # Errors
    /// If a source cannot be decoded, or the cache cannot be written.
    pub fn separated(
        &self,
        sources: &[(&Path, Channels)],
    ) -> Result<Option<SeparatedTrack>, SoundError> {
        if !self.separates {
            return Ok(None);
        }
        let keys = sources.iter().map(|&(path, channels)| key(path, channels));
        let keys = keys.collect::<Result<Vec<u64>, _>>()?;
        let mut hasher = DefaultHasher::new();
        ("separated", SEPARATED_CACHE_VERSION, keys).hash(&mut hasher);
        let place = self.folder.join(format!("{:016x}.sep", hasher.finish()));
        if let Some(track) = read_separated(&place) {
            return Ok(Some(track));
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
        let bytes = track.energies().iter().flat_map(|v| v.to_le_bytes());
        self.keep(&place, &bytes.collect::<Vec<u8>>())?;
        Ok(Some(track))
    }

    /// A recording of a file's channel, from the cache or decoded now.
    ///
    /// # Errors
    /// If the file cannot be decoded or is shorter than a frame, or the cache cannot be written.
    pub fn recording(&self, path: &Path, channels: Channels) -> Result<Recording, SoundError> {
        let name = format!("{:016x}.pcm", key(path, channels)?);
        let place = self.folder.join(name);
        let cached = std::fs::read(&place).ok();
        if let Some(recording) = cached.and_then(|bytes| Recording::from_bytes(&bytes)) {
            return Ok(recording);
        }
        let recording = Recording::of_samples(&samples(path, channels, SAMPLE_RATE_HZ)?);
        if recording.frames() == 0 {
            return Err(SoundError::TooShort { path: path.into() });
        }
        self.keep(&place, &recording.to_bytes())?;
        Ok(recording)
    }

    fn keep(&self, place: &Path, bytes: &[u8]) -> Result<(), SoundError> {
        atomic_file::write(place, bytes).map_err(|reason| SoundError::CacheUnwritable {
            folder: self.folder.clone(),
            reason,
        })
    }
}

/// The cache's name for a channel of a file; it changes with the file.
fn key(path: &Path, channels: Channels) -> Result<u64, SoundError> {
    let unreadable = |reason| SoundError::Unreadable {
        path: path.into(),
        reason,
    };
    let whole = path.canonicalize().map_err(unreadable)?;
    let info = whole.metadata().map_err(unreadable)?;
    let mut hasher = DefaultHasher::new();
    (CACHE_VERSION, &whole, info.len(), channels).hash(&mut hasher);
    info.modified().map_err(unreadable)?.hash(&mut hasher);
    Ok(hasher.finish())
}

fn read_separated(place: &Path) -> Option<SeparatedTrack> {
    let bytes = std::fs::read(place).ok()?;
    let (values, rest) = bytes.as_chunks();
    let energies = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
    rest.is_empty()
        .then(|| SeparatedTrack::from_energies(energies))
        .flatten()
}
