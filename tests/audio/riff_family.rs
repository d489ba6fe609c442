//! WAV and its relatives: whatever their headers look like, the samples are those of the plain
//! file.

use std::path::Path;

use proptest::prelude::*;
use vocald::audio::Decoder;

use crate::riff_file::{File, Kind, Layout, RATE_HZ, Size};
use crate::tone::{decode, decode_parts, lag, message, sound, sounds, tone, write};

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::U8),
        (2..=4usize).prop_map(|bytes| Kind::Integer { bytes }),
        Just(Kind::F32),
        Just(Kind::F64),
        Just(Kind::Alaw),
        Just(Kind::Mulaw),
    ]
}

fn files() -> impl Strategy<Value = File> {
    let layouts = prop::sample::select(vec![
        Layout::Riff,
        Layout::Riff,
        Layout::Rifx,
        Layout::Rf64,
        Layout::Bw64,
        Layout::Wave64,
        Layout::Aiff,
    ]);
    let channels = prop_oneof![3 => 1..=8u16, 1 => 9..=256u16];
    let others = || prop::collection::vec(prop_oneof![0..70usize, 1000..3000usize], 0..5);
    let format_bytes = prop::sample::select(vec![16, 18, 20, 40, 42, 56]);
    let sizes = || {
        prop_oneof![
            3 => Just(Size::Honest),
            1 => Just(Size::Zero),
            1 => Just(Size::Unknown),
            1 => Just(Size::Short(8)),
        ]
    };
    let flags = any::<(bool, bool)>();
    (
        layouts,
        kinds(),
        channels,
        format_bytes,
        others(),
        others(),
        flags,
        sizes(),
        sizes(),
    )
        .prop_map(
            |(
                layout,
                kind,
                channels,
                format_bytes,
                before,
                after,
                (format_last, padded),
                form,
                data,
            )| {
                let sized = data == Size::Honest && layout != Layout::Wave64;
                File {
                    layout,
                    kind,
                    channels,
                    format_bytes,
                    before,
                    // Of a sound whose size is not stated, what follows cannot be told apart.
                    after: if data == Size::Honest { after } else { vec![] },
                    format_last,
                    // Without padding or sizes, some files are ambiguous.
                    padded: padded || !sized,
                    form_size: form,
                    data_size: match data {
                        Size::Short(_) => Size::Honest,
                        // The size counts the header.
                        Size::Zero if layout == Layout::Wave64 => Size::Honest,
                        data => data,
                    },
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn samples_of_any_valid_header_equal_those_of_the_plain_file(file in files(), seed in any::<u32>(), frames in 1..300usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut state = seed;
        let samples: Vec<f32> = (0..frames * usize::from(file.channels))
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32 * 1.9 - 0.95
            })
            .collect();
        let plain = File::plain(file.kind, file.channels).bytes(&samples);
        let expected = decode(&write(folder.path(), "plain.wav", &plain)).0;
        prop_assert_eq!(expected.len(), samples.len());
        if !matches!(file.kind, Kind::Alaw | Kind::Mulaw) {
            let close = expected.iter().zip(&samples).all(|(a, b)| (a - b).abs() < 1.0 / 120.0);
            prop_assert!(close);
        }
        let bytes = file.bytes(&samples);
        for is_stream in [false, true] {
            let mut decoder = match is_stream {
                false => Decoder::open(&write(folder.path(), "file.wav", &bytes)),
                true => Decoder::from_reader("stream", std::io::Cursor::new(bytes.clone())),
            }
            .unwrap();
            prop_assert_eq!(decoder.format().channels, file.channels);
            prop_assert_eq!(decoder.format().rate_hz, RATE_HZ);
            let decoded = crate::tone::read_all(&mut decoder).unwrap();
            prop_assert!(decoded == expected, "stream: {}, {} of {}", is_stream, decoded.len(), expected.len());
        }
    }
}

fn s16() -> File {
    File::plain(Kind::Integer { bytes: 2 }, 1)
}

fn decode_bytes(folder: &Path, bytes: &[u8]) -> (Vec<f32>, Option<String>) {
    let (samples, damage) = decode(&write(folder, "case.wav", bytes));
    let name = folder.join("case.wav").display().to_string();
    (samples, damage.map(|damage| damage.replace(&name, "FILE")))
}

fn at(bytes: &[u8], id: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == id).unwrap()
}

