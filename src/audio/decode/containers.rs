//! Ogg, FLAC, MP4, Matroska and CAF, by Symphonia's demuxers.

use std::sync::LazyLock;

use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
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

/// The packets of the first audio track of a container.
pub(super) struct Container {
    reader: Box<dyn FormatReader>,
    track_id: u32,
    /// The track that was found last and not yet returned.
    new_track: Option<Track>,
    edits: Option<Edits>,
    /// Its delay is left out by the identification header.
    is_opus: bool,
    is_stream: bool,
}

impl Container {
    /// Recognises the container. `edits` are those of an MP4 file.
    ///
    /// # Errors
    /// When it is none of the five, or has no audio track.
    pub fn open(input: Input, edits: Option<Edits>) -> Result<Self, Failure> {
        let is_stream = !input.can_seek();
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
            edits,
            is_opus: false,
            is_stream,
        };
        container.find_track()?;
        Ok(container)
    }

    fn find_track(&mut self) -> Result<(), Failure> {
        let track = self
            .reader
            .default_track(TrackType::Audio)
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
        let edits = self.edits.as_ref();
        self.new_track = Some(Track {
            parameters: parameters.clone(),
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
        let (start, end) = (packet.pts.get(), self.edits.as_ref().and_then(|e| e.end));
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
        if start < 0 && self.edits.is_none() && !self.is_opus {
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
        let parts = self.edits.as_ref().map_or(1, |edits| edits.parts);
        let several = format!("its edit list shows {parts} parts, and all between them was kept");
        (parts > 1).then_some(several).into_iter().collect()
    }
}
