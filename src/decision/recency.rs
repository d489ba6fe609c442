//! Exponentially weighted fraction of recent time that was voice.
//!
//! While it is high, `Tracker` applies the lower threshold of [`Reentry`](crate::decision::Reentry).

/// Voice is recent from this fraction on. It is reached after a tenth of the time constant: by a phrase, not by a
/// single false alarm. Fractions of 0.05 to 0.2 perform alike on validation.
const RECENT_FROM: f64 = 0.1;

/// Follows the state of one stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Recency {
    voice_fraction: f64,
    /// Time up to which the fraction is known; `None` before the first frame.
    until_s: Option<f64>,
}

impl Recency {
    /// Moves on to stream time `t_s`; `voice` is the state since the last call. Voice that lies `recency_s` back has
    /// weight 1/e.
    pub fn advance(&mut self, t_s: f64, voice: bool, recency_s: f32) {
        let elapsed_s = self.until_s.map_or(0.0, |until_s| t_s - until_s);
        let decay = (-elapsed_s / f64::from(recency_s)).exp();
        let state = if voice { 1.0 } else { 0.0 };
        self.voice_fraction = state + decay * (self.voice_fraction - state);
        self.until_s = Some(t_s);
    }

    /// Whether there was voice recently.
    pub fn is_recent(&self) -> bool {
        self.voice_fraction >= RECENT_FROM
    }
}
