//! The sound that every file in `tests/data/sounds` holds, and what tests do with it.

use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use vocald::audio::{AudioError, AudioFormat, Decoder};

pub const RATE_HZ: u32 = 22_050;
pub const TONE_START: usize = 11_025;
pub const TONE_FRAMES: usize = 2_205;

pub fn sounds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sounds")
}

pub fn sound(name: &str) -> Vec<u8> {
    std::fs::read(sounds().join(name)).unwrap()
}

/// The second of sound at another rate than 22 050 Hz.
pub fn tone_at(rate_hz: u32) -> Vec<f32> {
    let ratio = f64::from(RATE_HZ) / f64::from(rate_hz);
    (0..rate_hz)
        .map(|n| {
            let x = f64::from(n) * ratio - TONE_START as f64;
            if !(0.0..TONE_FRAMES as f64).contains(&x) {
                return 0.0;
            }
            let phase = 2.0 * PI * (200.0 * x + 0.5 * x * x) / f64::from(RATE_HZ);
            (0.6 * phase.sin() * (PI * x / TONE_FRAMES as f64).sin()) as f32
        })
        .collect()
}

pub fn tone() -> Vec<f32> {
    tone_at(RATE_HZ)
}

pub fn pcm16(samples: &[f32]) -> Vec<i16> {
    let sample = |x: &f32| (x * 32_767.0).round() as i16;
    samples.iter().map(sample).collect()
}

pub fn read_all(decoder: &mut Decoder) -> Result<Vec<f32>, AudioError> {
    let mut all = Vec::new();
    while let Some(block) = decoder.next_block()? {
        assert!(!block.is_empty());
        all.extend_from_slice(block);
    }
    Ok(all)
}

pub fn decode(path: &Path) -> (Vec<f32>, Option<String>) {
    let mut decoder = Decoder::open(path).unwrap();
    let all = read_all(&mut decoder).unwrap();
    (all, decoder.damaged().map(str::to_owned))
}

/// The stretches of one format, each mixed to mono.
pub fn decode_parts(path: &Path) -> Vec<(AudioFormat, Vec<f32>)> {
    let mut decoder = Decoder::open(path).unwrap();
    let mut parts: Vec<(AudioFormat, Vec<f32>)> = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        let block = block.to_vec();
        let format = decoder.format();
        let channels = usize::from(format.channels);
        assert_eq!(block.len() % channels, 0);
        if parts.last().is_none_or(|(last, _)| *last != format) {
            parts.push((format, Vec::new()));
        }
        let mono = block
            .chunks(channels)
            .map(|f| f.iter().sum::<f32>() / channels as f32);
        parts.last_mut().unwrap().1.extend(mono);
    }
    let end_s: f64 = parts
        .iter()
        .map(|(format, mono)| mono.len() as f64 / f64::from(format.rate_hz))
        .sum();
    assert!((decoder.position_s() - end_s).abs() < 1e-9);
    parts
}

/// How far the tone is from its place, in frames of `rate_hz`.
pub fn lag_at(samples: &[f32], rate_hz: u32) -> i64 {
    let scaled = |frames: usize| frames * rate_hz as usize / RATE_HZ as usize;
    let (start, frames) = (scaled(TONE_START), scaled(TONE_FRAMES));
    let tone = &tone_at(rate_hz)[start..][..frames];
    let likeness = |lag: &i64| -> f64 {
        let from = (start as i64 + lag) as usize;
        let here = samples[from.min(samples.len())..].iter();
        here.zip(tone).map(|(a, b)| f64::from(a * b)).sum()
    };
    let reach = scaled(2500) as i64;
    (-reach..reach)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .unwrap()
}

pub fn lag(samples: &[f32]) -> i64 {
    lag_at(samples, RATE_HZ)
}

pub fn message(path: &Path) -> String {
    let error = Decoder::open(path).err().expect("an error").to_string();
    assert!(!error.contains('\n'));
    error.replace(&path.display().to_string(), "FILE")
}

pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

pub fn wav(path: &Path, channels: u16, samples: &[i16]) {
    wav_at(path, RATE_HZ, channels, samples);
}

pub fn wav_at(path: &Path, rate_hz: u32, channels: u16, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples
        .iter()
        .for_each(|&x| writer.write_sample(x).unwrap());
    writer.finalize().unwrap();
}

/// Runs ffmpeg in a folder; `false`, with a line, where it is not installed or lacks an encoder.
pub fn ffmpeg(folder: &Path, arguments: &str) -> bool {
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    let made = status.is_ok_and(|status| status.success());
    if !made {
        eprintln!("skipped: ffmpeg {arguments}");
    }
    made
}

pub fn has_ffmpeg() -> bool {
    let version = Command::new("ffmpeg").arg("-version").output();
    let has = version.is_ok_and(|output| output.status.success());
    if !has {
        eprintln!("skipped: there is no ffmpeg");
    }
    has
}
