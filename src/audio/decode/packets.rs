//! Decodes the packets of a demuxer with the codec of their track.

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

use super::damage::Damage;
use super::failure::Failure;
use super::packet_clock::{PacketClock, first_frame_pts, frames};
use super::{BLOCK_SAMPLES, SoundReader, codecs};
use crate::audio::AudioFormat;

/// Longest silence in place of a stretch that cannot be decoded. Its length is only a number in a
/// file that is damaged already.
const MAX_SILENCE_FRAMES: u64 = 1 << 20;
/// Longest silence in place of all such stretches of a file.
const MAX_ALL_SILENCE_FRAMES: u64 = 1 << 26;
/// Padding at the end of a sound is shorter than this in every format: an mp3 tag has 12 bits for
/// it, a Vorbis block 8192 samples. A longer stretch is sound that a wrong length cut off.
const MAX_PADDING_FRAMES: usize = 1 << 14;
/// A file is refused when more packets than this are undecodable before the first sound.
const MAX_UNDECODABLE_AT_START: u32 = 32;

/// A source of packets.
pub(super) trait Demux: Send {
    /// The next step. The first is a track.
    fn next(&mut self) -> Result<Demuxed, Failure>;

    /// What is wrong beside what the packets show, known at the end.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A step of a demuxer.
pub(super) enum Demuxed {
    /// A packet of the current track.
    Packet(Packet),
    /// The packets that follow belong to another track, which continues the sound.
    Track(Track),
    /// There are no more packets.
    End,
    /// The file breaks off: no later packet can be found.
    CutOff,
}

/// A track of packets.
#[derive(Clone)]
pub(super) struct Track {
    /// Codec, rate and channels.
    pub parameters: AudioCodecParameters,
    /// Unit of the packets' time stamps.
    pub time_base: Option<TimeBase>,
    /// Stated length in frames, without delay and padding.
    pub frames: Option<u64>,
    /// A packet whose duration is shorter than what it decodes to ends in padding.
    pub durations_are_exact: bool,
    /// What is left out at the start: the encoder's delay.
    pub skipped: Option<Span>,
    /// Silence before the first sound.
    pub silence: Option<Span>,
}

/// A duration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub ticks: u64,
    pub base: TimeBase,
}

impl Span {
    fn frames(self, rate_hz: u32) -> u64 {
        frames(self.ticks, self.base, rate_hz)
    }
}

/// A demuxer with its codec.
pub(super) struct PacketReader<D> {
    demux: D,
    codec: Box<dyn AudioDecoder>,
    clock: PacketClock,
    /// Parts of the current track that wait for its first sound, which shows the rate.
    skipped: Option<Span>,
    silence: Option<Span>,
    durations_are_exact: bool,
    /// Frames of the current track that are still to be left out.
    skip_frames: u64,
    /// Frames of the longest packet.
    packet_frames: u64,
    /// Stated length. `None` once a second track has begun.
    stated_frames: Option<u64>,
    /// `None` before the first sound.
    format: Option<AudioFormat>,
    /// Frames in the current format so far.
    frames: u64,
    /// Seconds of sound in earlier formats.
    earlier_s: f64,
    /// The end of the sound so far, which is padding unless more sound follows: a demuxer takes
    /// some time stamps in the middle of an ogg file for the end.
    withheld: Vec<f32>,
    queue: Queue,
    packet_samples: Vec<f32>,
    damage: Damage,
    ended: bool,
}

/// What is ready to be returned, in this order.
#[derive(Default)]
struct Queue {
    released: Vec<f32>,
    silence_frames: u64,
    samples: Vec<f32>,
}

impl<D: Demux> PacketReader<D> {
    /// Makes the codec of the first track.
    pub fn new(mut demux: D) -> Result<Self, Failure> {
        let Demuxed::Track(track) = demux.next()? else {
            return Err(Failure::broken("it holds no audio track"));
        };
        Ok(Self {
            demux,
            codec: make_codec(&track.parameters)?,
            clock: PacketClock::of(&track),
            skipped: track.skipped,
            silence: track.silence,
            durations_are_exact: track.durations_are_exact,
            skip_frames: 0,
            packet_frames: 0,
            stated_frames: track.frames,
            format: None,
            frames: 0,
            earlier_s: 0.0,
            withheld: Vec::new(),
            queue: Queue::default(),
            packet_samples: Vec::new(),
            damage: Damage::default(),
            ended: false,
        })
    }

    /// Reads and decodes one packet into the queue.
    fn step(&mut self) -> Result<(), Failure> {
        match self.demux.next()? {
            Demuxed::Packet(packet) => self.decode(&packet)?,
            Demuxed::Track(track) => {
                self.codec = make_codec(&track.parameters)?;
                self.clock = PacketClock::of(&track);
                self.skipped = track.skipped;
                self.silence = track.silence;
                self.durations_are_exact = track.durations_are_exact;
                self.skip_frames = 0;
                // The padding of the track that has ended.
                self.withheld.clear();
                // The length that was stated at the start is that of the first track.
                self.stated_frames = None;
            }
            Demuxed::End => self.ended = true,
            Demuxed::CutOff => {
                self.damage.cut_off_after_s = Some(self.position_s());
                self.ended = true;
            }
        }
        Ok(())
    }

