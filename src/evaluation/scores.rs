//! Scored windows of tracks as CSV files.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use crate::atomic_file;
use crate::evaluation::scorer::ScoredTrack;

/// Columns: the frame's distance from the window's last in frames, its time in seconds, the network's
/// probability of voice, and the label (1 for voice, 0 for none, empty where there is no label).
const HEADER: &str = "horizon_frames,t,p,label";
/// Further columns of a checkpoint with an output for speech: the probability of voice without suppression, that of
/// speech, and its label.
const SPEECH_HEADER: &str = ",p_alone,speech_p,speech_label";

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the scores cannot be written to {}: {reason}", path.display())]
pub struct UnwritableScores {
    /// The file.
    pub path: PathBuf,
    /// The system's reason.
    pub reason: std::io::Error,
}

/// Writes `FOLDER/CORPUS/TRACK.csv` for each track of a corpus, a line for every window and horizon. Later
/// tracks of the same name are numbered: `TRACK-2.csv`.
///
/// # Errors
/// A file or its folder cannot be written.
pub fn write<'a>(
    folder: &Path,
    corpus: &str,
    tracks: impl IntoIterator<Item = &'a ScoredTrack>,
    horizons_frames: &[u32],
) -> Result<(), UnwritableScores> {
    let mut written = HashSet::new();
    for track in tracks {
        let mut path = path_of(folder, corpus, &track.name);
        let mut number = 1;
        while !written.insert(path.clone()) {
            number += 1;
            path = path_of(folder, corpus, &format!("{}-{number}", track.name));
        }
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| atomic_file::write(&path, table(track, horizons_frames)))
            .map_err(|reason| UnwritableScores { path, reason })?;
    }
    Ok(())
}

fn table(track: &ScoredTrack, horizons_frames: &[u32]) -> String {
    let mut text = HEADER.to_owned();
    text += track.speech.as_ref().map_or("", |_| SPEECH_HEADER);
    text.push('\n');
    for (h, (scored, &frames)) in track.horizons.iter().zip(horizons_frames).enumerate() {
        let grid = track.grid(frames);
        for (window, &(p, voice)) in scored.iter().enumerate() {
            let t_s = grid.time_s(window);
            // Writing to a string cannot fail.
            let _ = write!(text, "{frames},{t_s:.6},{p},{}", cell(voice));
            if let Some(speech) = &track.speech {
                let alone = speech.voice_alone[h][window];
                let (p, label) = speech.horizons[h][window];
                let _ = write!(text, ",{alone},{p},{}", cell(label));
            }
            text.push('\n');
        }
    }
    text
}

fn cell(label: Option<bool>) -> &'static str {
    label.map_or("", |label| if label { "1" } else { "0" })
}

/// Tracks of sub-folders keep them; no name leads out of `folder`.
fn path_of(folder: &Path, corpus: &str, track: &str) -> PathBuf {
    let inside = Path::new(track).components();
    let inside = inside.filter(|part| matches!(part, Component::Normal(_)));
    let mut path = folder.join(corpus.replace('/', "-"));
    path.extend(inside);
    path.as_mut_os_string().push(".csv");
    path
}
