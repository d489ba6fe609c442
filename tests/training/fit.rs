//! Training: what is drawn is labelled right, an interrupted training goes on exactly, and
//! the weights fit the data.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use tch::{Device, Tensor};
use tempfile::TempDir;
use vocald::corpora::SeparatedTrack;
use vocald::corpora::recording::Recording;
use vocald::corpora::{Corpus, Sound, Track};
use vocald::evaluation::levels::{Levels, magnitudes};
use vocald::evaluation::scorer::{ScoredWindow, TrackScorer};
use vocald::evaluation::threshold_search::Aim;
use vocald::frontend::LogMel;
use vocald::frontend::window::frame_time_s;
use vocald::model::network::initial_weights;
use vocald::model::{Architecture, Checkpoint, Depth, Family, LevelMode, Normalisation};
use vocald::training::TrainContext;
use vocald::training::experiment::{Augmentation, Experiment};
use vocald::training::export::{checkpoint as checkpoint_of, finish};
use vocald::training::fit::{EpochReport, Observer, Outcome, fit};
use vocald::training::sampler::{Sampler, UNLABELLED, window_rng};
use vocald::training::weight_average::average;

use crate::support::libtorch::exclusive;
use crate::support::two_tones::corpus;

const EXPERIMENT: &str = r#"
name = "tiny"
depth = 14
horizons_frames = [39, 7]
default_horizon_frames = 7
license = "CC0-1.0"
[training]
seed = 3
batch_windows = 8
epoch_batches = 5
max_epochs = 2
patience_epochs = 5
learning_rate = 1e-3
learning_rate_epochs = 5
learning_rate_factor = 0.5
weight_decay = 1e-4
average_decay = 0.5
[augmentation]
stretch = 0.1
gain_db = 3.0
[[corpus]]
kind = "instrumental"
root = "unused"
weight = 1.0
"#;

/// Long enough to learn something.
fn learning(max_epochs: usize) -> Experiment {
    let mut experiment: Experiment = toml::from_str(EXPERIMENT).unwrap();
    experiment.training.max_epochs = max_epochs;
    experiment
}

/// A training as any other, of a few windows.
fn experiment(max_epochs: usize) -> Experiment {
    let mut experiment = learning(max_epochs);
    experiment.training.batch_windows = 4;
    experiment.training.epoch_batches = 3;
    experiment
}

