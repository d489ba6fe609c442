//! Exported networks against the engine: ONNX in onnxruntime behind the numpy frontend, TorchScript in libtorch.

use std::path::Path;

use serde_json::{Value, json};
use tch::{CModule, Device, IValue, Kind, Tensor};
use vocald::frontend::{CaptureTime, Features, Window, Windower};
use vocald::inference::engine::built_in;
use vocald::inference::{ComputeDevice, ComputePrecision, Engine};
use vocald::model::export::{DESCRIPTION_KEY, Format, export};
use vocald::model::layers::Weights;
use vocald::model::{
    Architecture, Checkpoint, Depth, Family, FrontendSettings, LevelMode, Normalisation, Role,
    float_values,
};

use crate::support::libtorch::exclusive;
use crate::support::program;
use crate::support::python::{ROOT, python, succeed};
use crate::support::untrained::drawn;

const SECONDS: f64 = 2.6;
const TOLERANCE: f32 = 1e-4;

/// One network to export.
struct Case {
    name: String,
    checkpoint: Checkpoint,
    /// Number of the first window that is compared.
    first: usize,
}

/// Weights whose normalisations do something.
fn varied(architecture: Architecture, seed: i64) -> Weights {
    let _exclusive = exclusive();
    let mut weights = drawn(architecture, seed);
    for spec in architecture.param_specs() {
        let noise = Tensor::rand(&spec.shape, (Kind::Float, Device::Cpu));
        let value = match spec.role {
            Role::NormWeight | Role::NormVariance => noise + 0.5,
            Role::NormMean => noise * 0.2,
            Role::Bias => noise * 0.2 - 0.1,
            // Residual sums of many blocks would saturate the output.
            _ if spec.is_of_head() && architecture.parameters() > 10_000_000 => {
                weights[&spec.name].shallow_clone() * 0.3
            }
            _ => continue,
        };
        weights.insert(spec.name, value);
    }
    weights
}

fn case(name: &str, family: Family, members: usize, horizons: &[u32], level: LevelMode) -> Case {
    let architecture = Architecture {
        family,
        members,
        horizons: horizons.len(),
        speech: false,
    };
    let mut checkpoint = Checkpoint::read(program::model()).unwrap();
    let metadata = &mut checkpoint.metadata;
    metadata.name = name.into();
    metadata.architecture = family.name().into();
    metadata.depth = family.depth();
    metadata.members = members;
    metadata.frontend = FrontendSettings::of_features(family.features());
    metadata.level = level;
    metadata.horizons_frames = horizons.to_vec();
    metadata.default_horizon_frames = horizons[0];
    metadata.operating_points = vec![metadata.operating_points[0]; horizons.len()];
    checkpoint.architecture = metadata.validate().unwrap();
    assert_eq!(checkpoint.architecture, architecture);
    checkpoint.normalisation = Normalisation {
        level,
        mean: std::array::from_fn(|band| -3.0 - 0.02 * band as f32),
        std: std::array::from_fn(|band| 2.0 + 0.01 * band as f32),
    };
    checkpoint.weights = varied(architecture, 7);
    Case {
        name: name.into(),
        checkpoint,
        first: 0,
    }
}

fn alternating(mut case: Case) -> Case {
    case.checkpoint.metadata.alternating = true;
    case.checkpoint.metadata.validate().unwrap();
    // An odd number, so that the second member comes first.
    case.first = 3;
    case
}

/// With an output for speech.
fn speaking(mut case: Case) -> Case {
    case.checkpoint = case.checkpoint.with_speech(true).unwrap();
    case.checkpoint.weights = varied(case.checkpoint.architecture, 8);
    case
}

fn depth(depth: Depth) -> Case {
    let name = format!("se-resnet-{}", depth.layers());
    case(
        &name,
        Family::SeResNet(depth),
        1,
        &[39, 9],
        LevelMode::Relative,
    )
}

/// Every kind of network but the deepest, which take minutes.
fn cases() -> Vec<Case> {
    use LevelMode::{Absolute, Relative};
    let d14 = Family::SeResNet(Depth::D14);
    let shallow = Depth::ALL.into_iter().filter(|depth| depth.layers() <= 50);
    let mut cases: Vec<Case> = shallow.map(depth).collect();
    cases.push(case("absolute", d14, 1, &[7], Absolute));
    cases.push(case("scnn", Family::Scnn, 1, &[57], Absolute));
    cases.push(case("ensemble", d14, 3, &[39, 4], Relative));
    cases.push(alternating(case("pair", d14, 2, &[39, 4], Relative)));
    cases.push(alternating(case(
        "trio",
        Family::Scnn,
        3,
        &[57, 9],
        Absolute,
    )));
    cases.push(speaking(case("speech", d14, 1, &[39, 4], Relative)));
    cases.push(alternating(speaking(case(
        "speech-pair",
        Family::Scnn,
        2,
        &[57, 9],
        Absolute,
    ))));
    cases.push(Case {
        name: "live-wide".into(),
        checkpoint: built_in().unwrap(),
        first: 0,
    });
    cases
}

