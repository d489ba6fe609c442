//! Raw samples in every encoding, and a file whose format changes, as sources.

use std::time::Duration;

use vocald::audio::{
    Encoding, Pace, PcmFormat, SourceEvent, SourceOptions, SourceSpec, StopFlag, spawn,
};
use vocald_client::message::StateChange;

use crate::tone::{sound, write};

const LONG: Duration = Duration::from_secs(20);

/// Bytes of some samples in an encoding, and the samples.
fn examples(encoding: Encoding) -> Vec<(Vec<u8>, f32)> {
    let integers = |values: [(i32, f32); 4], low: usize, bytes: usize, big: bool| {
        let encode = |(value, x): (i32, f32)| {
            let mut sample = value.to_le_bytes()[low..low + bytes].to_vec();
            if big {
                sample.reverse();
            }
            (sample, x)
        };
        values.map(encode).to_vec()
    };
    // In the upper bits of 32.
    let upper = [
        (0, 0.0),
        (1 << 30, 0.5),
        (i32::MIN, -1.0),
        (-1 << 29, -0.25),
    ];
    // In the lower 24 of 32, the sign repeated.
    let lower = upper.map(|(value, x)| (value >> 8, x));
    let floats = [0.0, 0.5, -1.0, 1.25e-3];
    match encoding {
        Encoding::U8 => vec![(vec![0x80], 0.0), (vec![0xC0], 0.5), (vec![0], -1.0)],
        Encoding::S8 => integers(upper, 3, 1, false),
        Encoding::S16le => integers(upper, 2, 2, false),
        Encoding::S16be => integers(upper, 2, 2, true),
        Encoding::S24le => integers(upper, 1, 3, false),
        Encoding::S24be => integers(upper, 1, 3, true),
        Encoding::S24leIn32 => integers(lower, 0, 4, false),
        Encoding::S24beIn32 => integers(lower, 0, 4, true),
        Encoding::S32le => integers(upper, 0, 4, false),
        Encoding::S32be => integers(upper, 0, 4, true),
        Encoding::F32le => floats.map(|x: f32| (x.to_le_bytes().to_vec(), x)).to_vec(),
        Encoding::F32be => floats.map(|x: f32| (x.to_be_bytes().to_vec(), x)).to_vec(),
        Encoding::F64le => floats
            .map(|x: f32| (f64::from(x).to_le_bytes().to_vec(), x))
            .to_vec(),
        Encoding::F64be => floats
            .map(|x: f32| (f64::from(x).to_be_bytes().to_vec(), x))
            .to_vec(),
        // From the tables of G.711: the smallest and the largest values, of 13 and 14 bits.
        Encoding::Alaw => [
            (0xD5, 1),
            (0x55, -1),
            (0xAA, 4032),
            (0x2A, -4032),
            (0x80, 688),
        ]
        .map(|(byte, value)| (vec![byte], value as f32 / 4096.0))
        .to_vec(),
        Encoding::Mulaw => [
            (0xFF, 0),
            (0x7F, 0),
            (0x80, 8031),
            (0x00, -8031),
            (0xBE, 527),
        ]
        .map(|(byte, value)| (vec![byte], value as f32 / 8192.0))
        .to_vec(),
    }
}

#[test]
fn every_encoding_of_raw_samples_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: there is no mkfifo here");
        return;
    }
    for encoding in Encoding::ALL {
        let examples = examples(encoding);
        let bytes: Vec<u8> = examples
            .iter()
            .flat_map(|(bytes, _)| bytes.clone())
            .collect();
        assert_eq!(bytes.len(), examples.len() * encoding.bytes());
        let options = SourceOptions {
            pcm: Some(PcmFormat {
                encoding,
                rate_hz: 8_000,
                channels: 1,
            }),
            ..Default::default()
        };
        let source = SourceSpec::Fifo(fifo.clone()).open(&options).unwrap();
        let source = spawn(source, StopFlag::new()).unwrap();
        std::fs::write(&fifo, &bytes).unwrap();
        let mut reader = loop {
            // Before that it waits for its writer.
            if let SourceEvent::Started { reader, .. } = source.events.recv_timeout(LONG).unwrap() {
                break reader;
            }
        };
        let (mut decoded, mut block) = (Vec::new(), Vec::new());
        while decoded.len() < examples.len() {
            reader.read_timeout(&mut block, LONG).expect("samples");
            decoded.extend_from_slice(&block);
        }
        let expected: Vec<f32> = examples.iter().map(|(_, x)| *x).collect();
        assert_eq!(decoded, expected, "{}", encoding.name());
        assert_eq!(encoding.name().parse::<Encoding>(), Ok(encoding));
        source.stop.stop();
        drop(reader);
        source.join();
    }
}

#[test]
fn a_file_starts_anew_where_its_format_changes() {
    let folder = tempfile::tempdir().unwrap();
    let chained = [sound("tone.ogg"), sound("faster.ogg")].concat();
    let path = write(folder.path(), "chained.ogg", &chained);
    let options = SourceOptions {
        pace: Pace::Max,
        ..Default::default()
    };
    let source = spawn(
        SourceSpec::File(path).open(&options).unwrap(),
        StopFlag::new(),
    )
    .unwrap();
    let mut block = Vec::new();
    for rate_hz in [22_050, 32_000] {
        let SourceEvent::Started { format, mut reader } = source.events.recv_timeout(LONG).unwrap()
        else {
            panic!("each format begins with Started");
        };
        assert_eq!((format.rate_hz, format.channels), (rate_hz, 1));
        let mut frames = 0;
        while reader.read_timeout(&mut block, LONG).is_some() {
            frames += block.len();
        }
        assert_eq!(frames, rate_hz as usize);
    }
    assert!(matches!(
        source.events.recv_timeout(LONG).unwrap(),
        SourceEvent::State(change) if change == StateChange::ended(None)
    ));
    source.join();
}
