//! Changes of decision settings while the program runs: the keys of `[decision]` that a request names.

use vocald_client::settings::{Change, DecisionChange};

use crate::config::{DecisionConfig, FromCheckpoint};

impl DecisionConfig {
    /// These changes with those of a request over them. What is not set here is as configured.
    #[must_use]
    pub fn changed(mut self, change: &DecisionChange) -> Self {
        fn apply<T: Copy>(value: &mut FromCheckpoint<T>, change: Change<T>) {
            if let Some(change) = change {
                *value = change.into();
            }
        }
        // One takes the place of the other.
        if change.horizon_frames.is_some() != change.lookahead_s.is_some() {
            self.horizon_frames = FromCheckpoint::Checkpoint;
            self.lookahead_s = FromCheckpoint::Checkpoint;
        }
        apply(&mut self.horizon_frames, change.horizon_frames);
        apply(&mut self.lookahead_s, change.lookahead_s);
        apply(&mut self.threshold, change.threshold);
        apply(&mut self.enter, change.enter);
        apply(&mut self.reenter, change.reenter);
        apply(&mut self.recency_s, change.recency_s);
        apply(&mut self.leave, change.leave);
        apply(&mut self.confirm_n, change.confirm_n);
        apply(&mut self.confirm_m, change.confirm_m);
        apply(&mut self.min_voice_s, change.min_voice_s);
        apply(&mut self.min_gap_s, change.min_gap_s);
        self
    }

    /// These settings where they are set, and `general` where not.
    #[must_use]
    pub fn over(&self, general: &Self) -> Self {
        fn or<T: Copy>(value: FromCheckpoint<T>, general: FromCheckpoint<T>) -> FromCheckpoint<T> {
            value.set().map_or(general, FromCheckpoint::Set)
        }
        let chooses = self.horizon_frames.set().is_some() || self.lookahead_s.set().is_some();
        let horizon = if chooses { self } else { general };
        Self {
            horizon_frames: horizon.horizon_frames,
            lookahead_s: horizon.lookahead_s,
            threshold: or(self.threshold, general.threshold),
            enter: or(self.enter, general.enter),
            reenter: or(self.reenter, general.reenter),
            recency_s: or(self.recency_s, general.recency_s),
            leave: or(self.leave, general.leave),
            confirm_n: or(self.confirm_n, general.confirm_n),
            confirm_m: or(self.confirm_m, general.confirm_m),
            min_voice_s: or(self.min_voice_s, general.min_voice_s),
            min_gap_s: or(self.min_gap_s, general.min_gap_s),
        }
    }

    /// Names of the keys that are set.
    pub fn set_keys(&self) -> Vec<&'static str> {
        let keys = [
            ("horizon_frames", self.horizon_frames.set().is_some()),
            ("lookahead_s", self.lookahead_s.set().is_some()),
            ("threshold", self.threshold.set().is_some()),
            ("enter", self.enter.set().is_some()),
            ("reenter", self.reenter.set().is_some()),
            ("recency_s", self.recency_s.set().is_some()),
            ("leave", self.leave.set().is_some()),
            ("confirm_n", self.confirm_n.set().is_some()),
            ("confirm_m", self.confirm_m.set().is_some()),
            ("min_voice_s", self.min_voice_s.set().is_some()),
            ("min_gap_s", self.min_gap_s.set().is_some()),
        ];
        let set = keys.into_iter().filter(|(_, set)| *set);
        set.map(|(key, _)| key).collect()
    }
}