#[derive(Default)]
struct Record {
    epochs: Vec<EpochReport>,
    stop_after_batch: Option<(usize, usize, &'static AtomicBool)>,
}

impl Observer for Record {
    fn batch(&mut self, epoch: usize, done: usize, _: usize, _: f64) {
        if let Some((e, d, stop)) = self.stop_after_batch
            && (epoch, done) == (e, d)
        {
            stop.store(true, Ordering::Relaxed);
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.epochs.push(report.clone());
    }
}

fn train(folder: &Path, max_epochs: usize, record: &mut Record) -> Result<Outcome, String> {
    train_as(&experiment(max_epochs), folder, record)
}

fn train_as(
    experiment: &Experiment,
    folder: &Path,
    record: &mut Record,
) -> Result<Outcome, String> {
    train_on(&[corpus()], experiment, folder, record)
}

fn train_on(
    corpora: &[Corpus],
    experiment: &Experiment,
    folder: &Path,
    record: &mut Record,
) -> Result<Outcome, String> {
    let _exclusive = exclusive();
    tch::set_num_threads(1);
    static NEVER: AtomicBool = AtomicBool::new(false);
    let stop = record.stop_after_batch.map_or(&NEVER, |(_, _, stop)| stop);
    let setting = TrainContext {
        train: corpora,
        valid: corpora,
        device: Device::Cpu,
        teacher: None,
        start_from: None,
        loader_threads: 2,
        folder,
        stop,
    };
    fit(experiment, &setting, record).map_err(|e| e.to_string())
}

/// A folder with one epoch of [`experiment`], as the test's own: several tests start from it.
fn trained() -> TempDir {
    static FILES: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
    let _exclusive = exclusive();
    let folder = tempfile::tempdir().unwrap();
    if let Some(files) = FILES.get() {
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        return folder;
    }
    train(folder.path(), 1, &mut Record::default()).unwrap();
    let files = fs::read_dir(folder.path()).unwrap().map(|file| {
        let file = file.unwrap();
        (file.file_name(), fs::read(file.path()).unwrap())
    });
    FILES.set(files.collect()).unwrap();
    folder
}

#[test]
fn drawn_windows_carry_the_label_of_their_frames() {
    let corpora = [corpus()];
    let sampler = Sampler::new(
        &corpora,
        &Augmentation::default(),
        Family::SeResNet(Depth::D14),
        &[39, 7],
    )
    .unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let (mut window, mut labels) = (vec![0.0; 6400], [0.0; 2]);
    // Band 45 lies near 1500 Hz, band 4 near 200 Hz.
    let voiced = |frame: usize, window: &[f32]| {
        let frame = &window[frame * 80..][..80];
        let sum = |bands: std::ops::Range<usize>| frame[bands].iter().sum::<f32>();
        sum(25..55) / 30.0 > sum(0..12) / 12.0
    };
    let mut seen = [0; 2];
    for _ in 0..200 {
        sampler.draw(&mut LogMel::new(), &mut rng, &mut window, &mut labels);
        for (label, frame) in labels.iter().zip([40, 72]) {
            let near_change = voiced(frame - 2, &window) != voiced(frame + 2, &window);
            if !near_change {
                assert_eq!(*label == 1.0, voiced(frame, &window));
                seen[*label as usize] += 1;
            }
        }
    }
    assert!(seen[0] > 50 && seen[1] > 50, "{seen:?}");
}

#[test]
fn a_corpus_is_drawn_with_the_share_of_voice_that_was_asked_for() {
    let mut corpora = [corpus()];
    for (share, expected) in [(Some(0.9), 90..=90), (Some(0.1), 10..=10), (None, 40..=60)] {
        corpora[0].voice_share = share;
        let sampler = Sampler::new(
            &corpora,
            &Augmentation::default(),
            Family::SeResNet(Depth::D14),
            &[39, 7],
        )
        .unwrap();
        let (mut window, mut labels) = (vec![0.0; 6400], [0.0; 2]);
        let voiced = (0..1000).filter(|&n| {
            sampler.draw(
                &mut LogMel::new(),
                &mut window_rng(1, 0, n),
                &mut window,
                &mut labels,
            );
            labels[0] == 1.0
        });
        let percent = (voiced.count() as f64 / 10.0).round() as i32;
        let (low, high) = (expected.start() - 3, expected.end() + 3);
        assert!((low..=high).contains(&percent), "{share:?}: {percent} %");
    }
}

#[test]
fn a_dropped_voice_leaves_only_music_and_no_label() {
    let tone = |hz: f32| {
        let sample = |n| (2.0 * std::f32::consts::PI * hz * n as f32 / 22_050.0).sin() * 0.3;
        Recording::of_samples(&(0..66_150).map(sample).collect::<Vec<_>>())
    };
    let (voice, accompaniment) = (tone(1500.0), tone(200.0));
    let frames = voice.frames();
    let sound = Sound::Stems {
        voice,
        accompaniment,
    };
    let track = Track {
        name: "stems".into(),
        song: String::new(),
        sound,
        voice: vec![Some(true); frames],
        speech: Vec::new(),
        separated: None,
    };
    let corpora = [Corpus {
        name: "stems".into(),
        weight: 1.0,
        voice_share: None,
        tracks: vec![track],
    }];
    let draw = |drop_voice_fraction| {
        let augmentation = Augmentation {
            drop_voice_fraction,
            ..Default::default()
        };
        let sampler =
            Sampler::new(&corpora, &augmentation, Family::SeResNet(Depth::D14), &[39]).unwrap();
        let (mut window, mut labels) = (vec![0.0; 6400], [0.0]);
        sampler.draw(
            &mut LogMel::new(),
            &mut window_rng(1, 0, 0),
            &mut window,
            &mut labels,
        );
        let loudest_high_band = window[40 * 80 + 25..40 * 80 + 55]
            .iter()
            .copied()
            .fold(f32::MIN, f32::max);
        (labels[0], loudest_high_band)
    };
    let (with, with_high) = draw(0.0);
    let (without, without_high) = draw(1.0);
    assert_eq!((with, without), (1.0, 0.0));
    assert!(with_high > without_high + 3.0, "{with_high} {without_high}");
}

#[test]
fn soft_labels_rise_and_fall_across_a_change() {
    // Voice from frame 300 on; 0.1 s are 7 frames.
    let track = Track {
        name: "edge".into(),
        song: String::new(),
        sound: Sound::Mix(Recording::of_samples(&[0.1; 200_000])),
        voice: (0..600).map(|frame| Some(frame >= 300)).collect(),
        speech: Vec::new(),
        separated: None,
    };
    let corpora = [Corpus {
        name: "edge".into(),
        weight: 1.0,
        voice_share: None,
        tracks: vec![track],
    }];
    let draw = |soft_s: f64, window: u64| {
        let family = Family::SeResNet(Depth::D14);
        let sampler = Sampler::new(&corpora, &Augmentation::default(), family, &[39, 38]).unwrap();
        let sampler = sampler.with_soft_edges(soft_s);
        let (mut values, mut labels) = (vec![0.0; 6400], [0.0; 2]);
        let mut rng = window_rng(1, 0, window);
        sampler.draw(&mut LogMel::new(), &mut rng, &mut values, &mut labels);
        labels
    };
    let mut soft = 0;
    for window in 0..2000 {
        let ([hard, hard_next], [a, b]) = (draw(0.0, window), draw(0.1, window));
        assert!((a - hard).abs() < 0.5 && (0.0..=1.0).contains(&a));
        assert!(
            [hard, hard_next]
                .iter()
                .all(|label| [0.0, 1.0].contains(label))
        );
        if a > 0.0 && b < 1.0 {
            // A frame later one more of the fifteen around has a voice.
            assert!((b - a - 1.0 / 15.0).abs() < 1e-6, "{a} {b}");
            soft += 1;
        }
    }
    assert!(soft > 10, "{soft}");
}

#[test]
fn stems_as_they_are_sound_as_their_mix_does() {
    // Two tones in one mel band: what they are together depends on where they are against each other.
    let tone = |hz: f32| {
        let sample = move |n| (2.0 * std::f32::consts::PI * hz * n as f32 / 22_050.0).sin() * 0.3;
        (0..66_150).map(sample).collect::<Vec<f32>>()
    };
    let (voice, accompaniment) = (tone(440.0), tone(447.0));
    let mean = |(a, b): (&f32, &f32)| (a + b) / 2.0;
    let mix: Vec<f32> = voice.iter().zip(&accompaniment).map(mean).collect();
    let window = |sound: Sound| {
        let track = Track {
            name: "tones".into(),
            song: String::new(),
            sound,
            voice: vec![Some(true); 206],
            speech: Vec::new(),
            separated: None,
        };
        let corpora = [Corpus {
            name: "tones".into(),
            weight: 1.0,
            voice_share: None,
            tracks: vec![track],
        }];
        let family = Family::SeResNet(Depth::D14);
        let sampler = Sampler::new(&corpora, &Augmentation::default(), family, &[39]).unwrap();
        let (mut values, mut labels) = (vec![0.0; 6400], [0.0]);
        let mut rng = window_rng(1, 0, 0);
        sampler.draw(&mut LogMel::new(), &mut rng, &mut values, &mut labels);
        values
    };
    let apart = window(Sound::Stems {
        voice: Recording::of_samples(&voice),
        accompaniment: Recording::of_samples(&accompaniment),
    });
    let together = window(Sound::Mix(Recording::of_samples(&mix)));
    for (a, b) in apart.iter().zip(&together).filter(|(a, _)| **a > -7.0) {
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
}

#[test]
fn without_treble_the_bands_above_it_are_silent() {
    let hiss: Vec<f32> = (0..22_050u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5)
        .collect();
    let track = Track {
        name: "hiss".into(),
        song: String::new(),
        sound: Sound::Mix(Recording::of_samples(&hiss)),
        voice: vec![Some(false); 67],
        speech: Vec::new(),
        separated: None,
    };
    let levels_of = |treble_up_to_hz| {
        let levels = Levels {
            treble_up_to_hz,
            ..Levels::AS_RECORDED
        };
        magnitudes(&track, levels).nth(30).unwrap()
    };
    let (whole, cut) = (levels_of(None), levels_of(Some(3400.0)));
    // The bands' centres: librosa.mel_frequencies(82, fmin=27.5, fmax=8000)[1:][57:59] is [3334, 3463].
    assert_eq!(whole[..57], cut[..57]);
    assert!(cut[58..].iter().all(|value| *value == 0.0));
    assert!(whole.iter().all(|value| *value > 0.0));
}

#[test]
fn a_training_in_two_parts_ends_as_one_in_a_piece() {
    let whole = tempfile::tempdir().unwrap();
    let parts = tempfile::tempdir().unwrap();
    assert_eq!(
        train(whole.path(), 3, &mut Record::default()),
        Ok(Outcome::Finished)
    );
    // Stopped in the middle of the third epoch, by what Ctrl-C sets.
    static STOP: AtomicBool = AtomicBool::new(false);
    let mut record = Record {
        stop_after_batch: Some((2, 2, &STOP)),
        ..Default::default()
    };
    assert_eq!(
        train(parts.path(), 3, &mut record),
        Ok(Outcome::Interrupted)
    );
    assert_eq!(record.epochs.len(), 2);
    assert_eq!(
        train(parts.path(), 3, &mut Record::default()),
        Ok(Outcome::Finished)
    );
    let state = |folder: &Path| fs::read(folder.join("state.safetensors")).unwrap();
    assert!(state(whole.path()) == state(parts.path()), "bit for bit");
}

/// Eight seconds: a voice that moves, then clicks.
fn moving() -> Corpus {
    let sound = |rate_hz: f32| -> Vec<f32> {
        let mut phase = 0.0;
        let sample = |n: usize| {
            let t = n as f32 / rate_hz;
            let bend = 2.0 * (2.0 * std::f32::consts::PI * 3.0 * t).sin();
            phase += 2.0 * std::f32::consts::PI * 300.0 * 2f32.powf(bend / 12.0) / rate_hz;
            match t < 4.0 {
                true => (1..8)
                    .map(|k| 0.2 * (k as f32 * phase).sin() / k as f32)
                    .sum(),
                false => 0.8 * f32::from(u8::from(t % 0.25 < 0.5 / rate_hz)),
            }
        };
        (0..(8.0 * rate_hz) as usize).map(sample).collect()
    };
    let mel = Recording::of_samples(&sound(22_050.0));
    let voice = (0..mel.frames()).map(|f| Some(frame_time_s(f) < 4.0));
    let track = Track {
        name: "moving".into(),
        song: String::new(),
        voice: voice.collect(),
        speech: Vec::new(),
        sound: Sound::Mix(mel),
        separated: Some(SeparatedTrack::of_samples(&sound(16_000.0))),
    };
    Corpus {
        name: "moving".into(),
        weight: 1.0,
        voice_share: None,
        tracks: vec![track],
    }
}

#[test]
fn drawn_sequences_carry_the_label_of_every_frame() {
    let mut corpora = [moving()];
    let draw = |corpora: &[Corpus], n| {
        let none = Augmentation::default();
        let sampler = Sampler::new(corpora, &none, Family::BiLstm, &[768]).unwrap();
        assert_eq!((sampler.values(), sampler.labels()), (218 * 80, 218));
        let (mut values, mut labels) = (vec![0.0; 218 * 80], vec![7.0; 218]);
        sampler.draw(
            &mut LogMel::new(),
            &mut window_rng(1, 0, n),
            &mut values,
            &mut labels,
        );
        (values, labels)
    };
    let mut seen = [0; 2];
    for n in 0..50 {
        let (values, labels) = draw(&corpora, n);
        let change = labels.iter().position(|l| *l == 0.0).unwrap_or(218);
        // The common grid's last frame, and its label, lie a little before the end.
        let labelled = labels.iter().position(|l| *l == UNLABELLED).unwrap_or(218);
        assert!(labelled >= 216, "{labelled}");
        let frames = values.chunks_exact(80).zip(labels).take(labelled);
        for (i, (frame, label)) in frames.enumerate() {
            assert_eq!(label, f32::from(u8::from(i < change)));
            // The voice's partials, as harmonic parts, and nothing there but clicks after it.
            let loudest = frame[..40].iter().copied().fold(f32::MIN, f32::max);
            if i.abs_diff(change) > 3 {
                assert_eq!(loudest > -3.0, label == 1.0, "frame {i}: {loudest}");
                seen[label as usize] += 1;
            }
        }
    }
    assert!(seen[0] > 1000 && seen[1] > 1000, "{seen:?}");

    // A track that is shorter than a sequence has no labels after its end: 2 s are 125 frames.
    let track = &mut corpora[0].tracks[0];
    track.voice.truncate(140);
    track.separated = Some(SeparatedTrack::of_samples(&[0.1; 32_000]));
    let (_, labels) = draw(&corpora, 0);
    assert!(labels[..125].iter().all(|l| *l == 1.0));
    assert!(labels[127..].iter().all(|l| *l == UNLABELLED));
    // One that was read for another network is no silence.
    corpora[0].tracks[0].separated = None;
    let none = Augmentation::default();
    let refused = Sampler::new(&corpora, &none, Family::BiLstm, &[768]);
    assert!(
        refused
            .err()
            .unwrap()
            .to_string()
            .contains("without being separated")
    );
}

/// The same training with the network of separated sound.
fn bilstm(max_epochs: usize) -> Experiment {
    let mut plain = learning(max_epochs);
    plain.augmentation = Augmentation::default();
    plain.horizons_frames = vec![39];
    plain.default_horizon_frames = None;
    let mut bilstm = plain.with_family(Family::BiLstm).unwrap();
    bilstm.training.epoch_batches = 4;
    bilstm.training.learning_rate = 1e-2;
    bilstm
}

#[test]
fn a_bilstm_learns_and_goes_on_exactly_where_it_stopped() {
    let whole = tempfile::tempdir().unwrap();
    let parts = tempfile::tempdir().unwrap();
    let mut record = Record::default();
    let train = |epochs, folder: &Path, record: &mut Record| {
        train_on(&[moving()], &bilstm(epochs), folder, record).unwrap()
    };
    train(6, whole.path(), &mut record);
    train(2, parts.path(), &mut Record::default());
    train(6, parts.path(), &mut Record::default());
    let losses: Vec<f64> = record.epochs.iter().map(|e| e.valid_loss).collect();
    assert!(losses.last().unwrap() < &0.2, "{losses:?}");
    let state = |folder: &Path| fs::read(folder.join("state.safetensors")).unwrap();
    assert!(state(whole.path()) == state(parts.path()), "bit for bit");

    let best = Checkpoint::read(&TrainContext::best_path(whole.path())).unwrap();
    let out = whole.path().join("bilstm.safetensors");
    let made = finish(best, &[moving()], Aim::Accuracy, Device::Cpu, &out).unwrap();
    assert!(made.figures["valid/moving/horizon_768/accuracy_raw"] > 0.95);
    assert_eq!(Checkpoint::read(&out).unwrap().metadata, made);
}

/// The same training with the other network, which drops features out at random.
fn scnn(experiment: Experiment) -> Experiment {
    let mut scnn = experiment.with_family(Family::Scnn).unwrap();
    scnn.horizons_frames = vec![57, 7];
    scnn
}

#[test]
fn scnn_tells_two_tones_apart_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::default();
    let mut experiment = scnn(learning(4));
    experiment.training.learning_rate = 3e-3;
    train_as(&experiment, folder.path(), &mut record).unwrap();
    let losses: Vec<f64> = record.epochs.iter().map(|e| e.valid_loss).collect();
    assert!(losses.last().unwrap() < &0.25, "{losses:?}");
    let best = Checkpoint::read(&TrainContext::best_path(folder.path())).unwrap();
    assert_eq!(best.architecture.family, Family::Scnn);
    let out = folder.path().join("scnn.safetensors");
    let figures = finish(best, &[corpus()], Aim::Accuracy, Device::Cpu, &out)
        .unwrap()
        .figures;
    assert!(
        figures["valid/tones/horizon_57/accuracy_raw"] > 0.9,
        "{figures:?}"
    );
}

#[test]
fn an_scnn_in_two_parts_ends_as_one_in_a_piece() {
    let whole = tempfile::tempdir().unwrap();
    let parts = tempfile::tempdir().unwrap();
    train_as(&scnn(experiment(2)), whole.path(), &mut Record::default()).unwrap();
    train_as(&scnn(experiment(1)), parts.path(), &mut Record::default()).unwrap();
    train_as(&scnn(experiment(2)), parts.path(), &mut Record::default()).unwrap();
    let state = |folder: &Path| fs::read(folder.join("state.safetensors")).unwrap();
    assert!(state(whole.path()) == state(parts.path()), "bit for bit");
}

#[test]
fn validation_is_the_same_on_any_number_of_threads() {
    let folder = trained();
    let best = Checkpoint::read(&TrainContext::best_path(folder.path())).unwrap();
    let mut three = corpus();
    for seconds in [2, 3] {
        let mut track = three.tracks[0].clone();
        track.voice.truncate(seconds * 70);
        three.tracks.push(track);
    }
    let _exclusive = exclusive();
    let score = |threads, stride| -> Vec<Vec<ScoredWindow>> {
        let mut scorer = TrackScorer::new(&best, Device::Cpu, threads).with_stride(stride);
        let tracks = scorer.score_corpus(&three, &|_| ());
        tracks.into_iter().flat_map(|t| t.horizons).collect()
    };
    let one = score(1, 1);
    assert_eq!(one.len(), 3 * 2);
    assert!(one == score(2, 1), "bit for bit");
    for (all, some) in one.iter().zip(score(3, 5)) {
        let fifth: Vec<_> = all.iter().step_by(5).collect();
        assert_eq!(fifth.len(), some.len());
        for (a, b) in fifth.into_iter().zip(some) {
            assert!((a.0 - b.0).abs() < 1e-5 && a.1 == b.1, "{a:?} {b:?}");
        }
    }
    // Those who score leave the threads of the training as they were.
    tch::set_num_threads(2);
    let _ = score(2, 1);
    assert_eq!(tch::get_num_threads(), 2);
}

/// Begins a second training in the folder of the first, in the middle of it.
struct Intruder<'a> {
    folder: &'a Path,
    error: Option<String>,
}

impl Observer for Intruder<'_> {
    fn batch(&mut self, _: usize, _: usize, _: usize, _: f64) {
        let corpora = [corpus()];
        let setting = TrainContext {
            train: &corpora,
            valid: &corpora,
            device: Device::Cpu,
            teacher: None,
            start_from: None,
            loader_threads: 1,
            folder: self.folder,
            stop: &AtomicBool::new(false),
        };
        self.error = fit(&experiment(1), &setting, &mut Record::default())
            .err()
            .map(|e| e.to_string());
    }

