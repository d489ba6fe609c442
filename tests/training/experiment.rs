//! The experiments that come with the program.

use std::path::Path;

use vocald::model::{Depth, Family};
use vocald::trainer::experiment::{Augmentation, CorpusKind, Experiment};

#[test]
fn the_papers_recipe_is_had_by_name() {
    for (name, kinds) in [
        ("paper-mir1k", vec![CorpusKind::Mir1k]),
        ("paper-jamendo", vec![CorpusKind::Jamendo]),
        ("paper-rwc", vec![CorpusKind::Rwc]),
        (
            "paper-jrm",
            vec![CorpusKind::Jamendo, CorpusKind::Rwc, CorpusKind::Mir1k],
        ),
    ] {
        let experiment = Experiment::read(Path::new(name)).unwrap();
        let t = &experiment.training;
        assert_eq!(experiment.name, name);
        // The label of the centre frame, and nothing done to the sound.
        assert_eq!(experiment.horizons_frames, [39]);
        assert_eq!(
            toml::to_string(&experiment.augmentation).unwrap(),
            toml::to_string(&vocald::trainer::experiment::Augmentation::default()).unwrap()
        );
        assert_eq!((t.max_epochs, t.patience_epochs), (100, 5));
        assert_eq!((t.learning_rate_epochs, t.weight_decay), (10, 1e-4));
        assert_eq!((t.label_smoothing, t.average_decay), (0.0, 0.0));
        let of: Vec<_> = experiment.corpus.iter().map(|c| c.kind).collect();
        assert_eq!(of, kinds);
    }
}

#[test]
fn the_papers_recipe_takes_either_network_at_its_own_centre() {
    let paper = || Experiment::read(Path::new("paper-mir1k")).unwrap();
    let deeper = paper().with_family(Family::SeResNet(Depth::D101)).unwrap();
    assert_eq!(
        (deeper.name.as_str(), deeper.depth, &*deeper.horizons_frames),
        ("paper-mir1k-101", Some(101), &[39][..])
    );
    let scnn = paper().with_family(Family::Scnn).unwrap();
    assert_eq!(
        (scnn.name.as_str(), scnn.depth, &*scnn.horizons_frames),
        ("paper-mir1k-scnn", None, &[57][..])
    );
    assert_eq!(scnn.default_horizon_frames(), 57);
    assert_eq!(scnn.architecture().unwrap().family, Family::Scnn);
}

#[test]
fn the_bilstm_takes_the_papers_recipe_with_every_frame_labelled_and_as_much_sound() {
    let paper = || Experiment::read(Path::new("paper-mir1k")).unwrap();
    let bilstm = paper().with_family(Family::BiLstm).unwrap();
    assert_eq!(
        (bilstm.name.as_str(), bilstm.depth, &*bilstm.horizons_frames),
        ("paper-mir1k-bilstm", None, &[768][..])
    );
    assert_eq!(bilstm.default_horizon_frames(), 768);
    // 74 minutes in sequences of 3.5 s that overlap by half.
    let t = &bilstm.training;
    assert_eq!((t.epoch_batches, t.batch_windows), (40, 64));
    let hop_s = 109.0 * 0.016;
    let minutes = (t.epoch_batches * t.batch_windows) as f64 * hop_s / 60.0;
    assert!((minutes - 74.0).abs() < 1.0, "{minutes}");
    // And back again.
    let scnn = bilstm.with_family(Family::Scnn).unwrap();
    assert_eq!(scnn.horizons_frames, [57]);

    // What cannot be done to a recording that is separated is refused, not left out.
    let refused = |change: &dyn Fn(&mut Experiment), fault: &str| {
        let mut experiment = paper();
        change(&mut experiment);
        let text = experiment.with_family(Family::BiLstm).unwrap_err();
        assert!(text.contains(fault), "`{fault}` in: {text}");
    };
    type Change = fn(&mut Augmentation);
    let changes: [(&str, Change); 11] = [
        ("stretch", |a| a.stretch = 0.1),
        ("pitch", |a| a.pitch = 0.1),
        ("shift_bands", |a| a.shift_bands = 1.0),
        ("gain_db", |a| a.gain_db = 1.0),
        ("equaliser_db", |a| a.equaliser_db = 1.0),
        ("lowpass_fraction", |a| a.lowpass_fraction = 0.1),
        ("noise_fraction", |a| a.noise_fraction = 0.1),
        ("mask_fraction", |a| a.mask_fraction = 0.1),
        ("remix_fraction", |a| a.remix_fraction = 0.1),
        ("swap_fraction", |a| a.swap_fraction = 0.1),
        ("drop_voice_fraction", |a| a.drop_voice_fraction = 0.1),
    ];
    for (name, change) in changes {
        let fault = format!("augmentation.{name} changes mel bands");
        refused(&|e| change(&mut e.augmentation), &fault);
    }
    for kind in [CorpusKind::Solo, CorpusKind::Leads] {
        refused(&|e| e.corpus[0].kind = kind, "laid over other music");
    }
    refused(
        &|e| e.horizons_frames = vec![39, 7],
        "give nothing but 768, or leave it out",
    );
}

#[test]
fn an_experiment_names_its_network_and_may_leave_the_horizon_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    let read = |network: &str| {
        let text = include_str!("../../config/experiments/paper-mir1k.toml")
            .replace("depth = 50", network)
            .replace("horizons_frames = [39]", "")
            .replace("default_horizon_frames = 39", "");
        std::fs::write(&path, text).unwrap();
        Experiment::read(&path).map_err(|e| e.to_string())
    };
    for (network, centre) in [("architecture = \"scnn\"", 57), ("depth = 14", 39)] {
        let experiment = read(network).unwrap();
        assert_eq!(experiment.horizons_frames, [centre]);
        assert_eq!(experiment.default_horizon_frames(), centre);
    }
    for (network, fault) in [
        ("", "no depth"),
        ("architecture = \"cnn\"", "unknown architecture `cnn`"),
        ("architecture = \"scnn\"\ndepth = 14", "depth 14, but scnn"),
        (
            "architecture = \"scnn\"\nhorizons_frames = [115]",
            "below 115",
        ),
    ] {
        let text = read(network).unwrap_err();
        assert!(text.contains(fault), "`{fault}` in: {text}");
    }
}

#[test]
fn every_experiment_in_the_repository_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/experiments");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let experiment = Experiment::read(&path).unwrap();
            assert_eq!(experiment.name, path.file_stem().unwrap().to_str().unwrap());
            read += 1;
        }
    }
    assert!(read >= 8, "{read}");
}

#[test]
fn an_experiment_that_is_not_there_is_told_with_those_that_are() {
    let text = Experiment::read(Path::new("paper-mir2k"))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("paper-mir2k") && text.contains("paper-mir1k"),
        "{text}"
    );
}