#[test]
fn headers_that_every_player_reads_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let expected = decode_bytes(folder.path(), &s16().bytes(&tone()));
    assert_eq!(expected.1, None);
    let cases = [
        (
            "size 8 short",
            File {
                form_size: Size::Short(8),
                ..s16()
            },
        ),
        (
            "size 0",
            File {
                form_size: Size::Zero,
                ..s16()
            },
        ),
        (
            "format of 20 bytes",
            File {
                format_bytes: 20,
                ..s16()
            },
        ),
        (
            "format of 14 bytes",
            File {
                format_bytes: 14,
                ..s16()
            },
        ),
        (
            "extensible",
            File {
                format_bytes: 40,
                ..s16()
            },
        ),
        (
            "odd chunks without padding",
            File {
                before: vec![5, 7],
                after: vec![3],
                padded: false,
                ..s16()
            },
        ),
        (
            "from a pipe",
            File {
                form_size: Size::Unknown,
                data_size: Size::Unknown,
                ..s16()
            },
        ),
        (
            "RF64",
            File {
                layout: Layout::Rf64,
                ..s16()
            },
        ),
        (
            "sound before its format",
            File {
                format_last: true,
                ..s16()
            },
        ),
    ];
    for (name, file) in cases {
        let mut bytes = file.bytes(&tone());
        if name == "sound before its format" {
            let (format, data) = (at(&bytes, b"fmt "), at(&bytes, b"data"));
            let format = bytes.drain(format..data).collect::<Vec<_>>();
            bytes.extend(format);
        }
        assert!(decode_bytes(folder.path(), &bytes) == expected, "{name}");
    }
    // A version of the format without a bit depth.
    let mut bytes = s16().bytes(&tone());
    bytes.drain(34..36);
    bytes[16] = 14;
    assert!(decode_bytes(folder.path(), &bytes) == expected);
    // A size of another chunk that leads beyond the file, or into the sound.
    for size in [0xFFFF_FFF0u32, 1234] {
        let mut bytes = File {
            before: vec![26],
            ..s16()
        }
        .bytes(&tone());
        let list = at(&bytes, b"LIST");
        bytes[list + 4..list + 8].copy_from_slice(&size.to_le_bytes());
        assert!(
            decode_bytes(folder.path(), &bytes).0 == expected.0,
            "{size}"
        );
    }
    // Where a size leads astray, a mebibyte is searched.
    let astray = |junk: usize| {
        let mut bytes = File {
            before: vec![junk],
            ..s16()
        }
        .bytes(&tone());
        let list = at(&bytes, b"LIST");
        bytes[list + 4..list + 8].copy_from_slice(&0xFFFF_FFF0u32.to_le_bytes());
        write(folder.path(), "astray.wav", &bytes)
    };
    assert!(decode(&astray(1_000_000)).0 == expected.0);
    assert_eq!(
        message(&astray(1_200_000)),
        "FILE cannot be decoded: it holds no sound"
    );
    // A tag in front, and behind.
    let tagged = [
        b"ID3\x03\0\0\0\0\0\x05hello".as_slice(),
        &s16().bytes(&tone()),
        b"TAG and more",
    ]
    .concat();
    assert!(decode_bytes(folder.path(), &tagged) == expected);
}

#[test]
fn a_recording_that_lost_power_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let whole = decode_bytes(folder.path(), &s16().bytes(&tone())).0;
    let zero = File {
        form_size: Size::Zero,
        data_size: Size::Zero,
        ..s16()
    };
    let (samples, damage) = decode_bytes(folder.path(), &zero.bytes(&tone()));
    assert!(samples == whole);
    assert_eq!(
        damage.unwrap(),
        "FILE is damaged: its header was never completed, as when a recorder loses power; all \
         1.000 s were read"
    );
    // A pipe cannot be completed.
    let mut stream = Decoder::from_reader("-", std::io::Cursor::new(zero.bytes(&tone()))).unwrap();
    assert!(crate::tone::read_all(&mut stream).unwrap() == whole);
    assert_eq!(stream.damaged(), None);
    // The header was last completed a while before.
    let short = File {
        data_size: Size::Short(66_150),
        form_size: Size::Short(66_150),
        ..s16()
    };
    let (samples, damage) = decode_bytes(
        folder.path(),
        &short.bytes(&[tone(), tone(), tone()].concat()),
    );
    assert_eq!(samples.len(), 3 * whole.len());
    assert!(
        damage
            .unwrap()
            .ends_with("its header declares 1.500 s, but its sound goes on to 3.000 s")
    );
    // Cut.
    let bytes = s16().bytes(&tone());
    let (samples, damage) = decode_bytes(folder.path(), &bytes[..bytes.len() - 22_050]);
    assert!(samples == whole[..whole.len() / 2]);
    assert!(
        damage
            .unwrap()
            .ends_with("it ends after 0.500 s, but its header declares 1.000 s")
    );
}

