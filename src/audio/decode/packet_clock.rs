//! Finds missing sound before a packet by the packets' time stamps.

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_VORBIS};
use symphonia::core::formats::Track;
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

/// Tolerance for Vorbis, whose encoders write time stamps that are off by up to half a block
/// where block sizes change. Lost sound is a page of many blocks.
const VORBIS_JITTER_FRAMES: u64 = 2048;
/// Tolerance for AAC, which inherits time stamps that are off by a part of a packet when it was
/// made from Vorbis. Lost sound is whole packets of 1024 frames.
const AAC_JITTER_FRAMES: u64 = 1023;

/// Converts the time stamps of a track's packets to frame positions.
pub(super) struct PacketClock {
    time_base: Option<TimeBase>,
    jitter_frames: u64,
    /// Time stamp of a frame and the frame's position, once a packet was seen.
    reference: Option<(i64, u64)>,
}

impl PacketClock {
    /// The clock of a track before its first packet.
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
            reference: None,
        }
    }

    /// Takes the first packet as the reference, at position `here`. A packet that is trimmed
    /// away whole has no first frame and is skipped.
    pub fn start(&mut self, packet: &Packet, here: u64) {
        if self.reference.is_none() && packet.trim_start < packet.dur {
            self.set(packet, here);
        }
    }

    /// Takes a packet as the reference: its first frame is at position `here`.
    pub fn set(&mut self, packet: &Packet, here: u64) {
        self.reference = Some((first_frame_pts(packet), here));
    }

    /// Number of frames that are missing between position `here` and a packet's first frame.
    pub fn missing_frames(&self, packet: &Packet, here: u64, rate_hz: u32) -> u64 {
        match self.position(packet, rate_hz) {
            Some((position, tolerance)) if position.saturating_sub(here) > tolerance => {
                position - here
            }
            _ => 0,
        }
    }

    /// The position of a packet's first frame by its time stamp, and its tolerance in frames.
    fn position(&self, packet: &Packet, rate_hz: u32) -> Option<(u64, u64)> {
        let (base, (first, position)) = (self.time_base?, self.reference?);
        let ticks = u64::try_from(first_frame_pts(packet).checked_sub(first)?).ok()?;
        let scale = u128::from(base.numer.get()) * u128::from(rate_hz);
        let tick_frames = scale / u128::from(base.denom.get());
        let frames = u128::from(ticks) * scale / u128::from(base.denom.get());
        // A tick of one frame is exact. Any other may be rounded by one tick.
        let exact = scale == u128::from(base.denom.get());
        let rounding = if exact {
            0
        } else {
            u64::try_from(tick_frames).ok()?.checked_add(1)?
        };
        let tolerance = self.jitter_frames.max(rounding);
        Some((
            position.checked_add(u64::try_from(frames).ok()?)?,
            tolerance,
        ))
    }
}

/// Time stamp of the first frame of a packet that is not trimmed.
fn first_frame_pts(packet: &Packet) -> i64 {
    packet.pts.saturating_add(packet.trim_start).get()
}
