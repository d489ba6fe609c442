//! Labels one sound after the other, on several threads.

use std::os::unix::ffi::OsStrExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;

use crate::audio::StopFlag;
use crate::cli::detect::formats::Format;
use crate::cli::detect::inputs::Job;
use crate::cli::detect::manifest::Manifest;
use crate::cli::detect::outputs::{Output, Outputs, Rendered, render, written_before};
use crate::cli::detect::printer::Printer;
use crate::cli::detect::progress::Progress;
use crate::cli::detect::record::{LabelFile, PathText, Record, State};
use crate::cli::detect::summary::Totals;
use crate::inference::WeightPrecision;
use crate::pipeline::label::{LabelError, Labeler};
use crate::pipeline::labels::Labels;
use crate::pipeline::recording::Input;
use crate::pipeline::verdict::Verdict;

/// What is done with the labels of each sound.
pub struct Batch<'a> {
    pub labeler: &'a Labeler,
    /// The format that is printed.
    pub printed: Option<Format>,
    /// Whether formats of singing alone get speech too.
    pub speech: bool,
    /// One line a sound is printed; ended by a NUL if set.
    pub verdicts: Option<Ending>,
    pub outputs: Option<Outputs>,
    pub manifest: Option<&'a Manifest>,
    pub skip_done: bool,
    /// Of the records.
    pub model: &'a str,
    pub precision: WeightPrecision,
    pub settings: &'a str,
    pub stop: &'a StopFlag,
    pub progress: &'a Progress,
}

/// The end of a printed verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Line,
    Nul,
}

/// How a batch ended.
pub enum Ended {
    /// Every sound is labelled or has failed; what failed was reported.
    Complete,
    /// The stop flag was set.
    Interrupted,
    /// The reader of standard output is gone, and nobody else needs the rest.
    ReaderGone,
    /// This error ended it, or it is that of the only sound.
    Failed(anyhow::Error),
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    totals: Totals,
    printer: Printer,
    end: Option<Ended>,
}

/// A sound that is finished.
struct Finished {
    seconds: f64,
    voice_share: f64,
    warned: bool,
    /// By an earlier job.
    before: bool,
    /// What is printed about it.
    text: Vec<u8>,
}

