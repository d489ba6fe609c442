//! The built program, a small model for it whose output moves with the sound, and sound.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use vocald::decision::OperatingPoint;
use vocald::frontend::WindowLength;
use vocald::model::{
    Architecture, Checkpoint, Depth, Family, FrontendSettings, LevelMode, Metadata, Normalisation,
};

use super::libtorch::exclusive;
use super::untrained::drawn;

/// Two horizons of untrained weights. Its probabilities move little, but they move: around 0.44
/// at the default horizon on [`sound`]. States follow single decisions.
pub fn model() -> &'static Path {
    static MODEL: OnceLock<PathBuf> = OnceLock::new();
    if let Some(model) = MODEL.get() {
        return model;
    }
    // Before the lock: who waits for it may have the generator already.
    let _exclusive = exclusive();
    MODEL.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let path = folder.join("untrained.safetensors");
        let architecture = Architecture {
            family: Family::SeResNet(Depth::D14),
            members: 1,
            horizons: 2,
            speech: false,
        };
        let point = OperatingPoint {
            threshold: 0.5,
            enter: 0.5,
            reentry: None,
            leave: 0.5,
            confirm_n: 1,
            confirm_m: 1,
            min_voice_s: 0.0,
            min_gap_s: 0.0,
        };
        let checkpoint = Checkpoint {
            metadata: Metadata {
                format_version: 1,
                name: "untrained".into(),
                architecture: "se_resnet".into(),
                depth: Some(14),
                members: 1,
                alternating: false,
                frontend: FrontendSettings::of(WindowLength::FRAMES_80),
                level: LevelMode::Absolute,
                horizons_frames: vec![39, 7],
                overlap_averaging: false,
                operating_points: vec![point; 2],
                speech: None,
                default_horizon_frames: 7,
                trained_on: vec![],
                figures: Default::default(),
                license: "CC0-1.0".into(),
            },
            architecture,
            normalisation: Normalisation {
                level: LevelMode::Absolute,
                mean: [-5.0; 80],
                std: [2.0; 80],
            },
            weights: drawn(architecture, 3),
        };
        // Other tests may be reading the one that is there.
        let part = folder.join(format!("untrained-{}.part", std::process::id()));
        checkpoint.write(&part).unwrap();
        std::fs::rename(&part, &path).unwrap();
        path
    })
}

/// `vocald` with the arguments `line`, parted by spaces, without the parts of the test's environment
/// that would change what it does.
pub fn vocald(line: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("vocald"));
    command
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .env_remove("RUST_LOG")
        .env_remove("VOCALD_TOKEN");
    command
}

/// [`vocald`] with the test's model, on the CPU. The first word of `line` is the command.
pub fn with_model(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = vocald(words.next().unwrap());
    command
        .arg("--model")
        .arg(model())
        .args(["--device", "cpu"]);
    command.args(words);
    command
}

/// Exit code, standard output and standard error.
pub struct Output {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    Output {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn messages(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub fn of_type<'a>(messages: &'a [Value], kind: &str) -> Vec<&'a Value> {
    messages.iter().filter(|m| m["type"] == kind).collect()
}

/// The states that `stream` went through.
pub fn states(messages: &[Value], stream: &str) -> Vec<String> {
    let states = of_type(messages, "state")
        .into_iter()
        .filter(|m| m["stream"] == stream);
    states
        .map(|m| m["state"].as_str().unwrap().to_owned())
        .collect()
}

/// Notes and rests, a half second each, other notes in every channel.
pub fn sound(rate_hz: u32, channels: u16, seconds: f64) -> Vec<f32> {
    let frames = (seconds * f64::from(rate_hz)) as usize;
    let sample = |n: usize, channel: u16| {
        let t = n as f64 / f64::from(rate_hz);
        let note = (t * 2.0) as u32;
        let hz = 220.0 * 2f64.powf(f64::from((note * 5 + u32::from(channel) * 7) % 24) / 12.0);
        let loud = if note % 3 == 2 { 0.002 } else { 0.3 };
        let tone: f64 = (1..6)
            .map(|k| (t * hz * f64::from(k) * TAU).sin() / f64::from(k))
            .sum();
        (tone * loud) as f32
    };
    (0..frames)
        .flat_map(|n| (0..channels).map(move |c| sample(n, c)))
        .collect()
}

/// [`sound`] as a WAV of 32-bit floats, 44 100 Hz.
pub fn wav(path: &Path, channels: u16, seconds: f64) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: 44_100,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for x in sound(44_100, channels, seconds) {
        writer.write_sample(x).unwrap();
    }
    writer.finalize().unwrap();
}

/// What Ctrl-C or `kill` send.
pub fn send_signal(child: &Child, signal: i32) {
    // SAFETY: nothing but a system call, on a child that was not waited for yet.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
}
