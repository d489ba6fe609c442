//! An ensemble: the output of its checkpoint, its alternating members, and what is refused.

use std::fs;
use std::path::Path;

use tch::{Device, Tensor};
use vocald::frontend::{WINDOW_HOP_SAMPLES, Window};
use vocald::inference::{ComputeDevice, ComputePrecision, Engine};
use vocald::model::{Checkpoint, Family, LevelMode};
use vocald::training::ensemble::ensemble;
use vocald::training::experiment::Experiment;
use vocald::training::export::checkpoint;

use crate::support::program::{messages, of_type, run, vocald, wav};
use crate::support::untrained::{drawn, network};

/// One of the paper's other networks, untrained, with the normalisation of that seed's member.
fn paper_network(family: Family, seed: i64) -> Checkpoint {
    let paper = Experiment::built_in("paper-mir1k").unwrap();
    let experiment = paper.with_family(family).unwrap();
    let architecture = experiment.architecture().unwrap();
    let normalisation = network(seed).normalisation;
    checkpoint(
        &experiment,
        architecture,
        &drawn(architecture, seed),
        &normalisation,
    )
}

/// The log-mel values of a made window, another one for each number.
fn made(number: usize, values: usize) -> Vec<f32> {
    let value = |i: usize| {
        let (frame, band) = (i / 80, i % 80);
        -5.0 + 2.0 * ((frame * (number + 1)) as f32 * 0.21 + band as f32 * 0.13).sin()
    };
    (0..values).map(value).collect()
}

/// Log odds of voice for three made log-mel windows, or sequences, one after the other.
fn log_odds(checkpoint: &Checkpoint) -> Vec<f64> {
    let network = checkpoint.network(Device::Cpu);
    let shape = network.input_shape(3);
    let window_values = (shape[2] * shape[3]) as usize;
    let mut values = vec![0.0; 3 * window_values];
    for (window, values) in values.chunks_mut(window_values).enumerate() {
        checkpoint
            .normalisation
            .apply(&made(window, window_values), values);
    }
    let input = Tensor::from_slice(&values).reshape(shape);
    let p = tch::no_grad(|| network.probabilities(&input)).to_kind(tch::Kind::Double);
    let p: Vec<f64> = Vec::try_from(p.flatten(0, -1)).unwrap();
    p.into_iter().map(|p| (p / (1.0 - p)).ln()).collect()
}

/// The same checkpoint once more.
fn copy(checkpoint: &Checkpoint) -> Checkpoint {
    Checkpoint {
        metadata: checkpoint.metadata.clone(),
        architecture: checkpoint.architecture,
        normalisation: checkpoint.normalisation.clone(),
        weights: checkpoint
            .weights
            .iter()
            .map(|(name, weight)| (name.clone(), weight.copy()))
            .collect(),
    }
}

fn assert_outputs_are_the_means(of: &Checkpoint, members: &[Checkpoint]) {
    let each: Vec<Vec<f64>> = members.iter().map(log_odds).collect();
    assert!(
        each.windows(2).all(|pair| pair[0] != pair[1]),
        "they must differ"
    );
    for (place, output) in log_odds(of).into_iter().enumerate() {
        let mean = each.iter().map(|m| m[place]).sum::<f64>() / each.len() as f64;
        assert!((output - mean).abs() < 1e-4, "{place}: {output} {mean}");
    }
}

