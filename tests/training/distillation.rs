//! Learning from a teacher's outputs: what the loss is, that it falls, and what is refused.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use tch::{Device, Tensor};
use vocald::frontend::LogMel;
use vocald::model::{Checkpoint, LevelMode};
use vocald::training::TrainContext;
use vocald::training::ensemble::ensemble;
use vocald::training::experiment::Experiment;
use vocald::training::fit::{EpochReport, Observer, Outcome, fit};
use vocald::training::sampler::{Sampler, window_rng};

use crate::support::libtorch::exclusive;
use crate::support::program::{run, vocald, wav};
use crate::support::two_tones::corpus;
use crate::support::untrained::network;

/// Only the outputs are trained, so that the pupil's predictions do not depend on what else is in a batch.
const EXPERIMENT: &str = r#"
name = "pupil"
depth = 14
horizons_frames = [39, 7]
license = "CC0-1.0"
[training]
seed = 3
batch_windows = 4
epoch_batches = 3
max_epochs = 1
patience_epochs = 1
learning_rate = 1e-30
learning_rate_epochs = 1
learning_rate_factor = 1.0
weight_decay = 0.0
teacher_share = 0.7
only_horizons_frames = [39, 7]
[[corpus]]
kind = "labelled"
root = "songs"
weight = 1.0
valid = ["first"]
"#;

fn experiment(changes: &[(&str, &str)]) -> Experiment {
    let text = changes
        .iter()
        .fold(EXPERIMENT.to_owned(), |text, (from, to)| {
            assert!(text.contains(from));
            text.replace(from, to)
        });
    toml::from_str(&text).unwrap()
}

#[derive(Default)]
struct Losses(Vec<f64>);

impl Observer for Losses {
    fn batch(&mut self, _: usize, _: usize, _: usize, _: f64) {}
    fn epoch(&mut self, report: &EpochReport) {
        self.0.push(report.train_loss);
    }
}

/// Trains in a folder; the losses of its epochs.
fn train(
    experiment: &Experiment,
    start: &Checkpoint,
    teacher: Option<&Checkpoint>,
    folder: &Path,
) -> Result<Vec<f64>, String> {
    tch::set_num_threads(1);
    let corpora = [corpus()];
    let stop = AtomicBool::new(false);
    let setting = TrainContext {
        train: &corpora,
        valid: &corpora,
        device: Device::Cpu,
        teacher,
        start_from: Some(start),
        loader_threads: 1,
        folder,
        stop: &stop,
    };
    let mut losses = Losses::default();
    let outcome = fit(experiment, &setting, &mut losses).map_err(|e| e.to_string())?;
    assert_eq!(outcome, Outcome::Finished);
    Ok(losses.0)
}

/// The windows that a first epoch draws, as they were before normalisation, with their labels.
fn drawn(experiment: &Experiment) -> Vec<(Vec<f32>, Vec<f32>)> {
    let corpora = [corpus()];
    let architecture = experiment.architecture().unwrap();
    let sampler = Sampler::new(
        &corpora,
        &experiment.augmentation,
        architecture.family,
        &experiment.horizons_frames,
    )
    .unwrap();
    let training = &experiment.training;
    let windows = training.epoch_batches * training.batch_windows;
    (0..windows as u64)
        .map(|number| {
            let (mut window, mut labels) = (vec![0.0; 6400], vec![0.0; 2]);
            let mut rng = window_rng(training.seed, 0, number);
            sampler.draw(&mut LogMel::new(), &mut rng, &mut window, &mut labels);
            (window, labels)
        })
        .collect()
}

/// Its probabilities of voice for log-mel windows, window after window.
fn outputs(checkpoint: &Checkpoint, windows: &[(Vec<f32>, Vec<f32>)]) -> Vec<f64> {
    let mut values = vec![0.0; windows.len() * 6400];
    for ((window, _), values) in windows.iter().zip(values.chunks_mut(6400)) {
        checkpoint.normalisation.apply(window, values);
    }
    let network = checkpoint.network(Device::Cpu);
    let input = Tensor::from_slice(&values).reshape(network.input_shape(windows.len()));
    let p = tch::no_grad(|| network.probabilities(&input)).to_kind(tch::Kind::Double);
    Vec::try_from(p.flatten(0, -1)).unwrap()
}

fn cross_entropy(expected: f64, p: f64) -> f64 {
    -(expected * p.ln() + (1.0 - expected) * (1.0 - p).ln())
}

#[test]
fn the_loss_is_shared_between_labels_and_the_teachers_answers_to_the_same_windows() {
    let _exclusive = exclusive();
    let pupil = network(1);
    let teacher = ensemble(vec![network(2), network(3)]).unwrap();
    let experiment = experiment(&[]);
    let folder = tempfile::tempdir().unwrap();
    let losses = train(&experiment, &pupil, Some(&teacher), folder.path()).unwrap();

    let windows = drawn(&experiment);
    let labels = windows.iter().flat_map(|(_, labels)| labels.clone());
    let (p, q) = (outputs(&pupil, &windows), outputs(&teacher, &windows));
    let terms = labels.zip(p).zip(&q).map(|((label, p), &q)| {
        0.3 * cross_entropy(f64::from(label), p) + 0.7 * cross_entropy(q, p)
    });
    let expected = terms.sum::<f64>() / q.len() as f64;
    assert!(
        (losses[0] - expected).abs() < 1e-4 * expected,
        "{losses:?} {expected}"
    );

    let best = Checkpoint::read(&folder.path().join("best.safetensors")).unwrap();
    for sound in ["sound 1", "sound 2", "sound 3"] {
        let all = &best.metadata.trained_on;
        assert!(all.iter().any(|one| one == sound), "{sound}: {all:?}");
    }
}

