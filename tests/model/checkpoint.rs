//! A checkpoint is read whole or refused with one sentence that names the file and the problem.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Value, json};
use vocald::decision::OperatingPoint;
use vocald::frontend::{Window, WindowLength};
use vocald::inference::{ComputeDevice, ComputePrecision, Engine};
use vocald::model::{
    Architecture, Checkpoint, Depth, Family, FrontendSettings, LevelMode, Metadata, Normalisation,
};

use crate::support::untrained::drawn;

type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

fn good() -> Checkpoint {
    let architecture = Architecture {
        family: Family::SeResNet(Depth::D14),
        members: 1,
        horizons: 2,
        speech: false,
    };
    Checkpoint {
        metadata: Metadata {
            format_version: 1,
            name: "test".into(),
            architecture: "se_resnet".into(),
            depth: Some(14),
            members: 1,
            alternating: false,
            frontend: FrontendSettings::of(WindowLength::FRAMES_80),
            level: LevelMode::Absolute,
            horizons_frames: vec![39, 7],
            overlap_averaging: false,
            operating_points: vec![OperatingPoint::around(0.5); 2],
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
        weights: drawn(architecture, 1),
    }
}

/// [`good`] as it is written.
fn good_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = Folder::new();
        good().write(&folder.path()).unwrap();
        std::fs::read(folder.path()).unwrap()
    })
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("model.safetensors")
    }

    /// A good file, taken apart, changed and written again.
    fn changed(&self, change: impl FnOnce(&mut Tensors, &mut Value)) -> PathBuf {
        let path = self.path();
        let bytes = good_file();
        let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
        let mut metadata: Value =
            serde_json::from_str(&header.metadata().as_ref().unwrap()["vocald"]).unwrap();
        let mut tensors: Tensors = SafeTensors::deserialize(bytes)
            .unwrap()
            .iter()
            .map(|(n, v)| {
                (
                    n.to_owned(),
                    v.dtype(),
                    v.shape().to_vec(),
                    v.data().to_vec(),
                )
            })
            .collect();
        change(&mut tensors, &mut metadata);
        write(&path, &tensors, Some(metadata.to_string()));
        path
    }
}

fn write(path: &Path, tensors: &Tensors, metadata: Option<String>) {
    let views = tensors
        .iter()
        .map(|(n, d, s, b)| (n.as_str(), TensorView::new(*d, s.clone(), b).unwrap()));
    let metadata = metadata.map(|m| HashMap::from([("vocald".to_string(), m)]));
    std::fs::write(path, serialize(views, metadata).unwrap()).unwrap();
}

fn find<'a>(tensors: &'a mut Tensors, name: &str) -> &'a mut (String, Dtype, Vec<usize>, Vec<u8>) {
    tensors.iter_mut().find(|t| t.0 == name).unwrap()
}

/// The one sentence, without the path it must begin with.
fn refusal(path: &Path) -> String {
    let text = Checkpoint::read(path).err().expect("refused").to_string();
    assert!(
        text.contains(&path.display().to_string()),
        "names the file: {text}"
    );
    assert_eq!(text.lines().count(), 1, "one sentence: {text}");
    text
}

fn assert_refused(change: impl FnOnce(&mut Tensors, &mut Value), fault: &str) {
    let folder = Folder::new();
    let text = refusal(&folder.changed(change));
    assert!(text.contains(fault), "`{fault}` in: {text}");
}

#[test]
fn what_is_written_is_read_again() {
    let folder = Folder::new();
    let written = good();
    written.write(&folder.path()).unwrap();
    let read = Checkpoint::read(&folder.path()).unwrap();
    assert_eq!(read.metadata, written.metadata);
    assert_eq!(read.normalisation, written.normalisation);
    assert_eq!(read.architecture, written.architecture);
    for (name, tensor) in &written.weights {
        assert_eq!(&read.weights[name], tensor, "{name}");
    }
}

#[test]
fn an_unchanged_copy_is_accepted() {
    let folder = Folder::new();
    assert!(Checkpoint::read(&folder.changed(|_, _| ())).is_ok());
}

#[test]
fn files_that_are_no_checkpoint() {
    let folder = Folder::new();
    let path = folder.path();
    let missing = refusal(&path);
    assert!(missing.contains("cannot read the checkpoint"), "{missing}");
    for content in [&b""[..], b"not a checkpoint at all", &[0xff; 64]] {
        std::fs::write(&path, content).unwrap();
        assert!(refusal(&path).contains("truncated, damaged or not a safetensors file"));
    }
    assert!(Checkpoint::read(folder.0.path()).is_err(), "a folder");
    write(&path, &vec![], None);
    assert!(refusal(&path).contains("was not made by vocald"));
}

