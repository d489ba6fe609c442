//! One training of the tables, from its data to its result.

use std::sync::atomic::AtomicBool;

use anyhow::anyhow;
use indicatif::ProgressBar;
use tch::Device;

use crate::cli::corpora_options::Sources;
use crate::cli::train::{Sound, out_path, train};
use crate::corpora::Split;
use crate::reproduction::measure::measure;
use crate::reproduction::plan::Training;
use crate::reproduction::status::TestResult;
use crate::training::TrainContext;

/// What the trainings share.
pub struct Work<'a> {
    pub sources: &'a Sources,
    pub device: Device,
    pub threads: usize,
    pub loader_threads: usize,
    pub stop: &'a AtomicBool,
}

pub enum Failure {
    /// The corpus cannot be read: no other training on it will do better.
    Data(anyhow::Error),
    Training(anyhow::Error),
}

impl Work<'_> {
    /// Trains, or goes on, and measures; nothing where Ctrl-C came before.
    pub fn finish(&self, training: &Training) -> Result<Option<TestResult>, Failure> {
        let experiment = &training.experiment;
        let checkpoint = out_path(experiment, &training.folder);
        let architecture = experiment.architecture();
        let architecture = architecture.map_err(|e| Failure::Training(anyhow!(e)))?;
        let cache = self.sources.cache(architecture.features());
        let cache = cache.map_err(Failure::Training)?;
        {
            let sound = Sound::read(experiment, self.sources, &cache).map_err(Failure::Data)?;
            let setting = TrainContext {
                train: &sound.train,
                valid: &sound.valid,
                device: self.device,
                loader_threads: self.loader_threads,
                start_from: None,
                teacher: None,
                folder: &training.folder,
                stop: self.stop,
            };
            let trained = train(experiment, &setting, &checkpoint).map_err(Failure::Training)?;
            if trained.is_none() {
                return Ok(None);
            }
        }
        let test = self.sources.load(experiment, Split::Test, &cache);
        let test = test.map_err(Failure::Data)?;
        let tracks = test.iter().flat_map(|corpus| &corpus.tracks);
        let bar = ProgressBar::new(tracks.map(|t| t.frames() as u64).sum());
        let done = |frames: usize| bar.inc(frames as u64);
        let (device, threads) = (self.device, self.threads);
        let result = measure(training, &checkpoint, &test, device, threads, &done);
        bar.finish_and_clear();
        let result = result.and_then(|result| {
            result.write(&training.folder)?;
            Ok(result)
        });
        result.map(Some).map_err(|e| Failure::Training(anyhow!(e)))
    }
}
