//! Every kind of sound that people bring, in time, and whatever lies around it.

use std::io::Read;

use vocald::audio::{AudioError, Decoder};

use crate::tone::{
    RATE_HZ, decode, decode_parts, ffmpeg, has_ffmpeg, lag, lag_at, message, pcm16, read_all,
    sound, sounds, tone, tone_at, wav, wav_at, write,
};

const SECOND: usize = RATE_HZ as usize;

/// A stream that cannot seek and gives a few bytes at a time.
struct Pipe(std::io::Cursor<Vec<u8>>);

impl Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let few = bytes.len().min(700);
        self.0.read(&mut bytes[..few])
    }
}

fn pipe(bytes: &[u8]) -> Result<Decoder, AudioError> {
    Decoder::from_reader("stdin", Pipe(std::io::Cursor::new(bytes.to_vec())))
}

/// An ID3v2 tag with so many bytes of a picture, which look like MPEG frames and text.
fn id3(picture: usize, footer: bool) -> Vec<u8> {
    let size = picture as u32;
    let syncsafe = [21, 14, 7, 0].map(|shift| (size >> shift & 0x7F) as u8);
    let flags = if footer { 0x90 } else { 0x80 };
    let mut tag = [b"ID3\x04\0".as_slice(), &[flags], &syncsafe].concat();
    tag.extend((0..picture).map(|n| [0xFF, 0xFB, 0x90, 0x64, b'R', b'I', b'F', b'F'][n % 8]));
    if footer {
        tag.extend([b"3DI\x04\0".as_slice(), &[flags], &syncsafe].concat());
    }
    tag
}

#[test]
fn delay_and_padding_are_left_out_where_the_file_states_them() {
    // By an edit list and by packets' durations, a LAME tag, granule positions, a pre-skip.
    for (name, rate_hz) in [
        ("tone-aac.m4a", RATE_HZ),
        ("tone-alac.m4a", RATE_HZ),
        ("tone.mp3", RATE_HZ),
        ("tone.ogg", RATE_HZ),
        ("faster.ogg", 32_000),
        ("tone.caf", RATE_HZ),
        ("tone.opus", 48_000),
    ] {
        let (decoded, damage) = decode(&sounds().join(name));
        assert_eq!((decoded.len(), damage), (rate_hz as usize, None), "{name}");
        let lag = lag_at(&decoded, rate_hz);
        assert!(lag.abs() <= 3, "{name}: {lag}");
    }
}

#[test]
fn other_formats_are_decoded() {
    // MPEG layer II, ADTS and AAC in Matroska state no delay; WebM's padding is not read.
    for (name, rate_hz, delay) in [
        ("tone.mp2", RATE_HZ, 481),
        ("tone.aac", RATE_HZ, 1024),
        ("tone.mkv", RATE_HZ, 1024),
        ("tone.webm", 48_000, 0),
    ] {
        let (decoded, damage) = decode(&sounds().join(name));
        let lag = lag_at(&decoded, rate_hz);
        assert!((lag - delay).abs() <= 3, "{name}: {lag}");
        let padding = decoded.len() as i64 - i64::from(rate_hz) - delay;
        assert!((0..1152).contains(&padding), "{name}: {padding}");
        assert_eq!(damage, None, "{name}");
    }
}

#[test]
fn content_decides_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "tone.flac",
        "tone.ogg",
        "tone.mp3",
        "tone.aiff",
        "tone.webm",
        "tone-aac.m4a",
    ] {
        let expected = decode(&sounds().join(name)).0;
        for disguise in ["song.wav", "song.mp3", "song", "song.txt"] {
            let path = write(folder.path(), disguise, &sound(name));
            assert!(decode(&path).0 == expected, "{name} as {disguise}");
        }
    }
}

#[test]
fn tags_in_front_are_read_past() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "tone.mp3",
        "tone.flac",
        "tone.aac",
        "tone.ogg",
        "tone.aiff",
        "tone-aac.m4a",
    ] {
        let expected = decode(&sounds().join(name));
        for tags in [
            vec![id3(1_700_000, false)],
            vec![id3(300, true), id3(70_000, false), id3(0, false)],
        ] {
            let file = write(folder.path(), name, &[tags.concat(), sound(name)].concat());
            let (decoded, damage) = decode(&file);
            assert!((decoded, damage) == expected, "{name}");
        }
    }
}