#[test]
fn a_truncation_anywhere_is_noticed() {
    let folder = Folder::new();
    let path = folder.path();
    let bytes = good_file();
    for length in [1, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(refusal(&path).contains("truncated"), "{length} bytes");
    }
}

#[test]
fn metadata_that_does_not_fit() {
    assert_refused(|_, m| m["format_version"] = json!(2), "is of format 2");
    assert_refused(
        |_, m| m["architecture"] = json!("transformer"),
        "`transformer`",
    );
    assert_refused(|_, m| m["depth"] = json!(15), "depth 15");
    assert_refused(
        |_, m| m["frontend"]["hop_samples"] = json!(256),
        "other numbers",
    );
    assert_refused(
        |_, m| m["frontend"]["log_floor"] = json!(1e-4),
        "other numbers",
    );
    assert_refused(|_, m| m["horizons_frames"] = json!([]), "horizons []");
    assert_refused(
        |_, m| m["horizons_frames"] = json!([7, 39]),
        "horizons [7, 39]",
    );
    assert_refused(
        |_, m| m["horizons_frames"] = json!([80, 7]),
        "horizons [80, 7]",
    );
    assert_refused(
        |_, m| m["default_horizon_frames"] = json!(20),
        "20 as default horizon",
    );
    assert_refused(
        |_, m| m["operating_points"] = json!([]),
        "one operating point for each",
    );
    assert_refused(
        |_, m| m["operating_points"][0]["threshold"] = json!(1.5),
        "impossible operating point",
    );
    assert_refused(|_, m| m["extra"] = json!(1), "does not understand");
    assert_refused(
        |_, m| {
            m.as_object_mut().unwrap().remove("license");
        },
        "does not understand",
    );
}

fn good_scnn() -> Checkpoint {
    let architecture = Architecture {
        family: Family::Scnn,
        members: 1,
        horizons: 2,
        speech: false,
    };
    let mut checkpoint = good();
    checkpoint.metadata.architecture = "scnn".into();
    checkpoint.metadata.depth = None;
    checkpoint.metadata.frontend = FrontendSettings::of(WindowLength::FRAMES_115);
    checkpoint.metadata.horizons_frames = vec![114, 7];
    checkpoint.architecture = architecture;
    checkpoint.weights = drawn(architecture, 1);
    checkpoint
}

#[test]
fn an_scnn_is_read_as_it_was_written() {
    let folder = Folder::new();
    let written = good_scnn();
    written.write(&folder.path()).unwrap();
    let read = Checkpoint::read(&folder.path()).unwrap();
    assert_eq!(read.metadata, written.metadata);
    assert_eq!(read.architecture, written.architecture);
    for (name, tensor) in &written.weights {
        assert_eq!(&read.weights[name], tensor, "{name}");
    }
    let window = Engine::new(read, ComputeDevice::Cpu, ComputePrecision::Float32)
        .unwrap()
        .window();
    assert_eq!(window, WindowLength::FRAMES_115);
}

fn good_bilstm() -> Checkpoint {
    let architecture = Architecture {
        family: Family::BiLstm,
        members: 1,
        horizons: 1,
        speech: false,
    };
    let mut checkpoint = good();
    checkpoint.metadata.architecture = "bilstm".into();
    checkpoint.metadata.depth = None;
    checkpoint.metadata.frontend = FrontendSettings::of_features(Family::BiLstm.features());
    checkpoint.metadata.horizons_frames = vec![768];
    checkpoint.metadata.default_horizon_frames = 768;
    checkpoint.metadata.operating_points.truncate(1);
    checkpoint.architecture = architecture;
    checkpoint.weights = drawn(architecture, 1);
    checkpoint
}

#[test]
fn a_bilstm_is_read_as_it_was_written_and_not_for_live_sound() {
    let folder = Folder::new();
    let written = good_bilstm();
    written.write(&folder.path()).unwrap();
    let read = Checkpoint::read(&folder.path()).unwrap();
    assert_eq!(read.metadata, written.metadata);
    assert_eq!(read.architecture, written.architecture);
    assert_eq!(read.weights.len(), 3 * 2 * 4 + 2);
    for (name, tensor) in &written.weights {
        assert_eq!(&read.weights[name], tensor, "{name}");
    }
    let refused = Engine::new(read, ComputeDevice::Cpu, ComputePrecision::Float32)
        .err()
        .unwrap();
    assert!(refused.to_string().contains("cannot listen live"));
}

