//! The network against an independent PyTorch model with the same weights
//! (tests/reference/README.md), by way of a checkpoint file.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize_to_file};
use tch::{Device, Tensor};
use vocald::decision::OperatingPoint;
use vocald::frontend::Window;
use vocald::inference::{ComputeDevice, ComputePrecision, Engine};
use vocald::model::float_values;
use vocald::model::metadata::FORMAT_VERSION;
use vocald::model::{Checkpoint, Depth, Family, FrontendSettings, LevelMode, Metadata};

const TOLERANCE: f64 = 1e-5;

#[test]
fn basic_blocks_equal_pytorch() {
    compare(
        Family::SeResNet(Depth::D14),
        include_bytes!("../reference/se_resnet_14.safetensors"),
    );
}

#[test]
fn bottleneck_blocks_equal_pytorch() {
    compare(
        Family::SeResNet(Depth::D50),
        include_bytes!("../reference/se_resnet_50.safetensors"),
    );
}

#[test]
fn scnn_equals_pytorch() {
    compare(
        Family::Scnn,
        include_bytes!("../reference/scnn.safetensors"),
    );
}

#[test]
fn bilstm_equals_pytorch() {
    let (golden, folder) = Golden::read(
        Family::BiLstm,
        include_bytes!("../reference/bilstm.safetensors"),
    );
    let checkpoint = Checkpoint::read(&folder.path().join(FILE)).unwrap();
    let normalised: Vec<f32> = golden
        .windows
        .iter()
        .enumerate()
        .map(|(i, x)| {
            let band = i % 80;
            (x - checkpoint.normalisation.mean[band]) / checkpoint.normalisation.std[band]
        })
        .collect();
    let input = Tensor::from_slice(&normalised).reshape([3, 1, 218, 80]);
    let network = checkpoint.network(Device::Cpu);
    let ours = tch::no_grad(|| network.probabilities(&input));
    assert_eq!(ours.size(), [3, 218]);
    golden.compare(Family::BiLstm, &float_values(&ours));
    // The outputs differ from frame to frame: it is not the bias alone that is compared.
    let spread = ours.max().double_value(&[]) - ours.min().double_value(&[]);
    assert!(spread > 0.02, "{spread}");
}

fn compare(family: Family, fixture: &[u8]) {
    let (golden, folder) = Golden::read(family, fixture);
    let windows: Vec<Window> = (golden.windows)
        .chunks_exact(family.features().values())
        .map(|log_mel| Window::synthetic(0, log_mel.into()))
        .collect();
    let windows: Vec<&Window> = windows.iter().collect();
    let mut engine = Engine::load(
        Some(&folder.path().join(FILE)),
        ComputeDevice::Cpu,
        ComputePrecision::Float32,
    )
    .unwrap();
    let together = engine.infer(&windows).unwrap();
    assert_eq!(together.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);
    golden.compare(family, &together.concat());
}

/// The checkpoint of a fixture, in the folder that it is made in.
const FILE: &str = "golden.safetensors";

struct Golden {
    windows: Vec<f32>,
    probabilities: Vec<f64>,
}

impl Golden {
    fn read(family: Family, fixture: &[u8]) -> (Self, tempfile::TempDir) {
        let (_, header) = SafeTensors::read_metadata(fixture).unwrap();
        let shapes = &header.metadata().as_ref().unwrap()["shapes"];
        let shapes: BTreeMap<String, Vec<usize>> = serde_json::from_str(shapes).unwrap();
        let fixture = SafeTensors::deserialize(fixture).unwrap();
        let windows = (fixture.tensor("windows").unwrap().data())
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        let probabilities = (fixture.tensor("probabilities").unwrap().data())
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        write_checkpoint(&folder.path().join(FILE), family, &shapes);
        (
            Self {
                windows,
                probabilities,
            },
            folder,
        )
    }

    fn compare(&self, family: Family, ours: &[f32]) {
        assert_eq!(ours.len(), self.probabilities.len());
        let apart = ours
            .iter()
            .zip(&self.probabilities)
            .map(|(ours, theirs)| (f64::from(*ours) - theirs).abs())
            .fold(0.0, f64::max);
        println!("{family}: {apart:e} apart");
        let golden = &self.probabilities;
        assert!(apart < TOLERANCE, "{ours:?}, but PyTorch says {golden:?}");
    }
}

fn write_checkpoint(path: &Path, family: Family, shapes: &BTreeMap<String, Vec<usize>>) {
    let horizons_frames = match family {
        Family::BiLstm => vec![768],
        _ => vec![39, 7],
    };
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        name: format!("golden {family}"),
        architecture: family.name().into(),
        depth: family.depth(),
        members: 1,
        alternating: false,
        frontend: FrontendSettings::of_features(family.features()),
        overlap_averaging: false,
        operating_points: vec![OperatingPoint::around(0.5); horizons_frames.len()],
        speech: None,
        default_horizon_frames: horizons_frames[0],
        level: LevelMode::Absolute,
        horizons_frames,
        trained_on: Vec::new(),
        figures: BTreeMap::new(),
        license: "none: the weights are noise".into(),
    };
    let bytes: BTreeMap<&str, Vec<u8>> = shapes
        .iter()
        .map(|(name, shape)| {
            let values = generated(name, shape);
            (
                name.as_str(),
                values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    let views = shapes.iter().map(|(name, shape)| {
        (
            name,
            TensorView::new(Dtype::F32, shape.clone(), &bytes[name.as_str()]).unwrap(),
        )
    });
    let json = serde_json::to_string(&metadata).unwrap();
    serialize_to_file(views, Some(HashMap::from([("vocald".into(), json)])), path).unwrap();
}

/// A tensor's values by its name, as `generated` of tests/reference/make_fixtures.py makes them.
fn generated(name: &str, shape: &[usize]) -> Vec<f32> {
    let fan_in: usize = shape[1..].iter().product();
    let (centre, spread) = match name {
        "mean" => (-2.0, 1.0),
        "std" => (2.0, 0.5),
        _ if name.ends_with(".running_var") => (1.5, 0.5),
        _ if name.ends_with(".running_mean") || name.contains(".bias") => (0.0, 0.1),
        _ if shape.len() == 1 => (1.0, 0.5),
        _ => (0.0, (6.0 / fan_in as f64).sqrt()),
    };
    let count = shape.iter().product::<usize>() as u64;
    let seed = fnv1a_64(name);
    (1..=count)
        .map(|step| (centre + spread * noise(seed, step)) as f32)
        .collect()
}

fn fnv1a_64(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// A number in [-1, 1): step `step` of splitmix64.
fn noise(seed: u64, step: u64) -> f64 {
    let mut z = seed.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1u32 << 23) - 1.0
}