    fn epoch(&mut self, _: &EpochReport) {}
}

#[test]
#[cfg(unix)]
fn a_folder_is_trained_in_by_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut intruder = Intruder {
        folder: folder.path(),
        error: None,
    };
    let corpora = [corpus()];
    let setting = TrainContext {
        train: &corpora,
        valid: &corpora,
        device: Device::Cpu,
        teacher: None,
        start_from: None,
        loader_threads: 1,
        folder: folder.path(),
        stop: &AtomicBool::new(false),
    };
    let _exclusive = exclusive();
    assert_eq!(
        fit(&experiment(1), &setting, &mut intruder).unwrap(),
        Outcome::Finished
    );
    let error = intruder.error.unwrap();
    assert!(error.contains("another program is training in"), "{error}");
    // It is free again.
    assert_eq!(
        fit(&experiment(2), &setting, &mut Record::default()).unwrap(),
        Outcome::Finished
    );
}

#[test]
fn another_experiment_does_not_go_on_from_a_foreign_state() {
    let folder = trained();
    let corpora = [corpus()];
    let stop = AtomicBool::new(false);
    let setting = TrainContext {
        train: &corpora,
        valid: &corpora,
        device: Device::Cpu,
        teacher: None,
        start_from: None,
        loader_threads: 1,
        folder: folder.path(),
        stop: &stop,
    };
    let _exclusive = exclusive();
    let mut other = experiment(1);
    other.training.seed = 4;
    let text = fit(&other, &setting, &mut Record::default())
        .unwrap_err()
        .to_string();
    assert!(text.contains("other settings"), "{text}");
    fs::write(folder.path().join("state.safetensors"), "broken").unwrap();
    let text = fit(&experiment(1), &setting, &mut Record::default())
        .unwrap_err()
        .to_string();
    assert!(text.contains("cannot be resumed from"), "{text}");
}