#[test]
fn a_bilstm_that_does_not_fit() {
    let refused = |change: &dyn Fn(&mut Checkpoint), fault: &str| {
        let folder = Folder::new();
        let mut checkpoint = good_bilstm();
        change(&mut checkpoint);
        checkpoint.write(&folder.path()).unwrap();
        let text = refusal(&folder.path());
        assert!(text.contains(fault), "`{fault}` in: {text}");
    };
    refused(&|c| c.metadata.depth = Some(3), "depth 3, but bilstm");
    refused(
        &|c| c.metadata.frontend = FrontendSettings::of(WindowLength::FRAMES_80),
        "other numbers",
    );
    refused(
        &|c| c.metadata.frontend.separation.as_mut().unwrap().iterations = 30,
        "other numbers",
    );
    refused(&|c| c.metadata.frontend.separation = None, "other numbers");
    // It has no other look-ahead than its own.
    refused(
        &|c| c.metadata.horizons_frames = vec![39],
        "nothing but 768",
    );
    refused(
        &|c| {
            let weight = c.weights.get_mut("layers.1.backward.weight_hh").unwrap();
            let _ = weight.get(0).fill_(f64::NAN);
        },
        "not finite",
    );
    // A network is what its tensors are, whatever it is called.
    refused(
        &|c| {
            c.architecture = good().architecture;
            c.weights = good().weights;
        },
        "lacks the tensor `layers.0.forward.weight_ih`",
    );
    // Mel networks are not separated.
    let folder = Folder::new();
    let mut separated = good();
    separated.metadata.frontend = good_bilstm().metadata.frontend;
    separated.write(&folder.path()).unwrap();
    assert!(refusal(&folder.path()).contains("other numbers"));
}

#[test]
fn an_scnn_that_does_not_fit() {
    let refused = |change: &dyn Fn(&mut Checkpoint), fault: &str| {
        let folder = Folder::new();
        let mut checkpoint = good_scnn();
        change(&mut checkpoint);
        checkpoint.write(&folder.path()).unwrap();
        let text = refusal(&folder.path());
        assert!(text.contains(fault), "`{fault}` in: {text}");
    };
    refused(&|c| c.metadata.depth = Some(14), "depth 14, but scnn");
    refused(
        &|c| c.metadata.frontend = FrontendSettings::of(WindowLength::FRAMES_80),
        "other numbers",
    );
    refused(
        &|c| c.metadata.horizons_frames = vec![115, 7],
        "falling numbers below 115",
    );
    refused(
        &|c| c.metadata.architecture = "se_resnet".into(),
        "no depth, which se_resnet needs",
    );
    refused(
        &|c| {
            let dense = c.weights.get_mut("dense.0.linear.weight").unwrap();
            let _ = dense.get(0).fill_(f64::NAN);
        },
        "not finite",
    );
    // A network is what its tensors are, whatever it is called.
    refused(
        &|c| {
            c.metadata = good().metadata;
        },
        "lacks the tensor `stem.conv.weight`",
    );
}

#[test]
fn every_shipped_checkpoint_is_written_as_it_was_read_and_has_a_card() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut checked = Vec::new();
    for entry in std::fs::read_dir(models).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "safetensors") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        written_as_read(&path, &name);
        let card = std::fs::read_to_string(path.with_extension("md")).unwrap();
        assert!(card.starts_with(&format!("# {name}\n")), "{name}");
        checked.push(name);
    }
    assert!(checked.contains(&"live-wide".to_owned()), "{checked:?}");
}

fn written_as_read(shipped: &Path, name: &str) {
    let folder = Folder::new();
    let checkpoint = Checkpoint::read(shipped).unwrap();
    assert_eq!(checkpoint.metadata.name, name);
    checkpoint.write(&folder.path()).unwrap();
    let (before, after) = (
        std::fs::read(shipped).unwrap(),
        std::fs::read(folder.path()).unwrap(),
    );
    let metadata = |bytes: &[u8]| -> Value {
        let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
        let text = &header.metadata().as_ref().unwrap()["vocald"];
        let mut value: Value = serde_json::from_str(text).unwrap();
        // Numbers with seventeen digits are read to the last but one.
        value.as_object_mut().unwrap().remove("figures");
        value
    };
    assert_eq!(metadata(&before), metadata(&after));
    let (before, after) = (
        SafeTensors::deserialize(&before).unwrap(),
        SafeTensors::deserialize(&after).unwrap(),
    );
    assert_eq!(before.len(), after.len());
    for (name, tensor) in before.iter() {
        let same = tensor.data() == after.tensor(name).unwrap().data();
        assert!(same, "{name}, byte for byte");
    }
}

#[test]
fn another_depth_or_number_of_horizons() {
    assert_refused(|_, m| m["depth"] = json!(18), "lacks the tensor");
    assert_refused(
        |_, m| m["depth"] = json!(50),
        "where [64, 64, 1, 1] is needed",
    );
    assert_refused(
        |_, m| {
            m["horizons_frames"] = json!([7]);
            m["operating_points"] = json!([m["operating_points"][0]]);
        },
        "`head.weight` of shape [4, 256]",
    );
}

