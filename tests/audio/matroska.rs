//! Matroska files that are written here: several tracks, unknown sizes, time stamps that leap.

use vocald::audio::Decoder;

use crate::tone::{decode, has_ffmpeg, message, read_all, sound, write};

const RATE_HZ: u32 = 44_100;
/// Frames of a cluster.
const FRAMES: usize = 1000;
const UNKNOWN: [u8; 8] = [1, 255, 255, 255, 255, 255, 255, 255];

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let mut size = (content.len() as u64).to_be_bytes();
    size[0] = 1;
    [id, &size, content].concat()
}

/// An audio track of 16-bit samples; `default` is its flag, if it is stated.
fn track(number: u8, default: Option<u8>) -> Vec<u8> {
    track_of(number, default, b"A_PCM/INT/LIT", RATE_HZ)
}

fn track_of(number: u8, default: Option<u8>, codec: &[u8], rate_hz: u32) -> Vec<u8> {
    let audio = [
        element(&[0xB5], &f64::from(rate_hz).to_be_bytes()),
        element(&[0x9F], &[1]),
        element(&[0x62, 0x64], &[16]),
    ];
    let mut content = vec![
        element(&[0xD7], &[number]),
        element(&[0x73, 0xC5], &[number]),
        element(&[0x83], &[2]),
        element(&[0x86], codec),
        element(&[0xE1], &audio.concat()),
    ];
    content.extend(default.map(|flag| element(&[0x88], &[flag])));
    element(&[0xAE], &content.concat())
}

/// A block of samples of each track, all of one value.
fn cluster(at_ms: u32, values: &[i16]) -> Vec<u8> {
    let mut content = element(&[0xE7], &at_ms.to_be_bytes());
    for (number, value) in (1u8..).zip(values) {
        let samples = value.to_le_bytes().repeat(FRAMES);
        content.extend(element(
            &[0xA3],
            &[&[0x80 | number, 0, 0, 0x80], &samples[..]].concat(),
        ));
    }
    element(&[0x1F, 0x43, 0xB6, 0x75], &content)
}

fn file(tracks: &[Vec<u8>], clusters: &[Vec<u8>], is_unbounded: bool) -> Vec<u8> {
    let header = [
        element(&[0x42, 0x86], &[1]),
        element(&[0x42, 0xF7], &[1]),
        element(&[0x42, 0xF2], &[4]),
        element(&[0x42, 0xF3], &[8]),
        element(&[0x42, 0x82], b"matroska"),
        element(&[0x42, 0x87], &[4]),
        element(&[0x42, 0x85], &[2]),
    ];
    let info = [
        element(&[0x2A, 0xD7, 0xB1], &1_000_000u32.to_be_bytes()),
        element(&[0x4D, 0x80], b"test"),
        element(&[0x57, 0x41], b"test"),
    ]
    .concat();
    let content = [
        element(&[0x15, 0x49, 0xA9, 0x66], &info),
        element(&[0x16, 0x54, 0xAE, 0x6B], &tracks.concat()),
        clusters.concat(),
    ];
    let mut segment = element(&[0x18, 0x53, 0x80, 0x67], &content.concat());
    if is_unbounded {
        segment[4..12].copy_from_slice(&UNKNOWN);
    }
    [
        element(&[0x1A, 0x45, 0xDF, 0xA3], &header.concat()),
        segment,
    ]
    .concat()
}

#[test]
fn the_default_track_is_read_and_the_others_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let clusters = [cluster(0, &[8192, 16_384]), cluster(23, &[8192, 16_384])];
    // Without a flag, a track is a default one.
    for (flags, value, which) in [
        ([None, None], 0.25, "number 1"),
        ([Some(0), None], 0.5, "number 2"),
        ([Some(0), Some(1)], 0.5, "number 2"),
        ([Some(0), Some(0)], 0.25, "the first"),
    ] {
        let tracks = [track(1, flags[0]), track(2, flags[1])];
        let path = write(folder.path(), "two.mkv", &file(&tracks, &clusters, false));
        let mut decoder = Decoder::open(&path).unwrap();
        let note = decoder.notes()[0].clone();
        assert!(
            note.starts_with("it has 2 audio tracks") && note.contains(which),
            "{note}"
        );
        let samples = read_all(&mut decoder).unwrap();
        assert_eq!(samples, vec![value; 2 * FRAMES], "{flags:?}");
    }
    let one = file(&[track(1, None)], &[cluster(0, &[8192])], false);
    let decoder = Decoder::open(&write(folder.path(), "one.mkv", &one)).unwrap();
    assert_eq!(decoder.notes(), [] as [String; 0]);
}

