//! Every scored window as a table, for whoever draws or measures it another way.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;

use crate::evaluation::scorer::ScoredTrack;

/// A row a window and horizon: the frame's distance from the window's last, the time it speaks of in
/// seconds, the network's probability of voice, and the label (1 for voice, nothing where there is none).
const HEADER: &str = "horizon_frames,t,p,label\n";

/// Writes `FOLDER/CORPUS/TRACK.csv` for each track of a corpus; of several tracks with one name the
/// later ones are numbered, `TRACK-2.csv`.
pub fn write<'a>(
    folder: &Path,
    corpus: &str,
    tracks: impl IntoIterator<Item = &'a ScoredTrack>,
    horizons_frames: &[u32],
) -> anyhow::Result<()> {
    let mut written = HashSet::new();
    for track in tracks {
        let mut path = path_of(folder, corpus, &track.name);
        let mut number = 1;
        while !written.insert(path.clone()) {
            number += 1;
            path = path_of(folder, corpus, &format!("{}-{number}", track.name));
        }
        let kept = path.parent().map_or(Ok(()), fs::create_dir_all);
        kept.and_then(|()| fs::write(&path, table(track, horizons_frames)))
            .with_context(|| format!("the scores cannot be written to {}", path.display()))?;
    }
    Ok(())
}

fn table(track: &ScoredTrack, horizons_frames: &[u32]) -> String {
    let mut text = HEADER.to_owned();
    for (scored, &frames) in track.horizons.iter().zip(horizons_frames) {
        let grid = track.grid(frames);
        for (window, &(p, voice)) in scored.iter().enumerate() {
            let t_s = grid.time_s(window);
            // Writing to a string cannot fail.
            let label = voice.map_or("", |voice| if voice { "1" } else { "0" });
            let _ = writeln!(text, "{frames},{t_s:.6},{p},{label}");
        }
    }
    text
}

/// A track in a sub-folder stays in one; nothing leads out of `folder`.
fn path_of(folder: &Path, corpus: &str, track: &str) -> PathBuf {
    let inside = Path::new(track).components();
    let inside = inside.filter(|part| matches!(part, Component::Normal(_)));
    let mut path = folder.join(corpus.replace('/', "-"));
    path.extend(inside);
    path.as_mut_os_string().push(".csv");
    path
}
