//! The experiments that come with the program.

use std::path::Path;

use vocald::trainer::experiment::{CorpusKind, Experiment};

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
