//! The labels of a recording's frames.

use crate::corpora::labels::{LabelFile, Reason};
use crate::corpora::recording::Recording;
use crate::corpora::stems::sounding;
use crate::frontend::window::frame_time_s;

/// The labels of one recording: of voice, and of speech beside it.
pub(super) enum Labels {
    /// From a file beside a song: nobody speaks in it, unless the file says so.
    Song(LabelFile),
    /// From a file that leaves open whether somebody speaks, unless it has words for that.
    File(LabelFile),
    /// Voice wherever the voice's own recording is loud.
    VoiceEnergy,
    /// No voice anywhere.
    NoVoice,
    /// No voice anywhere, and speech wherever the recording is loud.
    SpeechEnergy,
}

/// The labels of a recording's frames.
pub(super) struct FrameLabels {
    /// Up to the last one that is known.
    pub voice: Vec<Option<bool>>,
    /// Whether somebody speaks, for the same frames.
    pub speech: Vec<Option<bool>>,
    /// The first of these frames that no label covers, if any. Frames of labels that were left out are covered.
    pub first_gap: Option<usize>,
}

impl Labels {
    /// The latest time that a label states, in seconds; 0 without one.
    pub(super) fn end_s(&self) -> f64 {
        let (Self::Song(file) | Self::File(file)) = self else {
            return 0.0;
        };
        let times = file.spans.iter().flat_map(|span| [span.from_s, span.to_s]);
        times.filter(|t_s| t_s.is_finite()).fold(0.0, f64::max)
    }

    /// The same labels for sound that need not be a song.
    #[must_use]
    pub(super) fn of_any_sound(self) -> Self {
        match self {
            Self::Song(file) => Self::File(file),
            other => other,
        }
    }

    /// A label for each frame of a recording. `voice` is the recording whose energy decides, if the labels are to be
    /// found by energy.
    pub(super) fn of_frames(&self, frames: usize, voice: &Recording) -> FrameLabels {
        let mut labels: Vec<Option<bool>> = match self {
            Self::NoVoice | Self::SpeechEnergy => vec![Some(false); frames],
            Self::VoiceEnergy => sounding(voice, frames).into_iter().map(Some).collect(),
            Self::Song(file) | Self::File(file) => (0..frames)
                .map(|frame| file.voice_at(frame_time_s(frame)))
                .collect(),
        };
        let known = labels.iter().rposition(Option::is_some);
        labels.truncate(known.map_or(0, |last| last + 1));
        let first_gap = match self {
            // A line that was skipped leaves a gap on request.
            Self::Song(file) | Self::File(file) if file.left_out.counted(Reason::Faulty) == 0 => {
                (0..labels.len()).find(|&frame| file.is_gap(frame_time_s(frame)))
            }
            _ => None,
        };
        FrameLabels {
            speech: self.speech(&labels, voice),
            voice: labels,
            first_gap,
        }
    }

    /// Whether somebody speaks in each frame, beside the labels of voice. `sound` is the recording whose energy decides.
    fn speech(&self, voice: &[Option<bool>], sound: &Recording) -> Vec<Option<bool>> {
        let frames = voice.len();
        match self {
            Self::NoVoice | Self::VoiceEnergy => vec![Some(false); frames],
            Self::SpeechEnergy => sounding(sound, frames).into_iter().map(Some).collect(),
            Self::Song(file) if file.speech.is_none() => {
                voice.iter().map(|voice| voice.map(|_| false)).collect()
            }
            Self::Song(file) | Self::File(file) => (0..frames)
                .map(|frame| file.speech_at(frame_time_s(frame)))
                .collect(),
        }
    }
}