#[test]
fn a_pupil_comes_to_answer_as_its_teacher_does_whatever_the_labels_say() {
    let _exclusive = exclusive();
    // A teacher that contradicts the labels: never voice far ahead, always voice near.
    let mut teacher = network(2);
    let head = |name: &str| format!("head.{name}");
    teacher.weights.insert(
        head("weight"),
        Tensor::zeros([4, 256], (tch::Kind::Float, Device::Cpu)),
    );
    teacher
        .weights
        .insert(head("bias"), Tensor::from_slice(&[1.0f32, -1.0, -1.0, 1.0]));
    let experiment = experiment(&[
        ("teacher_share = 0.7", "teacher_share = 1.0"),
        ("learning_rate = 1e-30", "learning_rate = 4e-2"),
        ("epoch_batches = 3", "epoch_batches = 20"),
    ]);
    let pupil = network(1);
    let folder = tempfile::tempdir().unwrap();
    train(&experiment, &pupil, Some(&teacher), folder.path()).unwrap();
    let taught = Checkpoint::read(&folder.path().join("best.safetensors")).unwrap();
    let windows = &drawn(&experiment)[..20];
    let expected = outputs(&teacher, windows);
    let apart = |pupil: &Checkpoint| {
        let pairs = outputs(pupil, windows).into_iter().zip(&expected);
        pairs.map(|(p, q)| (p - q).abs()).sum::<f64>() / expected.len() as f64
    };
    let (before, after) = (apart(&pupil), apart(&taught));
    assert!(after < 0.1 && after < before / 3.0, "{before} {after}");
}

#[test]
fn a_teacher_that_is_not_required_or_has_another_input_is_refused() {
    let _exclusive = exclusive();
    let folder = tempfile::tempdir().unwrap();
    let refused = |experiment: &Experiment, teacher: Option<&Checkpoint>| {
        train(experiment, &network(1), teacher, folder.path()).unwrap_err()
    };
    let expected = experiment(&[]);
    assert!(refused(&expected, None).contains("--teacher"));
    let unwanted = experiment(&[("teacher_share = 0.7", "")]);
    let fault = refused(&unwanted, Some(&network(2)));
    assert!(
        fault.contains("network-2: training.teacher_share is 0"),
        "{fault}"
    );
    let elsewhere = network(2).with_horizons(&[39, 23]).unwrap();
    let fault = refused(&expected, Some(&elsewhere));
    assert!(fault.contains("network-2 cannot teach"), "{fault}");
    let mut relative = network(2);
    relative.normalisation.level = LevelMode::Relative;
    relative.metadata.level = LevelMode::Relative;
    assert!(refused(&expected, Some(&relative)).contains("cannot teach"));
}

#[test]
fn a_training_goes_on_with_the_teacher_that_it_began_with() {
    let _exclusive = exclusive();
    let folder = tempfile::tempdir().unwrap();
    let more = |epochs: &str| experiment(&[("max_epochs = 1", epochs)]);
    let go_on = |experiment: &Experiment, teacher: i64| {
        train(
            experiment,
            &network(1),
            Some(&network(teacher)),
            folder.path(),
        )
    };
    go_on(&more("max_epochs = 1"), 2).unwrap();
    let fault = go_on(&more("max_epochs = 2"), 3).unwrap_err();
    assert!(
        fault.contains("learns from network-2, not from network-3"),
        "{fault}"
    );
    assert_eq!(go_on(&more("max_epochs = 2"), 2).unwrap().len(), 1);
}

#[test]
fn the_program_learns_from_an_ensemble_but_does_not_go_on_from_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let songs = root.join("data/songs");
    fs::create_dir_all(&songs).unwrap();
    for name in ["first", "second"] {
        wav(&songs.join(format!("{name}.wav")), 1, 8.0);
        fs::write(
            songs.join(format!("{name}.lab")),
            "0 2.5 sing\n2.5 8 nosing\n",
        )
        .unwrap();
    }
    fs::write(root.join("pupil.toml"), EXPERIMENT).unwrap();
    network(1).write(&root.join("one.safetensors")).unwrap();
    let pair = ensemble(vec![network(2), network(3)]).unwrap();
    pair.write(&root.join("pair.safetensors")).unwrap();
    let train = |options: &str| {
        let line = format!(
            "train ROOT/pupil.toml --data ROOT/data --features ROOT/features --run ROOT/run \
             --device cpu --threads 1 {options}"
        );
        run(&mut vocald(&line.replace("ROOT", root.to_str().unwrap())))
    };
    // Reported before the sound is read.
    for option in ["--start-from", "--teacher"] {
        let output = train(&format!("{option} ROOT/nowhere.safetensors"));
        assert_eq!(output.code, Some(1), "{}", output.err);
        assert!(output.err.contains("nowhere.safetensors"), "{}", output.err);
        let read = fs::read_dir(root.join("features")).map_or(0, Iterator::count);
        assert_eq!(read, 0, "{}", output.err);
    }
    let output = train("--start-from ROOT/pair.safetensors --teacher ROOT/pair.safetensors");
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("another network"), "{}", output.err);
    let output = train("--start-from ROOT/one.safetensors");
    assert!(output.err.contains("--teacher"), "{}", output.err);
    let output = train("--start-from ROOT/one.safetensors --teacher ROOT/pair.safetensors");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let made = Checkpoint::read(&root.join("run/pupil.safetensors")).unwrap();
    assert_eq!(made.metadata.name, "pupil");
}