#[test]
fn two_tones_are_told_apart_and_the_checkpoint_says_how_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::default();
    train_as(&learning(5), folder.path(), &mut record).unwrap();
    let losses: Vec<f64> = record.epochs.iter().map(|e| e.valid_loss).collect();
    assert!(losses.last().unwrap() < &0.2, "{losses:?}");
    let log = fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    assert_eq!(log.lines().count(), record.epochs.len());
    let curves = fs::read_to_string(folder.path().join("curves.svg")).unwrap();
    // Both losses and the one corpus, a point an epoch, and a mark at the best.
    assert_eq!(curves.matches("<polyline").count(), 3);
    assert_eq!(
        curves.matches("<circle").count(),
        3 * record.epochs.len() + 3
    );
    assert!(curves.contains("class=\"mark\"") && curves.contains(">tones<"));

    let corpora = [corpus()];
    let stop = AtomicBool::new(false);
    let setting = TrainContext {
        train: &corpora,
        valid: &corpora,
        device: Device::Cpu,
        teacher: None,
        start_from: None,
        loader_threads: 1,
        folder: folder.path(),
        stop: &stop,
    };
    let out = folder.path().join("tiny.safetensors");
    let best = Checkpoint::read(&TrainContext::best_path(folder.path())).unwrap();
    let metadata = finish(best, setting.valid, Aim::Accuracy, setting.device, &out).unwrap();
    let read = Checkpoint::read(&out).unwrap().metadata;
    assert_eq!(read, metadata);
    assert!(
        read.figures["valid/tones/horizon_39/accuracy_raw"] > 0.9,
        "{:?}",
        read.figures
    );
}

