//! Record of what is wrong with a compressed sound that was decoded to its end.

use crate::audio::AudioFormat;

/// What is wrong with a sound so far.
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
    /// Everything that is wrong with a sound of `decoded_frames` whose header states
    /// `stated_frames`.
    pub fn problems(
        &self,
        format: AudioFormat,
        decoded_frames: u64,
        stated_frames: Option<u64>,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(cut_off_after_s) = self.cut_off_after_s {
            problems.push(format!("it is cut off after {cut_off_after_s:.3} s"));
        } else if let Some(stated) = stated_frames
            && stated > decoded_frames
        {
            problems.push(ends_early(format, decoded_frames, stated));
        }
        if self.undecodable_packets > 0 {
            let count = self.undecodable_packets;
            problems.push(format!("{count} packets could not be decoded"));
        }
        if self.silenced_frames > 0 {
            let silenced_s = format.seconds(self.silenced_frames);
            problems.push(format!(
                "{silenced_s:.3} s of it are missing and were left silent"
            ));
        }
        problems
    }
}

/// The sound is shorter than its header states.
pub(super) fn ends_early(format: AudioFormat, decoded_frames: u64, stated_frames: u64) -> String {
    let (decoded_s, stated_s) = (
        format.seconds(decoded_frames),
        format.seconds(stated_frames),
    );
    format!("it ends after {decoded_s:.3} s, but its header declares {stated_s:.3} s")
}
