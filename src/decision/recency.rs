//! How much of the sound of late was voice.

/// A voice is remembered from this share of the memory on: after a tenth of its length, a phrase, and not
/// after a single false alarm. (On validation, shares from 0.05 to 0.2 and memories from 5 to 30 s do alike.)
const HOLDS_FROM: f64 = 0.1;

/// The share of the time that was voice, the last seconds counting most: a second that lies `memory_s` back
/// counts 1/e as much as this one.
#[derive(Debug, Clone)]
pub(super) struct Recency {
    voice_share: f64,
    /// Up to when it has heard; nothing yet.
    heard_to_s: Option<f64>,
}

impl Recency {
    /// One that has heard no voice.
    pub fn new() -> Self {
        Self {
            voice_share: 0.0,
            heard_to_s: None,
        }
    }

    /// Time passes up to `t_s`, in voice or not.
    pub fn pass(&mut self, t_s: f64, voice: bool, recency_s: f32) {
        let passed_s = self.heard_to_s.map_or(0.0, |before_s| t_s - before_s);
        let kept = (-passed_s / f64::from(recency_s)).exp();
        let now = if voice { 1.0 } else { 0.0 };
        self.voice_share = now + kept * (self.voice_share - now);
        self.heard_to_s = Some(t_s);
    }

    pub fn holds_a_voice(&self) -> bool {
        self.voice_share >= HOLDS_FROM
    }
}