#[test]
fn an_ensemble_predicts_the_mean_log_odds_of_its_members() {
    let networks: Vec<Checkpoint> = (1..=3).map(network).collect();
    for count in [2, 3] {
        let members = &networks[..count];
        let all = ensemble(members.iter().map(copy).collect()).unwrap();
        assert_outputs_are_the_means(&all, members);
        assert_eq!(
            all.architecture.parameters(),
            count * (members[0].architecture.parameters() + 160)
        );
        assert_eq!(all.metadata.trained_on.len(), count);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.safetensors");
        all.write(&path).unwrap();
        let read = Checkpoint::read(&path).unwrap();
        assert_eq!(read.metadata, all.metadata);
        assert_eq!(log_odds(&read), log_odds(&all));
        // Its look-aheads can be chosen like any other's.
        let fewer = read.with_horizons(&[7]).unwrap();
        let second = log_odds(&all).into_iter().skip(1).step_by(2);
        for (fewer, all) in log_odds(&fewer).into_iter().zip(second) {
            assert!((fewer - all).abs() < 1e-5, "{fewer} {all}");
        }
    }
    // One alone is what it was.
    let single = ensemble(vec![copy(&networks[0])]).unwrap();
    assert_eq!(single.metadata, networks[0].metadata);
    assert_eq!(log_odds(&single), log_odds(&networks[0]));
}

