//! Blocks of ADPCM as packets.

use symphonia::core::audio::{Channels, layouts};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_ADPCM_MS;
use symphonia::core::packet::PacketBuilder;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use super::super::failure::Failure;
use super::super::packets::{Demux, Demuxed, Track};
use super::data::{Damage, Data};
use super::format::{Codec, Format};

/// The blocks of a sound chunk.
pub(super) struct AdpcmBlocks {
    data: Data,
    format: Format,
    track: Option<Track>,
    frames_per_block: u64,
    /// Frames before the next block.
    frames: u64,
}

impl AdpcmBlocks {
    pub fn new(data: Data, format: &Format) -> Self {
        let mut blocks = Self {
            format: format.clone(),
            track: None,
            frames_per_block: 0,
            frames: 0,
            data,
        };
        blocks.frames_per_block = blocks.frames_in(format.block_bytes);
        let mut parameters = AudioCodecParameters::new();
        if let Codec::Adpcm(codec) = format.codec {
            parameters.for_codec(codec);
        }
        parameters
            .with_sample_rate(format.rate_hz)
            .with_channels(match format.channels {
                1 => layouts::CHANNEL_LAYOUT_MONO,
                2 => layouts::CHANNEL_LAYOUT_STEREO,
                more => Channels::Discrete(more),
            })
            .with_max_frames_per_packet(blocks.frames_per_block)
            .with_frames_per_block(blocks.frames_per_block);
        let time_base = TimeBase::try_from_recip(format.rate_hz);
        blocks.track = Some(Track {
            parameters,
            time_base,
            frames: blocks.stated_frames(),
            durations_are_exact: false,
            skipped: None,
            silence: None,
        });
        blocks
    }

    /// Frames that a block of this many bytes holds.
    fn frames_in(&self, bytes: usize) -> u64 {
        let (header, first) = match self.format.codec {
            Codec::Adpcm(CODEC_ID_ADPCM_MS) => (7, 2),
            _ => (4, 1),
        };
        let own = bytes / usize::from(self.format.channels);
        own.checked_sub(header)
            .map_or(0, |own| own as u64 * 2 + first)
    }

    fn stated_frames(&self) -> Option<u64> {
        let bytes = self.data.stated_bytes()?;
        let block = self.format.block_bytes.max(1) as u64;
        let all = bytes / block * self.frames_per_block + self.frames_in((bytes % block) as usize);
        // The last block is filled up.
        let fact = self.data.fact_frames;
        let plausible = |&fact: &u64| fact <= all && all - fact < self.frames_per_block;
        Some(fact.filter(plausible).unwrap_or(all))
    }
}

impl Demux for AdpcmBlocks {
    fn next(&mut self) -> Result<Demuxed, Failure> {
        if let Some(track) = self.track.take() {
            if self.frames_per_block == 0 || self.frames_per_block > 1 << 16 {
                return Err(Failure::broken("its ADPCM blocks have an impossible size"));
            }
            return Ok(Demuxed::Track(track));
        }
        let mut block = vec![0; self.format.block_bytes];
        let read = self.data.read(&mut block)?;
        let held = self.frames_in(read);
        if held == 0 {
            let cut = matches!(self.data.damage(), Some(Damage::EndsEarly(_)));
            return Ok(if cut { Demuxed::CutOff } else { Demuxed::End });
        }
        let start = self.frames;
        self.frames += self.frames_per_block;
        let end = self.stated_frames().unwrap_or(u64::MAX).min(start + held);
        let valid = end.saturating_sub(start);
        Ok(Demuxed::Packet(
            PacketBuilder::new()
                .track_id(0)
                .pts(Timestamp::new(i64::try_from(start).unwrap_or(i64::MAX)))
                .dur(Duration::new(valid))
                .trim_end(Duration::new(self.frames_per_block - valid))
                .data(block)
                .build(),
        ))
    }
}
