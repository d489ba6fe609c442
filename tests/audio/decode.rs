//! Sound files: every format, in time to the sample, and every way a file can be bad.

use vocald::audio::{AudioFormat, Decoder};

use crate::tone::{RATE_HZ, decode, lag, message, read_all, sounds, tone, wav, write};

#[test]
fn lossless_files_are_decoded_exactly() {
    for name in ["tone.flac", "tone.aiff", "tone-alac.m4a", "tone.caf"] {
        let mut decoder = Decoder::open(&sounds().join(name)).unwrap();
        assert_eq!(
            decoder.format(),
            AudioFormat {
                rate_hz: RATE_HZ,
                channels: 1
            }
        );
        let decoded = read_all(&mut decoder).unwrap();
        assert_eq!(decoded.len(), RATE_HZ as usize, "{name}");
        let worst = decoded
            .iter()
            .zip(tone())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1.0 / 16_384.0, "{name}: off by {worst}");
        assert_eq!(decoder.damaged(), None);
    }
}

#[test]
fn encoder_delay_is_trimmed_from_mp3_and_vorbis() {
    for name in ["tone.mp3", "tone.ogg"] {
        let (decoded, damage) = decode(&sounds().join(name));
        assert_eq!(
            (decoded.len(), lag(&decoded), damage),
            (RATE_HZ as usize, 0, None),
            "{name}"
        );
    }
}

#[test]
fn channels_stay_interleaved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("three.wav");
    let samples: Vec<i16> = (0..3 * 5000)
        .map(|n| (n % 3 * 8192 + n / 3 % 100) as i16)
        .collect();
    wav(&path, 3, &samples);
    let (decoded, damage) = decode(&path);
    let expected: Vec<f32> = samples.iter().map(|&x| f32::from(x) / 32_768.0).collect();
    assert!(decoded == expected && damage.is_none());
}

#[test]
fn what_is_no_sound_file_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let not_audio = "FILE is not a sound file that can be read, or damaged at its beginning: \
                     docs/sound-formats.md lists the formats";
    assert_eq!(
        message(&folder.join("nowhere.wav")),
        "FILE: there is no such file"
    );
    assert_eq!(message(folder), "FILE is a directory: name a sound file");
    assert_eq!(message(&write(folder, "empty.wav", b"")), "FILE is empty");
    let prose = "Sie sang, und niemand hörte zu.\n".repeat(200);
    for name in [
        "text.wav",
        "text.mp3",
        "text.flac",
        "text.ogg",
        "text.m4a",
        "text",
    ] {
        assert_eq!(
            message(&write(folder, name, prose.as_bytes())),
            not_audio,
            "{name}"
        );
    }
    let mp3 = std::fs::read(sounds().join("tone.mp3")).unwrap();
    assert_eq!(message(&write(folder, "stub.mp3", &mp3[..100])), not_audio);
    #[cfg(unix)]
    {
        let fifo = folder.join("fifo");
        if std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .is_ok_and(|s| s.success())
        {
            assert_eq!(
                message(&fifo),
                "FILE is not a regular file: raw samples from a FIFO are read with fifo:PATH"
            );
        }
    }
}

#[test]
fn a_wav_without_channels_rate_or_sound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.wav");
    wav(&path, 1, &[1; 1000]);
    let good = std::fs::read(&path).unwrap();
    let spoilt = |name: &str, place: usize, bytes: &[u8]| {
        let mut wav = good.clone();
        wav[place..place + bytes.len()].copy_from_slice(bytes);
        Decoder::open(&write(folder.path(), name, &wav))
            .err()
            .expect(name)
            .to_string()
    };
    for error in [
        spoilt("channels.wav", 22, &[0, 0]),
        spoilt("rate.wav", 24, &[0, 0, 0, 0]),
    ] {
        assert!(
            error.contains("channels.wav") || error.contains("rate.wav"),
            "{error}"
        );
    }
    wav(&path, 1, &[]);
    assert_eq!(message(&path), "FILE cannot be decoded: it holds no sound");
}

#[test]
fn a_file_cut_off_gives_what_it_has_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let wave = folder.path().join("tone.wav");
    wav(
        &wave,
        1,
        &tone()
            .iter()
            .map(|x| (x * 32_767.0).round() as i16)
            .collect::<Vec<_>>(),
    );
    for file in [wave, sounds().join("tone.mp3")] {
        let bytes = std::fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let cut = write(
            folder.path(),
            &format!("cut-{name}"),
            &bytes[..bytes.len() * 7 / 10],
        );
        let (decoded, damage) = decode(&cut);
        assert!(
            (RATE_HZ / 2..RATE_HZ).contains(&(decoded.len() as u32)),
            "{name}"
        );
        // What there is is where it belongs.
        let whole = decode(&file).0;
        let same = decoded
            .iter()
            .zip(&whole)
            .all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(same, "{name}: what is left has changed");
        let damage = damage.expect(name);
        assert!(
            damage.starts_with(&format!("{} is damaged: it", cut.display())),
            "{damage}"
        );
    }
}

#[test]
fn a_hole_in_a_file_becomes_silence_of_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let file = sounds().join("tone.flac");
    let whole = decode(&file).0;
    let mut flac = std::fs::read(&file).unwrap();
    // A packet has 4096 frames here, and without a good header it takes the one before with it.
    let third = (0..flac.len() - 4)
        .filter(|&n| flac[n..n + 4] == [0xff, 0xf8, 0xc6, 0x08])
        .nth(2);
    let third = third.unwrap();
    flac[third..third + 8].fill(0x55);
    let (decoded, damage) = decode(&write(folder.path(), "hole.flac", &flac));
    assert!(decoded[..4096] == whole[..4096]);
    assert!(decoded[4096..3 * 4096].iter().all(|&x| x == 0.0));
    // The end of the tone is where it was.
    assert!(decoded[3 * 4096..] == whole[3 * 4096..]);
    assert!(
        damage
            .unwrap()
            .ends_with("0.372 s of it are missing and were left silent")
    );
}

#[test]
fn spoilt_bytes_never_panic_or_hang() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 12_345u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for name in [
        "tone.mp3",
        "tone.ogg",
        "tone.flac",
        "tone.aiff",
        "tone-alac.m4a",
        "tone-aac.m4a",
    ] {
        let good = std::fs::read(sounds().join(name)).unwrap();
        for round in 0..12 {
            let mut bad = good.clone();
            let reach = if round % 2 == 0 {
                bad.len()
            } else {
                bad.len().min(400)
            };
            for _ in 0..[1, 5, 50][round % 3] {
                bad[random() % reach] = random() as u8;
            }
            bad.truncate(bad.len() - random() % (bad.len() / 2));
            if let Ok(mut decoder) = Decoder::open(&write(folder.path(), name, &bad)) {
                let frames = read_all(&mut decoder).map_or(0, |all| all.len());
                assert!(
                    frames < 64 * RATE_HZ as usize * 8,
                    "{name}: {frames} samples of nothing"
                );
            }
        }
    }
}