#[test]
fn tensors_that_are_missing_extra_or_of_another_form() {
    assert_refused(
        |t, _| t.retain(|t| t.0 != "stages.1.0.conv1.weight"),
        "stages.1.0.conv1",
    );
    assert_refused(
        |t, _| t.retain(|t| t.0 != "mean"),
        "lacks the tensor `mean`",
    );
    assert_refused(
        |t, _| t.push(("surplus".into(), Dtype::F32, vec![1], vec![0; 4])),
        "a tensor `surplus`",
    );
    assert_refused(
        |t, _| find(t, "stem.conv.weight").2 = vec![64, 1, 49],
        "[64, 1, 49]",
    );
    assert_refused(
        |t, _| {
            let head = find(t, "head.bias");
            head.1 = Dtype::I32;
        },
        "I32 instead of floats of 32 or 16 bits",
    );
}

#[test]
fn numbers_that_cannot_be_right() {
    let set = |name: &'static str, value: f32| {
        move |t: &mut Tensors, _: &mut Value| {
            find(t, name).3[..4].copy_from_slice(&value.to_le_bytes());
        }
    };
    assert_refused(set("stem.conv.weight", f32::NAN), "not finite");
    assert_refused(set("head.bias", f32::INFINITY), "not finite");
    assert_refused(set("mean", f32::NEG_INFINITY), "not finite");
    assert_refused(set("std", 0.0), "`std` below");
    assert_refused(set("std", -1.0), "`std` below");
    assert_refused(set("stem.norm.running_var", -0.5), "negative variance");
}

#[test]
fn denormal_weights_become_zero_when_read_and_when_written() {
    let folder = Folder::new();
    let weights = good();
    let _ = weights.weights["stem.conv.weight"]
        .shallow_clone()
        .fill_(1e-40);
    let written = folder.path();
    weights.write(&written).unwrap();
    let bytes = std::fs::read(&written).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let kernel = file.tensor("stem.conv.weight").unwrap();
    assert!(kernel.data().iter().all(|byte| *byte == 0));

    let path = folder.changed(|t, _| {
        find(t, "stem.conv.weight").3[..4].copy_from_slice(&1e-40f32.to_le_bytes());
    });
    let weight = &Checkpoint::read(&path).unwrap().weights["stem.conv.weight"];
    assert_eq!(weight.double_value(&[0, 0, 0, 0]), 0.0);
}

#[test]
fn an_engine_refuses_windows_of_another_size() {
    let mut engine = Engine::new(good(), ComputeDevice::Cpu, ComputePrecision::Float32).unwrap();
    let short = Window::synthetic(0, vec![0.0f32; 6399].into());
    let text = engine.infer(&[&short]).unwrap_err().to_string();
    assert!(text.contains("6399 values"), "{text}");
}

#[test]
fn a_cuda_device_that_is_not_there_is_named() {
    let text = Engine::new(good(), ComputeDevice::Cuda(99), ComputePrecision::Float32)
        .err()
        .unwrap()
        .to_string();
    assert!(
        text.contains("cuda:99") && text.contains("--device cpu"),
        "{text}"
    );
}

#[test]
fn weights_of_16_bits_take_half_the_file_and_come_back_as_they_were() {
    let mut checkpoint = good();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (whole, half) = (path("whole.safetensors"), path("half.safetensors"));
    checkpoint.write(&whole).unwrap();
    checkpoint.round_to_half();
    checkpoint.write(&half).unwrap();

    let size = |path: &Path| std::fs::metadata(path).unwrap().len() as f64;
    let share = size(&half) / size(&whole);
    assert!((0.5..0.52).contains(&share), "{share}");
    let (read, unrounded) = (
        Checkpoint::read(&half).unwrap(),
        Checkpoint::read(&whole).unwrap(),
    );
    for (name, weight) in &checkpoint.weights {
        assert_eq!(&read.weights[name], weight, "{name}");
        let error = (weight - &unrounded.weights[name]).abs().max();
        let largest = unrounded.weights[name].abs().max();
        assert!(
            error.double_value(&[]) <= largest.double_value(&[]) / 2048.0,
            "{name}"
        );
    }
    // Batch normalisation and bands keep all their bits.
    let bytes = std::fs::read(&half).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let dtype = |name: &str| file.tensor(name).unwrap().dtype();
    assert_eq!(dtype("stem.conv.weight"), Dtype::F16);
    for name in ["stem.norm.weight", "head.bias", "mean"] {
        assert_eq!(dtype(name), Dtype::F32, "{name}");
    }
}
