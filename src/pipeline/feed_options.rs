//! What a feed is given: its settings, its streams, and changes while it runs; and how it ends.

use std::time::Duration;

use crate::audio::ChannelChoice;
use crate::decision::Decider;
use crate::frontend::WindowLength;
use crate::inference::StreamSender;

/// How the channels of a source become streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mixing {
    /// One stream, the mean of the chosen channels.
    Mean(ChannelChoice),
    /// One stream for each of the chosen channels.
    Each(ChannelChoice),
}

/// Settings of a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedOptions {
    /// How channels become streams.
    pub mixing: Mixing,
    /// Ends the source after this much sound, in seconds.
    pub limit_s: Option<f64>,
    /// The source goes on by the clock whether it is read or not (a device), so a pause is a loss. A pipe that
    /// pauses loses nothing.
    pub live: bool,
    /// After this time without sound the streams are stalled. `None`: a file at full pace is never late.
    pub stall_after: Option<Duration>,
    /// Windows are due this long after their last sample arrived. `None`: the source waits instead.
    pub budget: Option<Duration>,
    /// As long as the number of streams is unknown, one stream shows the state of the source.
    pub stand_in: bool,
}

/// A stream that has been opened.
pub struct Opening {
    /// Its way to inference.
    pub sender: StreamSender,
    /// The input of its network.
    pub window: WindowLength,
    /// Amplification of its sound, dB.
    pub gain_db: f32,
}

/// A change of the streams of a source. No sound is lost by it.
#[derive(Debug)]
pub enum FeedChange {
    /// A stream is decided on by another decider of the same network.
    Decider {
        /// The stream's channel.
        channel: Option<u16>,
        /// Fresh.
        decider: Box<Decider>,
    },
    /// A stream's sound is amplified otherwise.
    Gain {
        /// The stream's channel.
        channel: Option<u16>,
        /// Amplification, dB.
        gain_db: f32,
    },
    /// Every stream is opened again, with another network.
    Network,
    /// Windows are due this long after their last sample arrived.
    Budget(Duration),
}

/// How a source came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEnd {
    /// The source ended or was stopped.
    Ended,
    /// The source failed.
    Failed {
        /// One sentence.
        reason: String,
        /// A thread died, which another start may mend; a source that reports its failure has failed for good.
        died: bool,
    },
    /// Inference takes no more windows.
    Refused,
}
