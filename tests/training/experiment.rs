//! The experiments that come with the program, and experiments that extend others.

use std::fs;
use std::path::{Path, PathBuf};

use vocald::corpora::CorpusKind;
use vocald::corpora::folder::SongFolder;
use vocald::corpora::labels::LabelSettings;
use vocald::corpora::song_split::SongSplit;
use vocald::model::{Checkpoint, Depth, Family, LevelMode};
use vocald::training::experiment::identity::{fixed_part, other_settings};
use vocald::training::experiment::of_folder::FolderExperiment;
use vocald::training::experiment::{Augmentation, Experiment};

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
            toml::to_string(&vocald::training::experiment::Augmentation::default()).unwrap()
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
        let text = experiment
            .with_family(Family::BiLstm)
            .unwrap_err()
            .to_string();
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
    for kind in [CorpusKind::Solo, CorpusKind::LeadInstruments] {
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
        let text = include_str!("../../config/experiments/paper/mir1k.toml")
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

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/experiments")
}

/// The names in a folder, sorted.
fn names(folder: &Path, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

#[test]
fn every_recipe_can_be_read_and_names_its_steps_after_their_files() {
    let mut read = 0;
    for recipe in ["karaoke-14", "live-14", "live-pair", "live-wide", "paper"] {
        let folder = shipped().join(recipe);
        let files = names(&folder, ".toml");
        let is_step = |file: &&String| file.starts_with(|c: char| c.is_ascii_digit());
        let last = files.iter().rfind(is_step);
        for (place, file) in files.iter().filter(is_step).enumerate() {
            assert!(file.starts_with(&format!("{:02}-", place + 1)), "{file}");
        }
        for file in &files {
            let experiment = Experiment::read(&folder.join(file)).unwrap_or_else(|e| panic!("{e}"));
            let step = file.trim_end_matches(".toml");
            let step = step.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
            let name = match last {
                Some(last) if last == file => recipe.to_owned(),
                _ => format!("{recipe}-{step}"),
            };
            assert_eq!(experiment.name, name, "{file}");
            read += 1;
        }
    }
    assert_eq!(read, 36);
    let stray = names(&shipped(), ".toml");
    assert!(stray.is_empty(), "{stray:?} lie in no recipe's folder");
}

#[test]
fn the_files_of_live_pair_make_the_settings_that_it_was_trained_with() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/live-pair.toml");
    let resolved = Experiment::read(&shipped().join("live-pair/04-ensemble.toml")).unwrap();
    let golden = Experiment::read(&golden).unwrap();
    assert_eq!(
        toml::to_string(&resolved).unwrap(),
        toml::to_string(&golden).unwrap()
    );
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

/// Files of experiments that extend one another.
struct Files(tempfile::TempDir);

const BASE: &str = r#"
name = "base"
depth = 14
horizons_frames = [39, 7]
license = "CC0-1.0"
corpus = [
  { id = "clips", kind = "mir1k", root = "mir1k", weight = 0.5, voice_share = 0.9 },
  { kind = "stems", root = "a", weight = 0.2, exclude = ["x", "y"] },
  { kind = "stems", root = "b", weight = 0.3 },
]
[training]
seed = 1
batch_windows = 8
epoch_batches = 5
max_epochs = 2
patience_epochs = 5
learning_rate = 1e-3
learning_rate_epochs = 5
learning_rate_factor = 0.5
weight_decay = 1e-4
[augmentation]
stretch = 0.1
pitch = 0.2
"#;

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("base.toml", BASE);
        files
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> Result<Experiment, String> {
        Experiment::read(&self.0.path().join(name)).map_err(|e| e.to_string())
    }

    /// The experiment that extends the base by this.
    fn extended(&self, text: &str) -> Result<Experiment, String> {
        self.write("child.toml", &format!("extends = \"base.toml\"\n{text}"));
        self.read("child.toml")
    }
}

fn roots(experiment: &Experiment) -> Vec<&str> {
    let roots = experiment.corpus.iter().map(|c| c.root.to_str().unwrap());
    roots.collect()
}