#[test]
fn a_stream_that_cannot_seek_is_decoded() {
    let all = [
        "tone.mp3",
        "tone.flac",
        "tone.aac",
        "tone.ogg",
        "tone.aiff",
        "tone.opus",
        "tone.webm",
    ];
    for name in all
        .into_iter()
        .chain(["tone-aac.m4a", "tone.caf", "tone-ima.wav", "tone.mp2"])
    {
        let mut decoder = pipe(&sound(name)).unwrap();
        let decoded = read_all(&mut decoder).unwrap();
        assert!(decoded == decode(&sounds().join(name)).0, "{name}");
        assert_eq!(decoder.damaged(), None, "{name}");
    }
    let error = pipe(b"not a sound").err().unwrap().to_string();
    assert!(error.starts_with("stdin is not a sound file"), "{error}");
    let error = pipe(b"").err().unwrap().to_string();
    assert!(error.ends_with("it ended without a byte"), "{error}");
}

#[test]
fn chained_and_joined_sounds_go_on_in_their_own_format() {
    let folder = tempfile::tempdir().unwrap();
    let join = |name: &str, parts: &[&[u8]]| write(folder.path(), name, &parts.concat());
    let [ogg, faster, mp3] = ["tone.ogg", "faster.ogg", "tone.mp3"].map(sound);
    let same = decode_parts(&join("same.ogg", &[&ogg, &ogg]));
    assert_eq!(same.len(), 1);
    assert_eq!(same[0].1.len(), 2 * SECOND);
    assert_eq!((lag(&same[0].1), lag(&same[0].1[SECOND..])), (0, 0));

    let chained = decode_parts(&join("chained.ogg", &[&ogg, &faster, &ogg]));
    let lengths: Vec<_> = chained
        .iter()
        .map(|(f, mono)| (f.rate_hz, mono.len()))
        .collect();
    assert_eq!(
        lengths,
        [(RATE_HZ, SECOND), (32_000, 32_000), (RATE_HZ, SECOND)]
    );
    assert_eq!((lag_at(&chained[1].1, 32_000), lag(&chained[2].1)), (0, 0));

    // Each mp3 with its own delay and padding, tags between them.
    let old_tag = [b"TAG".as_slice(), &[b' '; 125]].concat();
    let joined = join(
        "joined.mp3",
        &[&mp3, &old_tag, &id3(5000, false), &mp3, &mp3, &old_tag],
    );
    let joined = decode_parts(&joined);
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0].1.len(), 3 * SECOND);
    for part in 0..3 {
        assert_eq!(lag(&joined[0].1[part * SECOND..]), 0);
    }
}

#[test]
fn joined_mp3s_of_two_rates_are_decoded_throughout() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let stereo: Vec<f32> = tone_at(48_000).into_iter().flat_map(|x| [x, x]).collect();
    wav_at(&folder.join("b.wav"), 48_000, 2, &pcm16(&stereo));
    if !ffmpeg(folder, "-i b.wav -b:a 96k b.mp3") {
        return;
    }
    let second = std::fs::read(folder.join("b.mp3")).unwrap();
    let parts = decode_parts(&write(
        folder,
        "both.mp3",
        &[sound("tone.mp3"), second].concat(),
    ));
    let formats: Vec<_> = parts.iter().map(|(f, _)| (f.rate_hz, f.channels)).collect();
    assert_eq!(formats, [(RATE_HZ, 1), (48_000, 2)]);
    assert_eq!((parts[0].1.len(), parts[1].1.len()), (SECOND, 48_000));
    assert_eq!((lag(&parts[0].1), lag_at(&parts[1].1, 48_000)), (0, 0));
}