#[test]
fn a_training_may_begin_with_a_checkpoint_of_the_same_network() {
    let folder = trained();
    let start = Checkpoint::read(&folder.path().join("best.safetensors")).unwrap();
    let corpora = [corpus()];
    let stop = AtomicBool::new(false);
    let next = tempfile::tempdir().unwrap();
    let setting = TrainContext {
        train: &corpora,
        valid: &corpora,
        device: Device::Cpu,
        teacher: None,
        start_from: Some(&start),
        loader_threads: 1,
        folder: next.path(),
        stop: &stop,
    };
    // At a rate of (almost) nothing, the weights stay those of the start.
    let mut still = experiment(1);
    still.training.learning_rate = 1e-30;
    still.training.weight_decay = 0.0;
    let _exclusive = exclusive();
    fit(&still, &setting, &mut Record::default()).unwrap();
    let after = Checkpoint::read(&next.path().join("best.safetensors")).unwrap();
    assert_eq!(after.weights["head.weight"], start.weights["head.weight"]);
    assert_eq!(after.normalisation, start.normalisation);

    let mut other = experiment(1);
    other.horizons_frames = vec![39, 23, 7];
    fs::remove_file(next.path().join("state.safetensors")).unwrap();
    let text = fit(&other, &setting, &mut Record::default())
        .unwrap_err()
        .to_string();
    assert!(text.contains("other horizons"), "{text}");
}