#[test]
fn an_experiment_that_extends_another_holds_only_what_differs() {
    let files = Files::new();
    let base = files.read("base.toml").unwrap();
    let child = files
        .extended("name = \"child\"\nhorizons_frames = [39]\n[training]\nseed = 2\n[augmentation]\npitch = 0.0")
        .unwrap();
    let mut expected = base.clone();
    expected.name = "child".into();
    expected.horizons_frames = vec![39];
    expected.training.seed = 2;
    expected.augmentation.pitch = 0.0;
    assert_eq!(format!("{child:?}"), format!("{expected:?}"));

    // Nothing but a parent, from another folder, and through two files.
    files.write("below/same.toml", "extends = \"../child.toml\"");
    files.write(
        "last.toml",
        "extends = \"below/same.toml\"\n[training]\nseed = 3",
    );
    expected.training.seed = 3;
    let last = files.read("last.toml").unwrap();
    assert_eq!(format!("{last:?}"), format!("{expected:?}"));
    // Tables that are written as dotted keys merge the same.
    let dotted = files
        .extended("training.seed = 2\naugmentation = { pitch = 0.3 }")
        .unwrap();
    assert_eq!(
        (dotted.training.seed, dotted.training.batch_windows),
        (2, 8)
    );
    assert_eq!(
        (dotted.augmentation.pitch, dotted.augmentation.stretch),
        (0.3, 0.1)
    );
}

#[test]
fn an_extension_with_another_architecture_does_not_take_over_the_depth() {
    let files = Files::new();
    let scnn = files
        .extended("architecture = \"scnn\"\nhorizons_frames = []")
        .unwrap();
    assert_eq!(scnn.depth, None);
    let same = files.extended("architecture = \"se_resnet\"").unwrap();
    assert_eq!(same.depth, files.read("base.toml").unwrap().depth);
    assert!(same.depth.is_some());
}

#[test]
fn corpora_are_changed_added_and_removed_one_by_one() {
    let files = Files::new();
    let changed = files
        .extended(
            r#"corpus = [
                { id = "clips", weight = 0.7 },
                { kind = "solo", root = "before b", weight = 0.1 },
                { kind = "stems", root = "b", exclude = ["z"] },
                { id = "first end", kind = "solo", root = "end", weight = 0.1 },
                { id = "second end", kind = "solo", root = "end", weight = 0.2 },
            ]"#,
        )
        .unwrap();
    assert_eq!(
        roots(&changed),
        ["mir1k", "a", "before b", "b", "end", "end"]
    );
    let corpus = &changed.corpus;
    assert_eq!((corpus[0].weight, corpus[0].voice_share), (0.7, Some(0.9)));
    assert_eq!(corpus[1].exclude, ["x", "y"]);
    assert_eq!(
        (corpus[3].weight, &*corpus[3].exclude),
        (0.3, &["z".to_owned()][..])
    );

    // A corpus that goes leaves the others where they are; one with an id may move to another folder.
    let moved = files
        .extended(
            r#"corpus = [
                { kind = "stems", root = "new", weight = 0.1 },
                { kind = "stems", root = "a", remove = true },
                { id = "clips", root = "elsewhere" },
            ]"#,
        )
        .unwrap();
    assert_eq!(roots(&moved), ["elsewhere", "new", "b"]);

    // Written as [[corpus]], and by what a grandchild's parent has added.
    files.write(
        "grandchild.toml",
        "extends = \"child.toml\"\n[[corpus]]\nkind = \"stems\"\nroot = \"new\"\nremove = true",
    );
    assert_eq!(
        roots(&files.read("grandchild.toml").unwrap()),
        ["elsewhere", "b"]
    );
}

