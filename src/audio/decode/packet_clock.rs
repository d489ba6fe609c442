//! What the time stamps of packets tell: whether something is missing before one.

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_VORBIS};
use symphonia::core::formats::Track;
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

/// Encoders of Vorbis write time stamps that are off by up to half a block where block sizes
/// change. Lost sound is a page of many blocks.
const VORBIS_JITTER_FRAMES: u64 = 2048;
/// Made from Vorbis, AAC inherits time stamps that are off by a part of a packet. Lost sound is
/// whole packets, of 1024 frames each.
const AAC_JITTER_FRAMES: u64 = 1023;

/// Where a track's time stamps begin, and what a tick of them is.
pub(super) struct PacketClock {
    time_base: Option<TimeBase>,
    jitter_frames: u64,
    /// Time stamp of the track's first frame, once a packet was seen, and its place.
    first: Option<(i64, u64)>,
}

impl PacketClock {
    pub fn of(track: &Track) -> Self {
        let audio = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio());
        let jitter_frames = match audio.map(|parameters| parameters.codec) {
            Some(CODEC_ID_VORBIS) => VORBIS_JITTER_FRAMES,
            Some(CODEC_ID_AAC) => AAC_JITTER_FRAMES,
            _ => 0,
        };
        Self {
            time_base: track.time_base,
            jitter_frames,
            first: None,
        }
    }

    /// Takes the first packet for the beginning, at frame `here`. A packet that is trimmed away
    /// whole has no first frame.
    pub fn see(&mut self, packet: &Packet, here: u64) {
        if self.first.is_none() && packet.trim_start < packet.dur {
            self.set(packet, here);
        }
    }

    /// Says that a packet's first frame is frame `here`.
    pub fn set(&mut self, packet: &Packet, here: u64) {
        self.first = Some((first_frame_pts(packet), here));
    }

    /// How many frames lie between frame `here` and a packet's first.
    pub fn missing_frames(&self, packet: &Packet, here: u64, rate_hz: u32) -> u64 {
        match self.place(packet, rate_hz) {
            Some((place, tolerance)) if place.saturating_sub(here) > tolerance => place - here,
            _ => 0,
        }
    }

    /// The place of a packet's first frame by its time stamp, to within `tolerance` frames.
    fn place(&self, packet: &Packet, rate_hz: u32) -> Option<(u64, u64)> {
        let (base, (first, place)) = (self.time_base?, self.first?);
        let ticks = u64::try_from(first_frame_pts(packet).checked_sub(first)?).ok()?;
        let scale = u128::from(base.numer.get()) * u128::from(rate_hz);
        let tick_frames = scale / u128::from(base.denom.get());
        let frames = u128::from(ticks) * scale / u128::from(base.denom.get());
        // A tick of one frame is exact; a longer one may be rounded by one tick.
        let exact = scale == u128::from(base.denom.get());
        let rounding = if exact {
            0
        } else {
            u64::try_from(tick_frames).ok()?.checked_add(1)?
        };
        let tolerance = self.jitter_frames.max(rounding);
        Some((place.checked_add(u64::try_from(frames).ok()?)?, tolerance))
    }
}

/// Time stamp of the first frame of a packet that is kept.
fn first_frame_pts(packet: &Packet) -> i64 {
    packet.pts.saturating_add(packet.trim_start).get()
}
