//! Record of what is wrong with a file that was decoded to its end.

use std::path::Path;

/// What is wrong with a file so far.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// The container breaks off after this many seconds.
    pub cut_off_after_s: Option<f64>,
    /// Packets that the codec refused.
    pub undecodable_packets: u32,
    /// Frames of silence in place of missing sound.
    pub silenced_frames: u64,
}

impl Damage {
    /// One sentence about everything that is wrong with a file of `decoded_frames` at `rate_hz`
    /// whose header declares `declared_frames`; `None` when nothing is.
    pub fn report(
        &self,
        path: &Path,
        rate_hz: u32,
        decoded_frames: u64,
        declared_frames: Option<u64>,
    ) -> Option<String> {
        let seconds = |frames: u64| seconds(frames, rate_hz);
        let mut problems = Vec::new();
        if let Some(cut_off_after_s) = self.cut_off_after_s {
            problems.push(format!("it is cut off after {cut_off_after_s:.3} s"));
        } else if let Some(declared) = declared_frames
            && declared > decoded_frames
        {
            let (decoded_s, declared_s) = (seconds(decoded_frames), seconds(declared));
            problems.push(format!(
                "it ends after {decoded_s:.3} s, but its header declares {declared_s:.3} s"
            ));
        }
        if self.undecodable_packets > 0 {
            let count = self.undecodable_packets;
            problems.push(format!("{count} packets could not be decoded"));
        }
        if self.silenced_frames > 0 {
            let silenced_s = seconds(self.silenced_frames);
            problems.push(format!(
                "{silenced_s:.3} s of it are missing and were left silent"
            ));
        }
        (!problems.is_empty())
            .then(|| format!("{} is damaged: {}", path.display(), problems.join("; ")))
    }
}

/// Duration of `frames`; 0 Hz, before the first sound is decoded, counts as 1 Hz.
pub(super) fn seconds(frames: u64, rate_hz: u32) -> f64 {
    frames as f64 / f64::from(rate_hz.max(1))
}