    fn decode(&mut self, packet: &Packet) -> Result<(), Failure> {
        let skips = self.skip_frames > 0 || self.skipped.is_some();
        if !skips {
            self.clock.start(packet, self.frames);
        }
        let Ok(decoded) = self.codec.decode(packet) else {
            self.damage.undecodable_packets += 1;
            let at_start = self.format.is_none();
            if at_start && self.damage.undecodable_packets > MAX_UNDECODABLE_AT_START {
                return Err(Failure::Unsupported("its sound cannot be decoded".into()));
            }
            return Ok(());
        };
        let format = AudioFormat {
            rate_hz: decoded.spec().rate(),
            channels: u16::try_from(decoded.spec().channels().count()).unwrap_or(u16::MAX),
        };
        decoded.copy_to_vec_interleaved(&mut self.packet_samples);
        if self.packet_samples.is_empty() || format.channels == 0 || format.rate_hz == 0 {
            return Ok(());
        }
        if self.format.is_some_and(|old| old != format) {
            self.earlier_s = self.position_s();
            self.frames = 0;
            self.withheld.clear();
            self.stated_frames = None;
            self.clock.set(first_frame_pts(packet), 0);
        }
        self.format = Some(format);
        if let Some(skipped) = self.skipped.take() {
            self.skip_frames = skipped.frames(format.rate_hz);
        }
        if let Some(silence) = self.silence.take() {
            let frames = silence.frames(format.rate_hz).min(MAX_SILENCE_FRAMES);
            self.queue.silence_frames += frames;
            self.frames += frames;
        }
        self.enqueue(packet, format, skips);
        Ok(())
    }

    /// Queues the samples of a packet that are not left out. Before them it puts the withheld
    /// samples, if they turn out not to be padding, and silence for missing sound.
    fn enqueue(&mut self, packet: &Packet, format: AudioFormat, skips: bool) {
        let channels = usize::from(format.channels);
        let held = (self.packet_samples.len() / channels) as u64;
        let trimmed = |ticks: u64| self.clock.frames(ticks, format.rate_hz).min(held);
        let mut trim_end = trimmed(packet.trim_end.get());
        if self.durations_are_exact {
            trim_end += held - trimmed(packet.block_dur().get());
        }
        let mut start = trimmed(packet.trim_start.get());
        let skip = self.skip_frames.min(held - start);
        self.skip_frames -= skip;
        start += skip;
        let end = held.saturating_sub(trim_end).max(start);
        self.packet_frames = self.packet_frames.max(held);
        if end > start || self.withheld.len() > MAX_PADDING_FRAMES * channels {
            std::mem::swap(&mut self.queue.released, &mut self.withheld);
            self.frames += (self.queue.released.len() / channels) as u64;
        }
        if end > start {
            let pts = packet.pts.get();
            if skips {
                self.clock.set(pts, self.frames as i64 - start as i64);
            }
            self.queue.silence_frames += self.silence_before(pts, start, format.rate_hz);
            self.frames += end - start;
        }
        let (start, end) = (start as usize * channels, end as usize * channels);
        self.queue
            .samples
            .extend_from_slice(&self.packet_samples[start..end]);
        self.withheld
            .extend_from_slice(&self.packet_samples[end..held as usize * channels]);
    }

    /// Number of frames to fill with silence before the frame that is `start` frames into the
    /// packet at `pts`.
    fn silence_before(&mut self, pts: i64, start: u64, rate_hz: u32) -> u64 {
        let missing = self.clock.missing_frames(pts, start, self.frames, rate_hz);
        let left = MAX_ALL_SILENCE_FRAMES.saturating_sub(self.damage.silenced_frames);
        let filled = missing.min(MAX_SILENCE_FRAMES).min(left);
        self.frames += filled;
        if missing > 0 {
            self.damage.silenced_frames += filled;
            self.clock.set(pts, self.frames as i64 - start as i64);
        }
        filled
    }

    /// Duration of the sound so far, in seconds.
    fn position_s(&self) -> f64 {
        self.earlier_s + self.format.map_or(0.0, |f| f.seconds(self.frames))
    }
}

impl<D: Demux> SoundReader for PacketReader<D> {
    fn next_block(&mut self, block: &mut Vec<f32>) -> Result<Option<AudioFormat>, Failure> {
        loop {
            if let Some(format) = self.format
                && self.queue.take(block, format)
            {
                return Ok(Some(format));
            }
            if self.ended {
                return Ok(None);
            }
            self.step()?;
        }
    }

    fn stated_frames(&self) -> Option<u64> {
        self.stated_frames
    }

    fn damage(&self) -> Vec<String> {
        let mut problems = self.format.map_or_else(Vec::new, |format| {
            // Some headers count whole packets.
            let stated = self
                .stated_frames
                .map(|all| all.saturating_sub(self.packet_frames));
            let short = stated.is_some_and(|least| self.frames <= least);
            let stated = self.stated_frames.filter(|_| short);
            self.damage.problems(format, self.frames, stated)
        });
        problems.extend(self.demux.problems());
        problems
    }
}

impl Queue {
    /// Moves what comes next to `block`; `false` when nothing is ready.
    fn take(&mut self, block: &mut Vec<f32>, format: AudioFormat) -> bool {
        let channels = usize::from(format.channels);
        block.clear();
        if !self.released.is_empty() {
            std::mem::swap(block, &mut self.released);
        } else if self.silence_frames > 0 {
            let frames = self.silence_frames.min((BLOCK_SAMPLES / channels) as u64);
            self.silence_frames -= frames;
            block.resize(frames as usize * channels, 0.0);
        } else {
            std::mem::swap(block, &mut self.samples);
        }
        !block.is_empty()
    }
}

fn make_codec(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, Failure> {
    let no_channels = |channels: &symphonia::core::audio::Channels| channels.count() == 0;
    if parameters.channels.as_ref().is_some_and(no_channels) {
        return Err(Failure::broken("it has no channels"));
    }
    if parameters.sample_rate == Some(0) {
        return Err(Failure::broken("it has a sample rate of 0 Hz"));
    }
    let options = AudioDecoderOptions::default().gapless(false);
    Ok(codecs::registry().make_audio_decoder(parameters, &options)?)
}
