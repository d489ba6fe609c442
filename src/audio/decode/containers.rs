//! Ogg, FLAC, MP4, Matroska and CAF, by Symphonia's demuxers.

use std::sync::LazyLock;

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_OPUS, CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F64BE, CODEC_ID_PCM_F64LE,
    CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S32BE, CODEC_ID_PCM_S32LE,
};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;
use symphonia::default::formats::{CafReader, FlacReader, IsoMp4Reader, MkvReader, OggReader};

use super::failure::Failure;
use super::input::Input;
use super::mp4_edits::Edits;
use super::opus;
use super::packets::{Demux, Demuxed, Span, Track};

/// Only the containers that are not read by this crate itself.
static PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let mut probe = Probe::new();
    probe.register_format::<OggReader<'_>>();
    probe.register_format::<FlacReader<'_>>();
    probe.register_format::<IsoMp4Reader<'_>>();
    probe.register_format::<MkvReader<'_>>();
    probe.register_format::<CafReader<'_>>();
    probe
});

/// What is known about a container before Symphonia reads it.
#[derive(Default)]
pub(super) struct Known {
    /// The edits of an MP4 file.
    pub edits: Option<Edits>,
    /// Id of the audio track that players choose.
    pub track_id: Option<u32>,
    pub audio_tracks: usize,
    /// Symphonia takes its PCM for little-endian.
    pub is_big_endian: bool,
    /// The index of an MP4 file is too large to be read whole.
    pub index_is_cut: bool,
    /// Its length is not stated: the end of the file is its end.
    pub is_unbounded: bool,
}

impl Known {
    /// Sentences about what is not read.
    pub fn notes(&self) -> Vec<String> {
        let cut = self.index_is_cut.then(|| {
            "its index is larger than 64 MiB and was not read whole: delay and padding may not be left out, and the \
             first audio track may not be the default"
                .into()
        });
        let several = several_tracks(self.audio_tracks, self.track_id);
        several.into_iter().chain(cut).collect()
    }
}

/// A sentence about several audio tracks, of which the default one is read, whose number is stated, or else the first.
pub(super) fn several_tracks(count: usize, default: Option<u32>) -> Option<String> {
    let which = default.map_or_else(
        || "the first".into(),
        |number| format!("the default, number {number} of all tracks"),
    );
    (count > 1).then(|| format!("it has {count} audio tracks, and only one is read: {which}"))
}

/// The packets of one audio track of a container.
pub(super) struct Container {
    reader: Box<dyn FormatReader>,
    track_id: u32,
    /// The track that was found last and not yet returned.
    new_track: Option<Track>,
    known: Known,
    /// Its delay is left out by the identification header.
    is_opus: bool,
    /// The end of the input is no damage.
    is_stream: bool,
}

impl Container {
    /// Recognises the container.
    ///
    /// # Errors
    /// When it is none of the five, or has no audio track.
    pub fn open(input: Input, known: Known) -> Result<Self, Failure> {
        let is_stream = !input.can_seek() || known.is_unbounded;
        let stream = MediaSourceStream::new(Box::new(input), MediaSourceStreamOptions::default());
        let reader = PROBE.probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )?;
        let mut container = Self {
            reader,
            track_id: 0,
            new_track: None,
            known,
            is_opus: false,
            is_stream,
        };
        container.find_track()?;
        Ok(container)
    }

    fn find_track(&mut self) -> Result<(), Failure> {
        let mut tracks = self.reader.tracks().iter();
        let chosen = tracks.find(|track| Some(track.id) == self.known.track_id);
        let track = chosen
            .or_else(|| self.reader.default_track(TrackType::Audio))
            .ok_or_else(|| Failure::broken("it holds no audio track"))?;
        self.track_id = track.id;
        let parameters = track.codec_params.as_ref().and_then(|p| p.audio());
        let parameters =
            parameters.ok_or_else(|| Failure::Unsupported("its codec is not known".into()))?;
        self.is_opus = parameters.codec == CODEC_ID_OPUS;
        let delay = match parameters.codec {
            CODEC_ID_OPUS => opus::pre_skip(parameters).map(|frames| Span {
                ticks: frames.into(),
                base: opus::TIME_BASE,
            }),
            _ => None,
        };
        let edits = self.known.edits.as_ref();
        let mut parameters = parameters.clone();
        if self.known.is_big_endian {
            parameters.codec = big_endian(parameters.codec);
        }
        self.new_track = Some(Track {
            parameters,
            time_base: track.time_base,
            // Of the whole media, edited or not.
            frames: match delay {
                Some(delay) => track.num_frames.map(|all| all.saturating_sub(delay.ticks)),
                None => track.num_frames.filter(|_| edits.is_none()),
            },
            durations_are_exact: edits.is_some(),
            skipped: delay.or(edits.map(|edits| Span {
                ticks: edits.start,
                base: edits.base,
            })),
            silence: edits.and_then(|edits| edits.silence),
        });
        Ok(())
    }

    /// The part of a packet that is presented. `None` after the end of the edit list.
    fn edited(&self, mut packet: Packet) -> Option<Packet> {
        let (start, end) = (
            packet.pts.get(),
            self.known.edits.as_ref().and_then(|e| e.end),
        );
        if let Some(end) = end.and_then(|end| i64::try_from(end).ok()) {
            if start >= end {
                return None;
            }
            let left = u64::try_from(end - start).unwrap_or(0);
            let beyond = packet.dur.get().saturating_sub(left);
            packet.dur = Duration::new(packet.dur.get() - beyond);
            packet.trim_end = Duration::new(packet.trim_end.get() + beyond);
        }
        // Matroska's codec delay.
        if start < 0 && self.known.edits.is_none() && !self.is_opus {
            let before = packet.dur.get().min(start.unsigned_abs());
            packet.dur = Duration::new(packet.dur.get() - before);
            packet.trim_start = Duration::new(packet.trim_start.get() + before);
        }
        Some(packet)
    }
}

impl Demux for Container {
    fn next(&mut self) -> Result<Demuxed, Failure> {
        if let Some(track) = self.new_track.take() {
            return Ok(Demuxed::Track(track));
        }
        loop {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track_id => {
                    let packet = self.edited(packet);
                    return Ok(packet.map_or(Demuxed::End, Demuxed::Packet));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Demuxed::End),
                // A chained ogg file: another complete sound follows in the same file.
                Err(SymphoniaError::ResetRequired) => {
                    self.find_track()?;
                    return self.next();
                }
                Err(SymphoniaError::IoError(e))
                    if e.kind() != std::io::ErrorKind::UnexpectedEof =>
                {
                    return Err(e.into());
                }
                // The end of a stream whose length is not known.
                Err(SymphoniaError::IoError(_)) if self.is_stream => return Ok(Demuxed::End),
                // After any other error no later packet can be found.
                Err(_) => return Ok(Demuxed::CutOff),
            }
        }
    }

    fn problems(&self) -> Vec<String> {
        let parts = self.known.edits.as_ref().map_or(1, |edits| edits.parts);
        let several = format!("its edit list shows {parts} parts, and all between them was kept");
        (parts > 1).then_some(several).into_iter().collect()
    }
}

fn big_endian(codec: AudioCodecId) -> AudioCodecId {
    match codec {
        CODEC_ID_PCM_S24LE => CODEC_ID_PCM_S24BE,
        CODEC_ID_PCM_S32LE => CODEC_ID_PCM_S32BE,
        CODEC_ID_PCM_F32LE => CODEC_ID_PCM_F32BE,
        CODEC_ID_PCM_F64LE => CODEC_ID_PCM_F64BE,
        other => other,
    }
}
