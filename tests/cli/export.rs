//! `vocald export`: what it writes, prints and refuses. Its numbers are tested in `tests/model/export.rs`.

use vocald::decision::OperatingPoint;
use vocald::model::{Architecture, Checkpoint, Family, FrontendSettings, LevelMode, Normalisation};

use crate::support::program::{model, run, vocald};
use crate::support::untrained::drawn;

#[test]
fn export_writes_both_formats_and_prints_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    for (format, file, expected) in [
        ("onnx", "a.onnx", "a.onnx: untrained, ONNX, opset 17\n"),
        ("torchscript", "a.pt", "a.pt: untrained, TorchScript\n"),
    ] {
        let mut command = vocald("export");
        command
            .arg(model())
            .args(["--format", format, "--out", file]);
        let output = run(command.current_dir(folder.path()));
        assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
        assert_eq!(output.out, expected);
        let bytes = std::fs::metadata(folder.path().join(file)).unwrap().len();
        assert!(bytes > 11_000_000, "{file} has {bytes} bytes");
    }
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 2, "nothing else is left");
}

#[test]
fn a_network_of_recordings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let architecture = Architecture {
        family: Family::BiLstm,
        members: 1,
        horizons: 1,
        speech: false,
    };
    let features = architecture.features();
    let mut checkpoint = Checkpoint::read(model()).unwrap();
    let metadata = &mut checkpoint.metadata;
    (metadata.architecture, metadata.depth) = ("bilstm".into(), None);
    metadata.frontend = FrontendSettings::of_features(features);
    metadata.horizons_frames = vec![features.default_horizon_frames()];
    metadata.default_horizon_frames = features.default_horizon_frames();
    metadata.operating_points = vec![OperatingPoint::around(0.5)];
    checkpoint.architecture = metadata.validate().unwrap();
    checkpoint.normalisation = Normalisation {
        level: LevelMode::Absolute,
        mean: [0.0; 80],
        std: [1.0; 80],
    };
    checkpoint.weights = drawn(architecture, 1);
    checkpoint.write(&at.join("b.safetensors")).unwrap();
    let mut command = vocald("export b.safetensors --out b.onnx");
    let output = run(command.current_dir(at));
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("separated first"), "{}", output.err);
    assert_eq!(output.err.lines().count(), 1, "{}", output.err);
    assert!(!at.join("b.onnx").exists());
}

#[test]
fn a_folder_is_no_file_to_write() {
    let output = run(&mut vocald("export --out ."));
    assert_eq!(output.code, Some(2));
    assert!(output.err.contains("name a file"), "{}", output.err);
}