impl Batch<'_> {
    /// Labels all `jobs` on so many threads. With `several` of them, errors are reported when they happen.
    pub fn run<J>(&self, jobs: J, threads: usize, several: bool) -> (Totals, Ended)
    where
        J: Iterator<Item = anyhow::Result<Job>> + Send,
    {
        let jobs = Mutex::new((0..).zip(jobs));
        let shared = Mutex::new(Shared::default());
        let work = || {
            while !self.stop.is_stopped()
                && let Some((number, job)) = next(&jobs)
            {
                let finished = job.and_then(|job| self.contained(&job));
                if matches!(&finished, Err(error) if is_stopped(error)) {
                    break;
                }
                let mut shared = lock(&shared);
                let end = self.count(&mut shared, number, finished, several);
                if let Some(end) = end {
                    shared.end.get_or_insert(end);
                    self.stop.stop();
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        let end = match self.stop.is_stopped() {
            true => Ended::Interrupted,
            false => Ended::Complete,
        };
        (shared.totals, shared.end.unwrap_or(end))
    }

    /// Counts, prints and reports a sound; what ends the batch with it.
    fn count(
        &self,
        shared: &mut Shared,
        number: u64,
        finished: anyhow::Result<Finished>,
        several: bool,
    ) -> Option<Ended> {
        let text = match finished {
            Ok(finished) => {
                shared.totals.count(&finished);
                finished.text
            }
            Err(error) => {
                shared.totals.failed += 1;
                let ends_all = error.downcast_ref().is_some_and(LabelError::ends_all);
                if ends_all || !several {
                    return Some(Ended::Failed(error));
                }
                self.progress.say(&format!("vocald: {error:#}"));
                Vec::new()
            }
        };
        let is_all = self.outputs.is_none() && self.manifest.is_none();
        match shared.printer.print(number, text) {
            Err(e) => Some(Ended::Failed(
                anyhow::Error::from(e).context("stdout cannot be written"),
            )),
            Ok(()) => (shared.printer.closed && is_all).then_some(Ended::ReaderGone),
        }
    }

    /// Labels a sound. A panic ends no more than it.
    fn contained(&self, job: &Job) -> anyhow::Result<Finished> {
        catch_unwind(AssertUnwindSafe(|| self.finish(job))).unwrap_or_else(|_| {
            Err(anyhow!(
                "{} made vocald panic, which is a fault of vocald: please report it with the log above",
                job.input
            ))
        })
    }

    fn finish(&self, job: &Job) -> anyhow::Result<Finished> {
        let outputs = self
            .outputs
            .as_ref()
            .map_or_else(Vec::new, |outputs| outputs.of(job));
        let mut record = self.record(job);
        let mut others = Vec::new();
        if let Some(manifest) = self.manifest {
            if let Some(all) = &self.outputs {
                others = written_before(&all.others_of(job), manifest);
            }
            record.outputs = written_before(&outputs, manifest);
            // All of them, and as they were written. What comes by a pipe is never the same.
            let complete = record.outputs.len() == outputs.len() && record.size.is_some();
            record.outputs.extend_from_slice(&others);
            if self.skip_done
                && complete
                && let Some(done) = manifest.done(&record)
            {
                return Ok(Finished {
                    seconds: done.seconds,
                    voice_share: done.voice_share,
                    warned: false,
                    before: true,
                    text: self.verdict_line(job, done.verdict, done.voice_share),
                });
            }
        }
        let finished = self.label(job, outputs, others, &mut record);
        match &finished {
            Ok(_) => {}
            Err(error) if is_stopped(error) => return finished,
            Err(error) => {
                record.state = State::Failed;
                record.error = Some(format!("{error:#}"));
            }
        }
        if let Some(manifest) = self.manifest {
            record.finished = now();
            manifest.add(&record)?;
        }
        finished
    }

    fn label(
        &self,
        job: &Job,
        outputs: Vec<Output>,
        others: Vec<LabelFile>,
        record: &mut Record,
    ) -> anyhow::Result<Finished> {
        if let Some(all) = &self.outputs {
            all.check(&outputs, self.manifest)?;
        }
        let bar = self.progress.file();
        let labels = self.labeler.label(&job.input, &|s, of_s| bar.at(s, of_s))?;
        let rendered = render(outputs, &labels)?;
        record.describe(&labels);
        record.outputs = rendered
            .iter()
            .map(Rendered::record)
            .chain(others)
            .collect();
        if let Some(manifest) = self.manifest
            && !rendered.is_empty()
        {
            manifest.add(record)?;
        }
        rendered.iter().try_for_each(Rendered::write)?;
        record.state = State::Done;
        let (verdict, voice_share) = (Verdict::of(&labels), labels.voice_share());
        let text = match self.printed {
            Some(format) => format.write(&labels, self.speech)?.into_bytes(),
            None => self.verdict_line(job, verdict, voice_share),
        };
        Ok(Finished {
            seconds: labels.duration_s,
            voice_share,
            warned: !record.warnings.is_empty(),
            before: false,
            text,
        })
    }

    /// `VERDICT`, the share of voice and the path, with tabs; nothing if no verdicts are printed.
    fn verdict_line(&self, job: &Job, verdict: Verdict, voice_share: f64) -> Vec<u8> {
        let Some(ending) = self.verdicts else {
            return Vec::new();
        };
        let mut line = format!("{}\t{voice_share:.3}\t", verdict.name()).into_bytes();
        // The path's own bytes, whatever they are.
        line.extend_from_slice(job.input.path().as_os_str().as_bytes());
        line.push(match ending {
            Ending::Line => b'\n',
            Ending::Nul => 0,
        });
        line
    }

    /// The record of a sound before it is labelled.
    fn record(&self, job: &Job) -> Record {
        let metadata = match &job.input {
            Input::File(path) => std::fs::metadata(path).ok(),
            Input::Stdin | Input::Fifo(_) => None,
        };
        let modified = metadata.as_ref().and_then(|metadata| {
            let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            u64::try_from(modified.as_nanos()).ok()
        });
        Record {
            v: 1,
            sound: PathText::new(job.input.path()),
            state: State::Writing,
            size: metadata.map(|metadata| metadata.len()),
            modified_ns: modified,
            model: self.model.into(),
            precision: Some(self.precision.to_string()),
            settings: self.settings.into(),
            version: crate::VERSION.into(),
            seconds: None,
            voice_share: None,
            speech_share: None,
            verdict: None,
            formats: self
                .outputs
                .as_ref()
                .map_or_else(Vec::new, Outputs::format_names),
            outputs: Vec::new(),
            warnings: Vec::new(),
            error: None,
            finished: now(),
        }
    }
}

impl Record {
    /// Adds what was found.
    fn describe(&mut self, labels: &Labels) {
        self.seconds = Some(labels.duration_s);
        self.voice_share = Some(labels.voice_share());
        self.speech_share = labels.speech_share();
        self.verdict = Some(Verdict::of(labels));
        self.warnings = labels
            .damage
            .iter()
            .chain(&labels.warnings)
            .cloned()
            .collect();
    }
}

impl Totals {
    fn count(&mut self, finished: &Finished) {
        if finished.before {
            self.done_before += 1;
            return;
        }
        self.labelled += 1;
        self.seconds += finished.seconds;
        self.voice_s += finished.voice_share * finished.seconds;
        self.warned += u64::from(finished.warned);
    }
}

fn is_stopped(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(LabelError::Stopped(_)))
}

fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}

fn next<I: Iterator>(jobs: &Mutex<I>) -> Option<I::Item> {
    lock(jobs).next()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