#[test]
fn the_members_of_an_ensemble_are_the_networks_it_was_made_of() {
    let networks: Vec<Checkpoint> = (1..=3).map(network).collect();
    let all = ensemble(networks.iter().map(copy).collect()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.safetensors");
    all.write(&path).unwrap();
    let mut command = vocald("model members");
    command
        .arg(&path)
        .arg("--out")
        .arg(folder.path().join("apart"));
    let output = run(&mut command);
    assert_eq!(output.code, Some(0), "{}", output.err);
    for (line, network) in output.out.lines().zip(&networks) {
        let member = Checkpoint::read(Path::new(line)).unwrap();
        assert_eq!(member.architecture, network.architecture);
        for (a, b) in log_odds(&member).into_iter().zip(log_odds(network)) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
    assert_eq!(output.out.lines().count(), 3);
    // A single network has no members to write.
    let single = folder.path().join("single.safetensors");
    networks[0].write(&single).unwrap();
    let mut command = vocald("model members");
    command
        .arg(&single)
        .arg("--out")
        .arg(folder.path().join("none"));
    assert_ne!(run(&mut command).code, Some(0));
}

#[test]
fn alternating_members_predict_one_window_each() {
    let mut all = ensemble((1..=3).map(network).collect()).unwrap();
    all.metadata.alternating = true;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("turns.safetensors");
    all.write(&path).unwrap();
    let mut engine =
        Engine::load(Some(&path), ComputeDevice::Cpu, ComputePrecision::Float32).unwrap();
    let windows: Vec<Window> = (0..7)
        .map(|number| {
            // A stream that lost something: windows begin anywhere, a hop apart.
            let start_sample = 1000 + number * WINDOW_HOP_SAMPLES as u64;
            Window::synthetic(start_sample, made(number as usize, 80 * 80).into())
        })
        .collect();
    let windows: Vec<&Window> = windows.iter().collect();
    let together = engine.infer(&windows).unwrap();
    let mut members: Vec<Engine> = (1..=3)
        .map(|seed| {
            Engine::new(network(seed), ComputeDevice::Cpu, ComputePrecision::Float32).unwrap()
        })
        .collect();
    for (number, window) in windows.iter().enumerate() {
        let [own] = &members[number % 3].infer(&[window]).unwrap()[..] else {
            panic!("one row for one window");
        };
        let close = |a: &[f32]| a.iter().zip(own).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(&together[number]), "{number}: {together:?} {own:?}");
        // As one window after the other comes from a sound card.
        assert!(close(&engine.infer(&[window]).unwrap()[0]), "{number}");
    }
}

#[test]
fn alternation_requires_several_networks_with_windows() {
    let mut one = network(1);
    one.metadata.alternating = true;
    let fault = one.metadata.validate().unwrap_err().to_string();
    assert!(
        fault.contains("has alternating members, which needs several members"),
        "{fault}"
    );
    let recurrent = [1, 2]
        .map(|seed| paper_network(Family::BiLstm, seed))
        .into();
    let mut pair = ensemble(recurrent).unwrap();
    pair.metadata.alternating = true;
    assert!(
        pair.metadata
            .validate()
            .unwrap_err()
            .to_string()
            .contains("windows")
    );
}

#[test]
fn the_papers_reference_networks_form_ensembles_too() {
    for family in [Family::Scnn, Family::BiLstm] {
        let members = [paper_network(family, 1), paper_network(family, 2)];
        let all = ensemble(members.iter().map(copy).collect()).unwrap();
        assert_eq!(all.metadata.members, 2);
        assert_outputs_are_the_means(&all, &members);
    }
}

#[test]
fn checkpoints_that_cannot_form_an_ensemble_are_named() {
    let refused = |checkpoints: Vec<Checkpoint>| ensemble(checkpoints).err().unwrap().to_string();
    let mut relative = network(2);
    relative.metadata.level = LevelMode::Relative;
    relative.normalisation.level = LevelMode::Relative;
    let fault = refused(vec![network(1), relative]);
    assert!(
        fault.contains("network-1 and network-2 cannot form an ensemble"),
        "{fault}"
    );
    let other = network(2).with_horizons(&[39]).unwrap();
    assert!(refused(vec![network(1), other]).contains("cannot form an ensemble"));
    let pair = ensemble(vec![network(1), network(2)]).unwrap();
    let again = ensemble(vec![network(1), network(2)]).unwrap();
    assert!(refused(vec![pair, again]).contains("is an ensemble already"));
    assert!(refused(vec![]).contains("no checkpoint"));

    let mut crowd = network(1);
    for members in [0, 17] {
        crowd.metadata.members = members;
        let fault = crowd.metadata.validate().unwrap_err().to_string();
        assert!(fault.contains("1 to 16"), "{fault}");
    }
}

/// `vocald average` on two untrained checkpoints, with thresholds chosen on one made song.
fn averaged(root: &Path, options: &str) -> Checkpoint {
    let songs = root.join("data/songs");
    fs::create_dir_all(&songs).unwrap();
    wav(&songs.join("first.wav"), 1, 8.0);
    fs::write(songs.join("first.lab"), "0 2.5 sing\n2.5 8 nosing\n").unwrap();
    let experiment = "name = \"together\"\ndepth = 14\nhorizons_frames = [39, 7]\ndefault_horizon_frames = 7\n\
         license = \"CC0-1.0\"\n[training]\nseed = 1\nbatch_windows = 8\nepoch_batches = 1\nmax_epochs = 1\n\
         patience_epochs = 1\nlearning_rate = 1e-3\nlearning_rate_epochs = 1\nlearning_rate_factor = 1.0\nweight_decay = 0.0\n\
         [[corpus]]\nkind = \"labelled\"\nroot = \"songs\"\nweight = 1\nvalid = [\"first\"]\n";
    fs::write(root.join("together.toml"), experiment).unwrap();
    for seed in [1, 2] {
        let path = root.join(format!("{seed}.safetensors"));
        network(seed).write(&path).unwrap();
    }
    let place = |text: &str| text.replace("ROOT", root.to_str().unwrap());
    let line = "ensemble ROOT/together.toml ROOT/1.safetensors ROOT/2.safetensors --data ROOT/data \
                --features ROOT/features --device cpu --out ROOT/out.safetensors";
    let output = run(&mut vocald(&place(&format!("{line} {options}"))));
    assert_eq!(output.code, Some(0), "{}", output.err);
    Checkpoint::read(&root.join("out.safetensors")).unwrap()
}

#[test]
fn the_program_makes_an_ensemble_in_16_bits_and_labels_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let pair = averaged(root, "--half");
    assert_eq!(
        (pair.metadata.name.as_str(), pair.metadata.members),
        ("together", 2)
    );
    assert!(!pair.metadata.alternating);
    let mut members = [network(1), network(2)];
    members.iter_mut().for_each(Checkpoint::round_to_half);
    assert_outputs_are_the_means(&pair, &members);
    let bytes = |name: &str| fs::metadata(root.join(name)).unwrap().len();
    let (one, both) = (bytes("1.safetensors"), bytes("out.safetensors"));
    assert!(both < one + one / 20, "{both} {one}");

    let file = root.join("out.safetensors");
    let info = run(vocald("model info").arg(&file));
    assert!(
        info.out
            .contains("together: an ensemble of 2: se_resnet of depth 14"),
        "{}",
        info.out
    );
    let mut detect = vocald("detect --device cpu --format csv --model");
    detect.arg(&file).arg(root.join("data/songs/first.wav"));
    let output = run(&mut detect);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(output.out.starts_with("t,p,voice\n"), "{}", output.out);
    assert!(output.out.lines().count() > 90);
}