#[test]
fn what_is_wrong_with_an_extension_is_named_with_its_file() {
    let files = Files::new();
    for (text, problems) in [
        (
            "nme = \"x\"",
            &["child.toml", "line 2", "unknown field `nme`"][..],
        ),
        ("[training]\nsed = 1", &["child.toml", "line 3", "`sed`"]),
        (
            "[training]\nseed = \"x\"",
            &["child.toml", "line 3", "invalid type"],
        ),
        (
            "corpus = [{ id = \"clips\", wait = 1 }]",
            &["child.toml", "line 2", "`wait`"],
        ),
        (
            "corpus = [{ kind = \"solo\", root = \"c\" }]",
            &["child.toml", "line 2", "`weight`"],
        ),
        (
            "corpus = [{ id = \"clip\", weight = 1 }]",
            &["child.toml", "changes the corpus clip,", "base.toml"],
        ),
        (
            "corpus = [{ id = \"clip\", remove = true }]",
            &["child.toml", "removes the corpus clip,", "base.toml"],
        ),
        (
            "corpus = [{ kind = \"solo\", root = \"a\", remove = true }]",
            &["removes the corpus solo a,"],
        ),
        (
            "corpus = [{ id = \"clips\", remove = false }]",
            &["corpus clips", "`remove = true` alone"],
        ),
        (
            "corpus = [{ id = \"clips\", remove = true, weight = 1 }]",
            &["`remove = true` alone"],
        ),
        (
            "corpus = [{ id = \"clips\" }, { id = \"clips\" }]",
            &["two entries for the corpus clips"],
        ),
        (
            "corpus = [{ kind = \"solo\", root = \"c\", weight = 1 }, { kind = \"solo\", root = \"c\", weight = 1 }]",
            &["two entries for the corpus solo c"],
        ),
        (
            "corpus = [{ weight = 1 }]",
            &["child.toml", "with an id, or with a kind and a root"],
        ),
        ("corpus = [1]", &["child.toml", "must be a table"]),
        ("corpus = 1", &["child.toml", "line 2", "invalid type"]),
        (
            "corpus = [{ kind = \"stems\", root = \"a\", weight = -1 }]",
            &["child.toml", "must not be negative"],
        ),
        ("name =", &["child.toml", "line 2"]),
    ] {
        let told = files.extended(text).unwrap_err();
        for problem in problems {
            assert!(told.contains(problem), "`{problem}` of `{text}` in: {told}");
        }
    }

    // The parent's problems are the parent's.
    files.write("bad.toml", &BASE.replace("seed", "sed"));
    files.write("child.toml", "extends = \"bad.toml\"\n[training]\nseed = 1");
    let told = files.read("child.toml").unwrap_err();
    assert!(
        told.contains("bad.toml") && told.contains("`sed`"),
        "{told}"
    );
    let twins = BASE.replace("root = \"b\"", "root = \"a\"");
    files.write("twins.toml", &twins);
    assert_eq!(
        roots(&files.read("twins.toml").unwrap()),
        ["mir1k", "a", "a"]
    );
    files.write(
        "child.toml",
        "extends = \"twins.toml\"\ncorpus = [{ kind = \"stems\", root = \"a\", weight = 1 }]",
    );
    let told = files.read("child.toml").unwrap_err();
    assert!(
        told.contains("twins.toml has two corpora stems a"),
        "{told}"
    );

    // Nothing to extend.
    files.write("child.toml", "extends = \"gone.toml\"");
    let told = files.read("child.toml").unwrap_err();
    assert!(
        told.contains("child.toml: it extends") && told.contains("gone.toml"),
        "{told}"
    );
    files.write("child.toml", "extends = 1");
    assert!(
        files
            .read("child.toml")
            .unwrap_err()
            .contains("must be the path")
    );
    files.write(
        "remove.toml",
        &BASE.replace("weight = 0.3", "weight = 0.3, remove = true"),
    );
    let told = files.read("remove.toml").unwrap_err();
    assert!(told.contains("unknown field `remove`"), "{told}");
}

#[test]
fn an_experiment_cannot_extend_itself() {
    let files = Files::new();
    files.write("self.toml", "extends = \"self.toml\"");
    files.write("a.toml", "extends = \"b.toml\"");
    files.write("b.toml", "extends = \"below/c.toml\"");
    files.write("below/c.toml", "extends = \"../below/../a.toml\"");
    for (file, named) in [
        ("self.toml", &["self.toml extends "][..]),
        ("a.toml", &["b.toml extends ", "c.toml extends "]),
    ] {
        let told = files.read(file).unwrap_err();
        assert!(told.contains("it extends itself"), "{told}");
        for name in named {
            assert!(told.contains(name), "`{name}` in: {told}");
        }
    }
}