/// Sound with a noise floor, as every recording has one.
fn sound() -> Vec<f32> {
    let mut noise = 1u32;
    let tones = program::sound(22_050, 1, SECONDS).into_iter();
    tones
        .map(|x| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            x + (noise >> 8) as f32 / 2f32.powi(24) * 0.02 - 0.01
        })
        .collect()
}

fn windows(checkpoint: &Checkpoint, sound: &[f32]) -> Vec<Window> {
    let Features::Mel(length) = checkpoint.architecture.features() else {
        panic!("not a network of windows");
    };
    let mut windows = Vec::new();
    Windower::new(length).push(sound, CaptureTime::default(), &mut windows);
    windows
}

/// The engine's probabilities of the windows that are compared.
fn expected(case: &Case, windows: &[Window], folder: &Path) -> Vec<Vec<f32>> {
    let file = folder.join("engine.safetensors");
    case.checkpoint.write(&file).unwrap();
    let _exclusive = exclusive();
    let mut engine =
        Engine::load(Some(&file), ComputeDevice::Cpu, ComputePrecision::Float32).unwrap();
    // Deep networks are slow.
    let count = if case.checkpoint.architecture.parameters() > 30_000_000 {
        2
    } else {
        6
    };
    let chosen: Vec<&Window> = windows[case.first..].iter().take(count).collect();
    engine.infer(&chosen).unwrap()
}

#[test]
fn onnx_networks_equal_the_engine() {
    compare_onnx(cases());
}

#[test]
#[ignore = "four minutes; the blocks are those of depth 50"]
fn onnx_networks_of_the_greatest_depths_equal_the_engine() {
    compare_onnx([Depth::D101, Depth::D152, Depth::D200].map(depth));
}

fn compare_onnx(cases: impl IntoIterator<Item = Case>) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let sound = sound();
    std::fs::write(at.join("sound.f32"), bytes(&sound)).unwrap();
    for case in cases {
        let Some(mut python) = python() else {
            return;
        };
        let windows = windows(&case.checkpoint, &sound);
        std::fs::write(at.join("log_mel.f32"), bytes(&windows[0].log_mel)).unwrap();
        let file = format!("{}.onnx", case.name);
        export(&case.checkpoint, Format::Onnx, &at.join(&file)).unwrap();
        let p = expected(&case, &windows, at);
        let entry = json!([{ "file": file, "first": case.first, "p": p }]);
        std::fs::write(at.join("cases.json"), entry.to_string()).unwrap();
        let script = Path::new(ROOT).join("tests/model/check_export.py");
        print!("{}", succeed(python.arg(script).arg(at)));
        std::fs::remove_file(at.join(&file)).unwrap();
    }
}

#[test]
fn torchscript_networks_equal_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let sound = sound();
    for case in cases() {
        let windows = windows(&case.checkpoint, &sound);
        let p = expected(&case, &windows, at);
        let file = at.join("network.pt");
        export(&case.checkpoint, Format::TorchScript, &file).unwrap();
        let _exclusive = exclusive();
        let module = CModule::load(&file).unwrap();
        let chosen = &windows[case.first..case.first + p.len()];
        for (count, from) in [(p.len(), 0), (1, 1), (1, 2)] {
            let rows = tch::no_grad(|| run(&module, &case, &chosen[from..from + count]));
            for (row, expected) in rows.iter().zip(&p[from..]) {
                for (a, b) in row.iter().zip(expected) {
                    assert!((a - b).abs() < TOLERANCE, "{}: {a} and {b}", case.name);
                }
            }
        }
        let description = extra_file(&file, &format!("{DESCRIPTION_KEY}.json"));
        assert_eq!(description["name"], case.name);
        assert_eq!(description["frontend"]["hop_samples"], 315);
    }
}

/// Probabilities of a loaded TorchScript network, windows × horizons.
fn run(module: &CModule, case: &Case, windows: &[Window]) -> Vec<Vec<f32>> {
    let values: Vec<f32> = windows.iter().flat_map(|w| w.log_mel.to_vec()).collect();
    let frames = (windows[0].log_mel.len() / 80) as i64;
    let log_mel = Tensor::from_slice(&values).reshape([windows.len() as i64, frames, 80]);
    let numbers: Vec<i64> = windows.iter().map(|w| w.seq() as i64).collect();
    let mut inputs = vec![IValue::Tensor(log_mel)];
    if case.checkpoint.metadata.alternating {
        inputs.push(IValue::Tensor(Tensor::from_slice(&numbers)));
    }
    let p = match module.forward_is(&inputs).unwrap() {
        IValue::Tensor(p) => p,
        other => panic!("no tensor but {other:?}"),
    };
    let horizons = p.size()[1] as usize;
    float_values(&p)
        .chunks(horizons)
        .map(<[f32]>::to_vec)
        .collect()
}

/// An extra file of a TorchScript archive, as `torch.jit.load` finds it.
fn extra_file(archive: &Path, name: &str) -> Value {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    let suffix = format!("/extra/{name}");
    let path = archive
        .file_names()
        .find(|n| n.ends_with(&suffix))
        .unwrap()
        .to_owned();
    let file = archive.by_name(&path).unwrap();
    serde_json::from_reader(file).unwrap()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
