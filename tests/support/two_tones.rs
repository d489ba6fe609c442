//! A corpus that a network fits at once.

use vocald::corpora::recording::Recording;
use vocald::corpora::{Corpus, Sound, Track};

/// Four seconds: a tone that stands for a voice, then a lower one that does not.
pub fn corpus() -> Corpus {
    let sample = |n: usize| {
        let hz = if n < 44_100 { 1500.0 } else { 200.0 };
        (2.0 * std::f32::consts::PI * hz * n as f32 / 22_050.0).sin() * 0.3
    };
    let mel = Recording::of_samples(&(0..88_200).map(sample).collect::<Vec<_>>());
    let voice = (0..mel.frames())
        .map(|frame| Some(frame * 315 + 512 < 44_100))
        .collect();
    let track = Track {
        name: "tones".into(),
        song: String::new(),
        sound: Sound::Mix(mel),
        voice,
        speech: Vec::new(),
        separated: None,
    };
    Corpus {
        name: "tones".into(),
        weight: 1.0,
        voice_share: None,
        tracks: vec![track],
    }
}