#[test]
fn junk_before_and_between_frames_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tone.mp3", "tone.aac"] {
        let expected = decode(&sounds().join(name));
        let junk = [0u8, 0xFF, 0xFB, 7, 0xFF, 0xF1, 0].repeat(3000);
        let file = write(
            folder.path(),
            name,
            &[&junk, sound(name).as_slice()].concat(),
        );
        assert!(decode(&file) == expected, "{name}");
        // In the middle it is stated.
        let frames = sound(name);
        let last = frames
            .windows(2)
            .rposition(|w| w[0] == 0xFF && w[1] & 0xF0 == 0xF0)
            .unwrap();
        let holed = [&frames[..last], &junk, &frames[last..]].concat();
        let damage = decode(&write(folder.path(), name, &holed)).1;
        if name == "tone.aac" {
            let damage = damage.unwrap();
            assert!(
                damage.ends_with("bytes in it are no sound and were left out"),
                "{damage}"
            );
        }
    }
}

/// A box of an MP4 file.
fn find_box(bytes: &[u8], name: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == name).unwrap()
}

#[test]
fn the_parts_of_an_edit_list_are_applied() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = sound("tone-alac.m4a");
    let list = find_box(&bytes, b"elst") + 12;
    // Shown is half a second from 0.25 s on.
    bytes[list..list + 4].copy_from_slice(&500u32.to_be_bytes());
    bytes[list + 4..list + 8].copy_from_slice(&(RATE_HZ / 4).to_be_bytes());
    let (decoded, damage) = decode(&write(folder.path(), "part.m4a", &bytes));
    let whole = decode(&sounds().join("tone-alac.m4a")).0;
    let start = SECOND / 4;
    assert!(decoded == whole[start..start + SECOND / 2]);
    assert_eq!(damage, None);
}

#[test]
fn an_index_beyond_the_limit_is_stated() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sound("tone-alac.m4a");
    let index = find_box(&bytes, b"moov") - 4;
    let size = u32::from_be_bytes(bytes[index..index + 4].try_into().unwrap());
    for (mib, notes) in [(1, 0), (65, 1)] {
        // A free box comes before the tracks.
        let free: u32 = mib << 20;
        let header = [&(size + free).to_be_bytes(), &b"moov"[..]].concat();
        let free_box = [
            &free.to_be_bytes(),
            &b"free"[..],
            &vec![0; free as usize - 8],
        ]
        .concat();
        let all = [&bytes[..index], &header, &free_box, &bytes[index + 8..]].concat();
        let path = write(folder.path(), "large.m4a", &all);
        let mut decoder = Decoder::open(&path).unwrap();
        assert_eq!(decoder.notes().len(), notes, "{mib} MiB");
        let stated = decoder.notes().first().cloned().unwrap_or_default();
        assert_eq!(
            stated.starts_with("its index is larger than 64 MiB"),
            notes == 1
        );
        let samples = read_all(&mut decoder).unwrap();
        assert!(
            samples == decode(&sounds().join("tone-alac.m4a")).0,
            "{mib} MiB"
        );
    }
}