#[test]
fn missing_keys_are_named_all_at_once() {
    let files = Files::new();
    let without = BASE
        .replace("license = \"CC0-1.0\"", "")
        .replace("seed = 1", "")
        .replace("weight_decay = 1e-4", "")
        .replace("weight = 0.3", "");
    files.write("base.toml", &without);
    let told = files.read("base.toml").unwrap_err();
    let missing = "missing keys: license, training.seed, training.weight_decay, corpus.3.weight \
                   (docs/experiment-keys.md";
    assert!(
        told.contains("base.toml") && told.contains(missing),
        "{told}"
    );
    files.write("base.toml", &BASE.replace("seed = 1", ""));
    let told = files.read("base.toml").unwrap_err();
    for part in ["line 11", "missing field `seed`", "docs/experiment-keys.md"] {
        assert!(told.contains(part), "`{part}` in: {told}");
    }
    let without = BASE.replace("seed = 1", "").replace("depth = 14", "");
    files.write("base.toml", &without);
    let told = files.read("base.toml").unwrap_err();
    assert!(
        told.contains("missing keys: depth, training.seed ("),
        "{told}"
    );
}

#[test]
fn a_folder_gets_an_experiment_for_every_network_and_for_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c \"quoted\"", "d"] {
        fs::write(folder.path().join(format!("{name}.wav")), "").unwrap();
        fs::write(folder.path().join(format!("{name}.lab")), "0 1 gesang\n").unwrap();
    }
    let labels = LabelSettings {
        voice_words: vec!["gesang".into()],
        ..LabelSettings::default()
    };
    let of = |family, start: Option<&Checkpoint>| {
        let songs = SongFolder::find(folder.path(), labels.clone()).unwrap();
        let split = SongSplit::choose(&songs.songs).unwrap();
        let new = FolderExperiment::new(songs, &split, family, start).unwrap();
        let experiment = new.experiment(&[]).unwrap();
        assert_eq!(experiment.corpus[0].valid, split.valid);
        assert_eq!(experiment.corpus[0].labels, labels);
        assert!(experiment.corpus[0].root.is_absolute());
        experiment
    };
    let plain = of(None, None);
    assert_eq!((plain.depth, plain.default_horizon_frames()), (Some(14), 9));
    for family in [Family::SeResNet(Depth::D34), Family::Scnn, Family::BiLstm] {
        let experiment = of(Some(family), None);
        assert_eq!(experiment.architecture().unwrap().family, family);
        assert_eq!(
            experiment.name,
            format!("{}-{}", plain.name, family.short_name())
        );
    }
    let start = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/live-14.safetensors");
    let tuned = of(None, Some(&Checkpoint::read(&start).unwrap()));
    assert_eq!(tuned.horizons_frames, [39, 31, 23, 15, 7, 2]);
    assert_eq!(
        (tuned.level, tuned.license.as_str()),
        (LevelMode::Relative, "CC-BY-NC-SA-4.0")
    );
    assert!(tuned.training.learning_rate < plain.training.learning_rate);
}

#[test]
fn a_training_is_known_by_the_values_of_its_settings_and_not_by_their_text() {
    let files = Files::new();
    let base = files.read("base.toml").unwrap();
    let kept = fixed_part(&base).unwrap();
    assert_eq!(other_settings(&kept, &base), None);
    // Settings that have their defaults need not be there, nor be written the same.
    let lean: String = kept
        .lines()
        .filter(|line| !line.starts_with("teacher_share") && !line.starts_with("overlap_averaging"))
        .map(|line| line.replace("weight = 0.5", "weight = 5e-1") + "\n")
        .collect();
    assert_ne!(lean, kept);
    assert_eq!(other_settings(&lean, &base), None);
    // A training may become longer.
    let mut longer = base.clone();
    longer.training.max_epochs = 9;
    longer.training.patience_epochs = 9;
    assert_eq!(other_settings(&kept, &longer), None);

    let mut other = base.clone();
    other.training.seed = 2;
    other.corpus[1].weight = 0.4;
    assert_eq!(
        other_settings(&kept, &other).unwrap(),
        "training.seed is 1 there and 2 here, corpus.2.weight is 0.2 there and 0.4 here"
    );
    other.training.teacher_share = 0.5;
    other.horizons_frames = vec![39, 38, 37, 36, 35, 34, 7];
    let told = other_settings(&kept, &other).unwrap();
    assert!(
        told.contains("horizons_frames.3 is absent there and 37 here"),
        "{told}"
    );
    assert!(told.ends_with("and 3 more"), "{told}");
    // What another version has written.
    let told = other_settings(&format!("consensus = true\n{kept}"), &base).unwrap();
    assert!(told.contains("unknown field `consensus`"), "{told}");
}
