//! Opus as a codec of Symphonia, decoded by `opus-pure`.

use std::num::NonZero;

use opus_pure::{ChannelLayout, OpusDecoder, OpusMSDecoder};
use symphonia::core::audio::{
    AsGenericAudioBufferRef as _, AudioBuffer, AudioMut as _, AudioSpec, Channels,
    GenericAudioBufferRef, layouts,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::TimeBase;

/// Opus is decoded at this rate, whatever the rate of the original.
const RATE: NonZero<u32> = NonZero::new(48_000).unwrap();
/// Unit of [`pre_skip`].
pub(super) const TIME_BASE: TimeBase = TimeBase::from_recip(RATE);
/// The longest packet: 120 ms.
const MAX_FRAMES: usize = 5760;
const SUPPORTED: [SupportedAudioCodec; 1] = [SupportedAudioCodec {
    id: CODEC_ID_OPUS,
    info: CodecInfo {
        short_name: "opus",
        long_name: "Opus",
        profiles: &[],
    },
}];

/// Frames to leave out at the start, by the identification header.
pub(super) fn pre_skip(parameters: &AudioCodecParameters) -> Option<u16> {
    let head = parameters.extra_data.as_deref()?;
    let frames = *head.get(10..12)?.first_chunk()?;
    // MP4 has version 0 and big-endian numbers, all others version 1 and little-endian ones.
    Some(match head.get(8) {
        Some(0) => u16::from_be_bytes(frames),
        _ => u16::from_le_bytes(frames),
    })
}

/// An Opus stream with its buffers.
pub(super) struct OpusCodec {
    parameters: AudioCodecParameters,
    decoder: Decoder,
    channels: usize,
    samples: Vec<f32>,
    buffer: AudioBuffer<f32>,
}

enum Decoder {
    /// One or two channels.
    Single(Box<OpusDecoder>),
    /// More, in a usual order.
    Multiple(OpusMSDecoder),
}

impl Decoder {
    /// The decoder that the identification header demands, and its channels.
    fn of(parameters: &AudioCodecParameters) -> Option<(Self, usize)> {
        let stated = || parameters.channels.as_ref().map_or(2, Channels::count);
        let head = parameters.extra_data.as_deref().unwrap_or_default();
        let channels = head.get(9).map_or_else(stated, |&count| count.into());
        let rate = RATE.get() as i32;
        let family = head.get(18).copied().unwrap_or(0);
        if family == 0 {
            let decoder = OpusDecoder::new(rate, channels).ok()?;
            return (channels <= 2).then_some((Self::Single(Box::new(decoder)), channels));
        }
        let layout = ChannelLayout::surround(channels, family).ok()?;
        let streams = [layout.nb_streams, layout.nb_coupled_streams];
        let stated = [*head.get(19)?, *head.get(20)?].map(usize::from);
        let same = streams == stated && head.get(21..21 + channels)? == layout.mapping;
        let decoder = OpusMSDecoder::new(rate, channels, family).ok()?;
        same.then_some((Self::Multiple(decoder), channels))
    }

    fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> opus_pure::Result<usize> {
        match self {
            Self::Single(decoder) => decoder.decode(packet, MAX_FRAMES, samples),
            Self::Multiple(decoder) => decoder.decode(packet, MAX_FRAMES, samples),
        }
    }
}

impl OpusCodec {
    fn try_new(parameters: &AudioCodecParameters) -> Result<Self> {
        let Some((decoder, channels)) = Decoder::of(parameters) else {
            return unsupported_error("opus: unusual channel layout");
        };
        let positions = match channels {
            1 => layouts::CHANNEL_LAYOUT_MONO,
            2 => layouts::CHANNEL_LAYOUT_STEREO,
            more => Channels::Discrete(more as u16),
        };
        Ok(Self {
            parameters: parameters.clone(),
            decoder,
            channels,
            samples: vec![0.0; MAX_FRAMES * channels],
            buffer: AudioBuffer::new(AudioSpec::new(RATE.get(), positions), MAX_FRAMES),
        })
    }
}

impl AudioDecoder for OpusCodec {
    fn reset(&mut self) {
        if let Some((decoder, _)) = Decoder::of(&self.parameters) {
            self.decoder = decoder;
        }
    }

    fn codec_info(&self) -> &CodecInfo {
        &SUPPORTED[0].info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.buffer.clear();
        // No data would ask for the concealment of a loss.
        if packet.data.is_empty() {
            return decode_error("opus: empty packet");
        }
        let Ok(frames) = self.decoder.decode(packet.data, &mut self.samples) else {
            return decode_error("opus: invalid packet");
        };
        self.buffer.render_uninit(Some(frames));
        for channel in 0..self.channels {
            let samples = self.samples[channel..].iter().step_by(self.channels);
            if let Some(plane) = self.buffer.plane_mut(channel) {
                plane
                    .iter_mut()
                    .zip(samples)
                    .for_each(|(to, from)| *to = *from);
            }
        }
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

impl RegisterableAudioDecoder for OpusCodec {
    fn try_registry_new(
        parameters: &AudioCodecParameters,
        _: &AudioDecoderOptions,
    ) -> Result<Box<dyn AudioDecoder>> {
        Ok(Box::new(Self::try_new(parameters)?))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        &SUPPORTED
    }
}