#[test]
fn only_a_length_that_is_stated_can_be_missed() {
    let folder = tempfile::tempdir().unwrap();
    let clusters = [cluster(0, &[8192]), cluster(23, &[8192])];
    let file = |is_unbounded| file(&[track(1, None)], &clusters, is_unbounded);
    for (bytes, is_damaged) in [
        (file(false), false),
        (file(true), false),
        (file(false)[..2600].to_vec(), true),
    ] {
        let (samples, damage) = decode(&write(folder.path(), "live.mkv", &bytes));
        assert_eq!(samples.len(), if is_damaged { FRAMES } else { 2 * FRAMES });
        assert_eq!(damage.is_some(), is_damaged, "{damage:?}");
    }
}

#[test]
fn silence_in_place_of_missing_sound_is_limited() {
    let folder = tempfile::tempdir().unwrap();
    let leaps = |count: u32| {
        let clusters: Vec<_> = (0..=count)
            .map(|n| cluster(n * 1_000_000, &[8192]))
            .collect();
        let path = write(
            folder.path(),
            "leaps.mkv",
            &file(&[track(1, None)], &clusters, false),
        );
        let mut decoder = Decoder::open(&path).unwrap();
        let mut frames = 0;
        while let Some(block) = decoder.next_block().unwrap() {
            frames += block.len();
        }
        (frames, decoder.damaged().unwrap().to_owned())
    };
    // A thousand seconds are missing; their length is only a number in a damaged file.
    let (frames, damage) = leaps(1);
    assert_eq!(frames, 2 * FRAMES + (1 << 20));
    assert!(
        damage.ends_with("23.777 s of it are missing and were left silent"),
        "{damage}"
    );
    let (frames, _) = leaps(70);
    assert_eq!(frames, 71 * FRAMES + (1 << 26));
}

/// The frames of an MP2 file at 22 050 Hz and 64 kbit/s, and their length in samples.
fn mp2_frames() -> (Vec<Vec<u8>>, usize) {
    let bytes = sound("tone.mp2");
    let mut frames = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let padding = usize::from(bytes[at + 2] >> 1 & 1);
        let end = (at + 144 * 64_000 / 22_050 + padding).min(bytes.len());
        frames.push(bytes[at..end].to_vec());
        at = end;
    }
    (frames, 1152)
}

#[test]
fn undecodable_packets_become_silence_of_their_length_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (frames, length) = mp2_frames();
    // `spoilt` packets from `from` on cannot be decoded.
    let made = |frames: &[Vec<u8>], from: usize, spoilt: usize| {
        let clusters = frames.iter().enumerate().map(|(n, frame)| {
            let at_ms = (n * length * 1000).div_ceil(22_050) as u32;
            let is_spoilt = (from..from + spoilt).contains(&n);
            let frame = if is_spoilt {
                vec![0x55; frame.len()]
            } else {
                frame.clone()
            };
            let block = element(&[0xA3], &[&[0x81, 0, 0, 0x80], &frame[..]].concat());
            let time = element(&[0xE7], &at_ms.to_be_bytes());
            element(&[0x1F, 0x43, 0xB6, 0x75], &[time, block].concat())
        });
        let clusters: Vec<_> = clusters.collect();
        let track = track_of(1, None, b"A_MPEG/L2", 22_050);
        write(folder.path(), "x.mkv", &file(&[track], &clusters, false))
    };
    let (whole, damage) = decode(&made(&frames, 0, 0));
    assert_eq!((whole.len() / length, damage), (frames.len(), None));

    let (samples, damage) = decode(&made(&frames, 3, 2));
    assert!(
        samples.len().abs_diff(whole.len()) < 30,
        "{}",
        samples.len()
    );
    let damage = damage.unwrap();
    assert!(
        damage.contains("2 packets could not be decoded; 0.10")
            && damage.ends_with("s of it are missing and were left silent"),
        "{damage}"
    );

    let twice: Vec<Vec<u8>> = [&frames[..], &frames, &frames].concat();
    let (samples, damage) = decode(&made(&twice, 0, 32));
    assert!(
        samples.len().abs_diff(3 * whole.len()) < 30,
        "{}",
        samples.len()
    );
    assert!(
        damage
            .unwrap()
            .contains("32 packets could not be decoded; 1.67")
    );
    // More are given to ffmpeg.
    let beyond = made(&twice, 0, 33);
    if has_ffmpeg() {
        assert!(
            decode(&beyond)
                .1
                .unwrap()
                .contains("is damaged: ffmpeg reports:")
        );
    } else {
        assert!(message(&beyond).contains("its sound cannot be decoded"));
    }
}