#[test]
fn a_file_that_ends_before_its_sound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = File {
        before: vec![26],
        ..s16()
    }
    .bytes(&tone());
    let data = at(&bytes, b"data");
    for end in 12..data + 8 {
        let message = message(&write(folder.path(), "cut.wav", &bytes[..end]));
        let reason = message
            .strip_prefix("FILE cannot be decoded: it ")
            .unwrap_or_default();
        let known = [
            "has no format chunk",
            "holds no sound",
            "ends inside its header",
        ];
        assert!(
            known.contains(&reason) || message.ends_with("its format chunk is too short"),
            "{end}: {message}"
        );
    }
}

#[test]
fn many_channels_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for channels in [24, 32, 33, 64, 256u16] {
        let mut samples = vec![0.0; 100 * usize::from(channels)];
        samples
            .iter_mut()
            .step_by(channels.into())
            .for_each(|x| *x = 0.5);
        let file = File {
            format_bytes: 40,
            ..File::plain(Kind::Integer { bytes: 2 }, channels)
        };
        let mut decoder =
            Decoder::open(&write(folder.path(), "desk.wav", &file.bytes(&samples))).unwrap();
        assert_eq!(decoder.format().channels, channels);
        let decoded = crate::tone::read_all(&mut decoder).unwrap();
        assert!(
            decoded
                .iter()
                .zip(&samples)
                .all(|(a, b)| (a - b).abs() < 1e-4)
        );
    }
    for channels in [257, 65_535] {
        let mut bytes = s16().bytes(&tone());
        bytes[22..24].copy_from_slice(&u16::to_le_bytes(channels));
        assert_eq!(
            message(&write(folder.path(), "many.wav", &bytes)),
            format!(
                "FILE cannot be decoded: it declares {channels} channels, and at most 256 are read"
            )
        );
    }
}

#[test]
fn samples_of_24_bits_are_read_in_either_end_of_32() {
    let folder = tempfile::tempdir().unwrap();
    let whole = decode_bytes(
        folder.path(),
        &File::plain(Kind::Integer { bytes: 3 }, 1).bytes(&tone()),
    )
    .0;
    for low in [false, true] {
        let mut bytes = File::plain(Kind::Integer { bytes: 4 }, 1).bytes(&tone());
        bytes[34] = 24;
        for sample in bytes[44..].chunks_mut(4) {
            let value = i32::from_le_bytes(sample.try_into().unwrap()) >> 8;
            let value = if low { value } else { value << 8 };
            sample.copy_from_slice(&value.to_le_bytes());
        }
        assert!(decode_bytes(folder.path(), &bytes).0 == whole, "{low}");
    }
}

#[test]
fn files_that_were_appended_are_read_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let first = File {
        after: vec![30],
        ..s16()
    }
    .bytes(&tone());
    let second = File::plain(Kind::F32, 2).bytes(&[0.25; 200]);
    let parts = decode_parts(&write(folder.path(), "both.wav", &[first, second].concat()));
    assert_eq!(parts.len(), 2);
    assert_eq!((parts[0].0.channels, parts[0].1.len()), (1, 22_050));
    assert_eq!((parts[1].0.channels, parts[1].1.len()), (2, 100));
    assert!(parts[1].1.iter().all(|&x| x == 0.25));
}

#[test]
fn compressed_sound_in_wav_is_decoded() {
    for name in ["tone-ima.wav", "tone-ms.wav"] {
        let (samples, damage) = decode(&sounds().join(name));
        // The last block is filled up.
        assert!((22_050..22_500).contains(&samples.len()));
        assert_eq!((lag(&samples), damage), (0, None), "{name}");
        let error: f32 = samples
            .iter()
            .zip(tone())
            .map(|(a, b)| (a - b) * (a - b))
            .sum();
        assert!(error / 2205.0 < 1e-3, "{name}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mp3 = sound("tone.mp3");
    let mut wav = s16().bytes(&[]);
    wav[20] = 0x55;
    wav[34] = 0;
    wav[40..44].copy_from_slice(&(mp3.len() as u32).to_le_bytes());
    wav.extend(&mp3);
    let (samples, damage) = decode_bytes(folder.path(), &wav);
    assert_eq!((samples.len(), lag(&samples), damage), (22_050, 0, None));
}