/// A column, from 0, of a table as `detect` and `evaluate --scores` write it; of the latter one horizon's rows.
fn column(table: &str, number: usize, horizon_frames: Option<&str>) -> Vec<f64> {
    let rows = table.lines().skip(1).map(|row| row.split(','));
    let expected = rows.filter(|row| horizon_frames.is_none_or(|h| row.clone().next() == Some(h)));
    expected
        .map(|mut row| row.nth(number).unwrap().parse().unwrap())
        .collect()
}

#[test]
fn alternation_is_the_same_in_detect_run_and_evaluate() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let pair = averaged(root, "--alternating");
    assert!(pair.metadata.alternating);
    let said_by = |line: &str, model: &str| {
        let mut program = vocald(&format!("{line} --device cpu --model"));
        let output = run(program.arg(root.join(model)).current_dir(root));
        assert_eq!(output.code, Some(0), "{}", output.err);
        output.out
    };
    let detected = |model: &str| {
        let line = "detect data/songs/first.wav --format csv --lookahead 0.12 --precision float32";
        column(&said_by(line, model), 1, None)
    };
    let (first, second) = (detected("1.safetensors"), detected("2.safetensors"));
    let turns = detected("out.safetensors");
    assert!(turns.len() > 90);
    for (n, p) in turns.iter().enumerate() {
        let own = [&first, &second][n % 2][n];
        assert!((p - own).abs() < 1e-4, "{n}: {p} {own}");
        assert!((p - [&second, &first][n % 2][n]).abs() > 1e-3, "{n}");
    }
    let live = said_by(
        "run data/songs/first.wav --pace max --lookahead 0.12 --precision float32",
        "out.safetensors",
    );
    let live: Vec<f64> = of_type(&messages(&live), "decision")
        .into_iter()
        .map(|decision| decision["p"].as_f64().unwrap())
        .collect();
    let line = "evaluate data/songs --features features --scores scores";
    said_by(line, "out.safetensors");
    let table = fs::read_to_string(root.join("scores/songs/first.csv")).unwrap();
    let scored = column(&table, 2, Some("7"));
    let close = |a: &[f64], b: &[f64], within: f64| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < within)
    };
    assert!(close(&live, &turns, 1e-5), "{live:?} {turns:?}");
    // The trainer keeps its sound in 16 bits.
    assert!(close(&scored, &turns, 1e-3), "{scored:?} {turns:?}");

    // An ensemble that evaluates every member on every window can alternate instead; one network cannot.
    let all = ensemble(vec![network(1), network(2)]).unwrap();
    assert!(!all.metadata.alternating);
    all.write(&root.join("out.safetensors")).unwrap();
    let line = "calibrate data/songs --features features --alternating --out turns.safetensors";
    said_by(line, "out.safetensors");
    let turned = Checkpoint::read(&root.join("turns.safetensors")).unwrap();
    assert!(turned.metadata.alternating);
    let info = run(vocald("model info turns.safetensors").current_dir(root)).out;
    assert!(info.contains("from alternating members"), "{info}");
    let mut alone = vocald(&format!("{line} --device cpu --model"));
    let output = run(alone.arg(root.join("1.safetensors")).current_dir(root));
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .err
            .contains("has alternating members, which needs several members"),
        "{}",
        output.err
    );
}
