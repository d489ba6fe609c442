//! Finds missing sound before a packet by the packets' time stamps.

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_VORBIS};
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

use super::packets::Track;

/// Tolerance for Vorbis, whose encoders write time stamps that are off by up to half a block
/// where block sizes change. Lost sound is a page of many blocks.
const VORBIS_JITTER_FRAMES: u64 = 2048;
/// Tolerance for AAC, which inherits time stamps that are off by a part of a packet when it was
/// made from Vorbis. Lost sound is whole packets of 1024 frames.
const AAC_JITTER_FRAMES: u64 = 1023;

/// Parts of a second that are tolerated where packets state no duration: browsers and screen recorders stamp them when
/// they arrive.
const LOOSE_PARTS: u32 = 10;

/// Converts the time stamps of a track's packets to frame positions.
pub(super) struct PacketClock {
    time_base: Option<TimeBase>,
    jitter_frames: u64,
    /// The first packet states no duration.
    is_loose: bool,
    /// Time stamp of a frame and the frame's position, once a packet was seen. The position is
    /// negative for a frame that is left out at the start.
    reference: Option<(i64, i64)>,
}

impl PacketClock {
    /// The clock of a track before its first packet.
    pub fn of(track: &Track) -> Self {
        let jitter_frames = match track.parameters.codec {
            CODEC_ID_VORBIS => VORBIS_JITTER_FRAMES,
            CODEC_ID_AAC => AAC_JITTER_FRAMES,
            _ => 0,
        };
        Self {
            time_base: track.time_base,
            jitter_frames,
            is_loose: false,
            reference: None,
        }
    }

    /// Takes the first packet as the reference, at position `here`. A packet that is trimmed
    /// away whole has no first frame and is skipped.
    pub fn start(&mut self, packet: &Packet, here: u64) {
        let is_presented = packet.trim_start < packet.dur || packet.trim_start.get() == 0;
        if self.reference.is_none() && is_presented {
            self.is_loose = packet.dur.get() == 0;
            self.set(first_frame_pts(packet), here as i64);
        }
    }

    /// Takes the frame with time stamp `pts` as the reference: it is at position `here`.
    pub fn set(&mut self, pts: i64, here: i64) {
        self.reference = Some((pts, here));
    }

    /// Number of frames that are missing between position `here` and the frame `start_frames`
    /// into a packet that begins at `pts`.
    pub fn missing_frames(&self, pts: i64, start_frames: u64, here: u64, rate_hz: u32) -> u64 {
        let Some((position, tolerance)) = self.position(pts, rate_hz) else {
            return 0;
        };
        let missing = position.saturating_add_unsigned(start_frames) - here as i64;
        match u64::try_from(missing) {
            Ok(missing) if missing > tolerance => missing,
            _ => 0,
        }
    }

    /// Number of frames in so many units of a time stamp.
    pub fn frames(&self, ticks: u64, rate_hz: u32) -> u64 {
        self.time_base
            .map_or(ticks, |base| frames(ticks, base, rate_hz))
    }

    /// The position of a frame by its time stamp, and its tolerance in frames.
    fn position(&self, pts: i64, rate_hz: u32) -> Option<(i64, u64)> {
        let (base, (first, position)) = (self.time_base?, self.reference?);
        let ticks = u64::try_from(pts.checked_sub(first)?).ok()?;
        let ahead = frames(ticks, base, rate_hz);
        // A tick of one frame is exact. Any other may be rounded by one tick.
        let exact = u64::from(base.numer.get()) * u64::from(rate_hz) == u64::from(base.denom.get());
        let rounding = if exact {
            0
        } else {
            frames(1, base, rate_hz) + 1
        };
        let position = position.checked_add(i64::try_from(ahead).ok()?)?;
        let loose = if self.is_loose {
            rate_hz / LOOSE_PARTS
        } else {
            0
        };
        Some((position, self.jitter_frames.max(rounding).max(loose.into())))
    }
}

/// Number of frames in so many ticks, rounded down.
pub(super) fn frames(ticks: u64, base: TimeBase, rate_hz: u32) -> u64 {
    let scale = u128::from(base.numer.get()) * u128::from(rate_hz);
    let frames = u128::from(ticks) * scale / u128::from(base.denom.get());
    u64::try_from(frames).unwrap_or(u64::MAX >> 2)
}

/// Time stamp of the first frame of a packet that is not trimmed.
pub(super) fn first_frame_pts(packet: &Packet) -> i64 {
    packet.pts.saturating_add(packet.trim_start).get()
}