#[test]
fn more_look_aheads_are_learnt_without_touching_the_rest() {
    let folder = trained();
    let finished = || Checkpoint::read(&folder.path().join("best.safetensors")).unwrap();
    let mut more = experiment(1);
    more.horizons_frames = vec![39, 23, 7, 2];
    more.training.only_horizons_frames = vec![23, 2];
    let mut start = finished().with_horizons(&more.horizons_frames).unwrap();
    start.metadata.trained_on = vec!["an earlier part".into()];
    let corpora = [corpus()];
    let stop = AtomicBool::new(false);
    let next = tempfile::tempdir().unwrap();
    let setting = |start_from| TrainContext {
        train: &corpora,
        valid: &corpora,
        device: Device::Cpu,
        teacher: None,
        start_from,
        loader_threads: 1,
        folder: next.path(),
        stop: &stop,
    };
    let _exclusive = exclusive();
    let fault = fit(&more, &setting(None), &mut Record::default())
        .unwrap_err()
        .to_string();
    assert!(fault.contains("--start-from"), "{fault}");
    fit(&more, &setting(Some(&start)), &mut Record::default()).unwrap();

    let after = Checkpoint::read(&next.path().join("best.safetensors")).unwrap();
    // What the network was trained on before counts.
    let trained_on = &after.metadata.trained_on;
    assert!(
        trained_on.contains(&"an earlier part".to_owned()),
        "{trained_on:?}"
    );
    for (name, weight) in &start.weights {
        if !name.starts_with("head.") {
            assert!(weight.equal(&after.weights[name]), "{name}");
            continue;
        }
        for (place, learnt) in [false, true, false, true].into_iter().enumerate() {
            let of = |weight: &Tensor| weight.narrow(0, 2 * place as i64, 2);
            let same = of(weight).equal(&of(&after.weights[name]));
            assert_eq!(same, !learnt, "{name} {place}");
        }
    }
}