#[test]
fn a_panic_of_a_library_ends_only_its_file() {
    let folder = tempfile::tempdir().unwrap();
    // More than one outcome is right for such files, but none ends the process.
    for name in ["tone-aac.m4a", "tone-alac.m4a"] {
        for value in [u32::MAX, 0x7FFF_FFFF, 0] {
            for (table, offset) in [(b"stts", 12), (b"stts", 8), (b"stsz", 12), (b"stsc", 12)] {
                let mut bytes = sound(name);
                let at = find_box(&bytes, table) + offset;
                bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
                let path = write(folder.path(), "bad.m4a", &bytes);
                if let Err(error) = Decoder::open(&path).and_then(|mut d| read_all(&mut d)) {
                    assert!(error.to_string().contains("bad.m4a"), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_stream_of_any_length_is_decoded_in_small_blocks() {
    // 256 MiB in 64 channels, whose length no header states.
    struct Long(u64);
    impl Read for Long {
        fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.min(bytes.len() as u64) as usize;
            bytes[..count].fill(0);
            self.0 -= count as u64;
            Ok(count)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    wav(&folder.path().join("head.wav"), 64, &[]);
    let mut header = std::fs::read(folder.path().join("head.wav")).unwrap();
    let data = header.windows(4).position(|w| w == b"data").unwrap();
    header.truncate(data + 4);
    header.extend([0xFF; 4]);
    let stream = std::io::Cursor::new(header).chain(Long(256 << 20));
    let mut decoder = Decoder::from_reader("endless", stream).unwrap();
    let mut samples = 0;
    while let Some(block) = decoder.next_block().unwrap() {
        assert!(block.len() <= 1 << 16);
        samples += block.len();
    }
    assert_eq!(samples, 128 << 20);
    assert_eq!(decoder.damaged(), None);
}

#[test]
fn what_only_ffmpeg_reads_is_decoded_or_refused_with_the_way_out() {
    let ac3 = sounds().join("tone.ac3");
    if !has_ffmpeg() {
        assert_eq!(
            message(&ac3),
            "FILE is AC-3, which only ffmpeg decodes, and there is no ffmpeg on the PATH: install \
             it, or convert the file to FLAC elsewhere"
        );
        return;
    }
    let (decoded, damage) = decode(&ac3);
    assert_eq!(damage, None);
    assert!((lag_at(&decoded, 32_000) - 256).abs() < 3);
    // Kept in a temporary file.
    assert!(read_all(&mut pipe(&sound("tone.ac3")).unwrap()).unwrap() == decoded);
    let folder = tempfile::tempdir().unwrap();
    // Names that are no options, no protocols and no text.
    for name in ["-i.ac3", "http:x.ac3", "concat:a|b.ac3", "a b'c\"$(d).ac3"] {
        assert!(
            decode(&write(folder.path(), name, &sound("tone.ac3"))).0 == decoded,
            "{name}"
        );
    }
    // Cut in the middle.
    let cut = write(folder.path(), "cut.ac3", &sound("tone.ac3")[..4000]);
    assert!(decode(&cut).0.len() < decoded.len());
    // Nothing that ffmpeg knows either.
    let noise: Vec<u8> = (0..20_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let noise = [b"wvpk".as_slice(), &noise].concat();
    let error = message(&write(folder.path(), "noise.wv", &noise));
    assert!(
        error.starts_with("FILE cannot be decoded: ffmpeg"),
        "{error}"
    );
}

#[test]
fn a_playlist_is_no_sound() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "song.flac", &sound("tone.flac"));
    for list in [
        "#EXTM3U\n#EXTINF:1,\nsong.flac\n",
        "ffconcat version 1.0\nfile song.flac\n",
    ] {
        let error = message(&write(folder.path(), "list.m3u8", list.as_bytes()));
        assert!(error.starts_with("FILE is not a sound file"), "{error}");
    }
}

#[test]
fn formats_of_phones_video_and_radio_are_decoded() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let stereo: Vec<f32> = tone_at(48_000).into_iter().flat_map(|x| [x, x]).collect();
    wav_at(&folder.join("t.wav"), 48_000, 2, &pcm16(&stereo));
    let check = |name: &str, tolerance_s: f64| {
        let parts = decode_parts(&folder.join(name));
        assert_eq!(parts.len(), 1, "{name}");
        let (format, mono) = &parts[0];
        let lag_s = lag_at(mono, format.rate_hz) as f64 / f64::from(format.rate_hz);
        assert!(lag_s.abs() <= tolerance_s, "{name}: {lag_s}");
        let excess_s = mono.len() as f64 / f64::from(format.rate_hz) - 1.0;
        assert!((-0.03..0.13).contains(&excess_s), "{name}: {excess_s}");
    };
    for (name, codec, tolerance_s) in [
        ("x.opus", "-c:a libopus", 0.001),
        ("six.opus", "-ac 6 -c:a libopus -mapping_family 1", 0.001),
        ("x.webm", "-c:a libopus", 0.001),
        ("v.webm", "-c:a libvorbis", 0.003),
        ("x.mkv", "-c:a flac", 0.001),
        ("p.mkv", "-c:a pcm_s24le", 0.001),
        ("x.mp2", "-c:a mp2", 0.025),
        ("x.mp4", "-c:a aac", 0.001),
        ("x.mov", "-c:a pcm_s16be", 0.001),
        ("x.caf", "-c:a pcm_s16be", 0.001),
        ("x.oga", "-c:a flac", 0.001),
        ("x.wma", "-c:a wmav2", 0.05),
        ("x.avi", "-c:a libmp3lame", 0.06),
        ("x.ts", "-c:a mp2", 0.06),
        ("x.ac3", "-c:a ac3", 0.01),
        ("x.wv", "-c:a wavpack", 0.001),
        ("x.tta", "-c:a tta", 0.001),
        ("x.au", "-c:a pcm_s16be", 0.001),
        ("x.w64", "-c:a pcm_s32le", 0.001),
        ("x.aifc", "-f aiff -c:a pcm_f32be", 0.001),
        ("alaw.wav", "-c:a pcm_alaw", 0.001),
        ("mulaw.wav", "-c:a pcm_mulaw", 0.001),
        ("f64.wav", "-c:a pcm_f64le", 0.001),
        ("u8.wav", "-c:a pcm_u8", 0.001),
        ("rf64.wav", "-rf64 always", 0.001),
        ("mp3.wav", "-c:a libmp3lame", 0.03),
        ("x.mka", "-c:a ac3", 0.01),
        ("opus.mp4", "-c:a libopus", 0.001),
    ] {
        if ffmpeg(folder, &format!("-i t.wav {codec} {name}")) {
            check(name, tolerance_s);
        }
    }
    // What is decoded here is what ffmpeg decodes.
    for name in ["x.opus", "six.opus", "alaw.wav", "mulaw.wav"] {
        if !folder.join(name).exists()
            || !ffmpeg(folder, &format!("-i {name} -c:a pcm_f32le ref.wav"))
        {
            continue;
        }
        // Mixed, since the order of six channels differs.
        let [own, reference] = [name, "ref.wav"].map(|name| decode_parts(&folder.join(name)));
        let (own, reference) = (&own[0].1, &reference[0].1);
        assert_eq!(own.len(), reference.len(), "{name}");
        let worst = own
            .iter()
            .zip(reference)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 2e-3, "{name}: {worst}");
    }
}

#[test]
fn lossless_sound_is_the_same_in_every_container_and_through_a_pipe() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    wav(&folder.join("t.wav"), 1, &pcm16(&tone()));
    let expected = decode(&folder.join("t.wav")).0;
    let check = |name: &str| {
        let (samples, damage) = decode(&folder.join(name));
        assert_eq!((samples.len(), damage), (expected.len(), None), "{name}");
        let close = samples
            .iter()
            .zip(&expected)
            .all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(close, "{name}");
    };
    // The order of bytes in QuickTime is stated in a box of its own, or is big-endian.
    for codec in [
        "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "f64be",
    ] {
        let name = format!("{codec}.mov");
        if ffmpeg(folder, &format!("-i t.wav -c:a pcm_{codec} {name}")) {
            check(&name);
        }
    }
    // From a pipe the sizes are not known, and that is no damage.
    for format in [
        "wav",
        "w64",
        "caf",
        "flac",
        "matroska -c:a flac",
        "matroska -c:a pcm_s16le",
    ] {
        let arguments = format!("-v error -i t.wav -f {format} -");
        let output = std::process::Command::new("ffmpeg")
            .args(arguments.split_whitespace())
            .current_dir(folder)
            .output();
        write(folder, format, &output.unwrap().stdout);
        check(format);
    }
    // Of two tracks the one that players choose, which is the second here.
    let two = "-i t.wav -f lavfi -i sine=440:duration=1 -map 1 -map 0 -c:a flac -strict -2 -disposition:a:0 0 \
               -disposition:a:1 default";
    for name in ["two.mkv", "two.mp4"] {
        if ffmpeg(folder, &format!("{two} {name}")) {
            check(name);
            let decoder = Decoder::open(&folder.join(name)).unwrap();
            assert!(decoder.notes()[0].contains("2 audio tracks"), "{name}");
        }
    }
}
