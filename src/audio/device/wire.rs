//! What a capture process writes to its standard output: records of events and blocks, little-endian.

use std::io::{self, Write};

use vocald_client::message::{StateChange, StreamState};

use crate::audio::{AudioFormat, Block, CaptureInstant};

const STARTED: u8 = b'S';
const BLOCK: u8 = b'B';
const WAITING: u8 = b'W';
const LOST: u8 = b'L';
const FAILED: u8 = b'F';
/// Longer records are damage: a second of 64 channels at 192 kHz.
const RECORD_MAX: usize = 64 << 20;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Record {
    /// Sound of this format flows from now on.
    Started(AudioFormat),
    /// A block, and the over- and underruns so far.
    Block {
        /// Its stamp.
        block: Block,
        /// Interleaved.
        samples: Vec<f32>,
        /// Reported by the device so far.
        xruns: u64,
    },
    /// The device is waited for, lost, or failed for good.
    State(StateChange),
}

/// Writes a record: its kind, its length in bytes, its content.
pub(super) fn write(to: &mut impl Write, record: &Record) -> io::Result<()> {
    let mut content = Vec::new();
    let kind = match record {
        Record::Started(format) => {
            content.extend(format.rate_hz.to_le_bytes());
            content.extend(format.channels.to_le_bytes());
            STARTED
        }
        Record::Block {
            block,
            samples,
            xruns,
        } => {
            let captured_ns = block.captured.nanoseconds();
            for number in [block.frames, block.lost_before_frames, captured_ns, *xruns] {
                content.extend(number.to_le_bytes());
            }
            content.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
            BLOCK
        }
        Record::State(change) => {
            content.extend(change.reason.as_deref().unwrap_or_default().bytes());
            match change.state {
                StreamState::Waiting => WAITING,
                StreamState::Failed => FAILED,
                _ => LOST,
            }
        }
    };
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    to.write_all(&[kind])?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&content)
}

/// Records from bytes that come in pieces.
#[derive(Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
}

impl Records {
    /// Adds bytes at the end.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next record, if it is whole. An error is damage.
    pub fn next(&mut self) -> Result<Option<Record>, &'static str> {
        let Some((&[kind, ref length @ ..], rest)) = self.bytes.split_first_chunk::<5>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > RECORD_MAX {
            return Err("a record is too long");
        }
        let Some(content) = rest.get(..length) else {
            return Ok(None);
        };
        let record = parse(kind, content).ok_or("a record is damaged")?;
        self.bytes.drain(..5 + length);
        Ok(Some(record))
    }
}

fn parse(kind: u8, content: &[u8]) -> Option<Record> {
    let text = || String::from_utf8_lossy(content).into_owned();
    Some(match kind {
        STARTED => {
            let (rate, rest) = content.split_first_chunk()?;
            let (channels, _) = rest.split_first_chunk()?;
            Record::Started(AudioFormat {
                rate_hz: u32::from_le_bytes(*rate),
                channels: u16::from_le_bytes(*channels),
            })
        }
        BLOCK => {
            let (numbers, samples) = content.as_chunks::<8>().0.split_first_chunk::<4>()?;
            let [frames, lost_before_frames, captured_ns, xruns] = numbers.map(u64::from_le_bytes);
            let samples = samples.as_flattened();
            // An odd number of samples does not fill the last chunk of eight bytes.
            let rest = content.get(32 + samples.len()..)?;
            let decode = |bytes: &[u8]| -> Vec<f32> {
                let words = bytes.as_chunks::<4>().0;
                words.iter().map(|&b| f32::from_le_bytes(b)).collect()
            };
            Record::Block {
                block: Block {
                    frames,
                    lost_before_frames,
                    captured: CaptureInstant::from_nanoseconds(captured_ns),
                },
                samples: [decode(samples), decode(rest)].concat(),
                xruns,
            }
        }
        WAITING => Record::State(StateChange::waiting(text())),
        LOST => Record::State(StateChange::reconnecting(text())),
        FAILED => Record::State(StateChange::failed(text())),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back_however_they_are_cut() {
        let block = |frames: u64| Record::Block {
            block: Block {
                frames,
                lost_before_frames: 7,
                captured: CaptureInstant::from_nanoseconds(123_456_789_012_345),
            },
            samples: (0..frames).map(|n| n as f32 / 8.0).collect(),
            xruns: 3,
        };
        let all = [
            Record::State(StateChange::waiting("no card")),
            Record::Started(AudioFormat {
                rate_hz: 44_100,
                channels: 1,
            }),
            block(4),
            block(5),
            Record::State(StateChange::reconnecting("unplugged")),
            Record::State(StateChange::failed("no such format")),
        ];
        let mut bytes = Vec::new();
        all.iter()
            .for_each(|record| write(&mut bytes, record).unwrap());
        for cut in [1, 3, 1000] {
            let mut records = Records::default();
            let mut read = Vec::new();
            for part in bytes.chunks(cut) {
                records.push(part);
                while let Some(record) = records.next().unwrap() {
                    read.push(record);
                }
            }
            assert_eq!(read, all);
        }
        let mut damaged = Records::default();
        damaged.push(b"?\0\0\0\0");
        assert!(damaged.next().is_err());
        damaged = Records::default();
        damaged.push(b"B\xff\xff\xff\xff");
        assert!(damaged.next().is_err());
    }
}