#[test]
fn faults_of_an_experiment_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    let fault = |text: &str| {
        fs::write(&path, text).unwrap();
        Experiment::read(&path).unwrap_err().to_string()
    };
    assert!(
        Experiment::read(&folder.path().join("gone"))
            .unwrap_err()
            .to_string()
            .contains("gone")
    );
    assert!(fault(&EXPERIMENT.replace("depth = 14", "depth = 15")).contains("depth 15"));
    assert!(fault(&EXPERIMENT.replace("[39, 7]", "[7, 39]")).contains("horizons_frames = [7, 39]"));
    assert!(fault(&EXPERIMENT.replace("seed", "sed")).contains("sed"));
    assert!(fault(&EXPERIMENT.replace("stretch = 0.1", "stretch = 9.0")).contains("stretch"));
    assert!(fault(&EXPERIMENT.replace("weight = 1.0", "weight = 0.0")).contains("above 0"));
    assert!(
        fault(&EXPERIMENT.replace("batch_windows = 8", "batch_windows = 0"))
            .contains("batch_windows")
    );
}

#[test]
fn an_average_lies_between_its_checkpoints_and_refuses_strangers() {
    let _exclusive = exclusive();
    let checkpoint = |value: f64, horizons: Vec<u32>| {
        let architecture = Architecture {
            family: Family::SeResNet(Depth::D14),
            members: 1,
            horizons: horizons.len(),
            speech: false,
        };
        let weights = initial_weights(architecture);
        for weight in weights.values() {
            let _ = tch::no_grad(|| weight.shallow_clone().fill_(value));
        }
        let normalisation = Normalisation {
            level: LevelMode::Absolute,
            mean: [0.0; 80],
            std: [1.0; 80],
        };
        let mut experiment = experiment(1);
        experiment.horizons_frames = horizons;
        checkpoint_of(&experiment, architecture, &weights, &normalisation)
    };
    let mean = average(vec![
        checkpoint(1.0, vec![39, 7]),
        checkpoint(4.0, vec![39, 7]),
    ])
    .unwrap();
    for weight in mean.weights.values() {
        assert_eq!(weight.min().double_value(&[]), 2.5);
        assert_eq!(weight.max().double_value(&[]), 2.5);
    }
    let fault = average(vec![
        checkpoint(1.0, vec![39, 7]),
        checkpoint(1.0, vec![39]),
    ]);
    assert!(
        fault
            .err()
            .unwrap()
            .to_string()
            .contains("cannot be averaged")
    );
    let mut other_bands = checkpoint(1.0, vec![39]);
    other_bands.normalisation.mean[3] = 0.5;
    let fault = average(vec![checkpoint(1.0, vec![39]), other_bands]);
    assert!(
        fault
            .err()
            .unwrap()
            .to_string()
            .contains("cannot be averaged")
    );
    assert!(average(vec![]).is_err());
}

#[test]
fn the_average_with_a_training_on_windows_of_one_level_is_given_such_windows() {
    let _exclusive = exclusive();
    let at = |level: LevelMode| {
        let mut experiment = experiment(1);
        experiment.level = level;
        let architecture = experiment.architecture().unwrap();
        let normalisation = Normalisation {
            level,
            mean: [0.0; 80],
            std: [1.0; 80],
        };
        let weights = initial_weights(architecture);
        checkpoint_of(&experiment, architecture, &weights, &normalisation)
    };
    for levels in [
        [LevelMode::Absolute, LevelMode::Relative],
        [LevelMode::Relative, LevelMode::Absolute],
    ] {
        let mean = average(levels.map(at).into()).unwrap();
        assert_eq!(mean.normalisation.level, LevelMode::Relative);
        // What is written and read again agrees.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mean.safetensors");
        mean.write(&path).unwrap();
        let read = Checkpoint::read(&path).unwrap();
        assert_eq!(read.normalisation.level, LevelMode::Relative);
    }
    let absolute = average([LevelMode::Absolute; 2].map(at).into()).unwrap();
    assert_eq!(absolute.normalisation.level, LevelMode::Absolute);
}
