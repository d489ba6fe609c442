//! Progress of a training in the terminal: a bar for each epoch, or lines where there is no terminal.

use std::time::Instant;

use indicatif::ProgressBar;

use crate::cli::progress;
use crate::stderr;
use crate::training::experiment::Experiment;
use crate::training::fit::{EpochReport, Observer, Outcome};
use crate::training::run::RunObserver;

/// Share of an epoch from which on the time spent waiting for windows is shown.
const SHOWN_WAIT: f64 = 0.05;
/// Lines for each epoch where there is no bar, as in a log file.
const LINES_PER_EPOCH: usize = 8;

pub struct Terminal {
    bar: ProgressBar,
    epochs: usize,
    epoch_began: Instant,
}

impl Terminal {
    pub fn new(experiment: &Experiment) -> Self {
        Self {
            bar: progress::bar(
                experiment.training.epoch_batches as u64,
                "{prefix} {bar:30} {pos}/{len} loss {msg} {eta} left",
            ),
            epochs: experiment.training.max_epochs,
            epoch_began: Instant::now(),
        }
    }
}

impl Observer for Terminal {
    fn batch(&mut self, epoch: usize, done: usize, of: usize, loss: f64) {
        if done == 1 {
            self.epoch_began = Instant::now();
            self.bar.reset();
            self.bar.set_length(of as u64);
            self.bar
                .set_prefix(format!("epoch {}/{}", epoch + 1, self.epochs));
        }
        self.bar.set_message(format!("{loss:.3}"));
        self.bar.set_position(done as u64);
        // The first batch began before the clock and is not counted.
        if self.bar.is_hidden() && done > 1 && done.is_multiple_of(of.div_ceil(LINES_PER_EPOCH)) {
            let batch_s = self.epoch_began.elapsed().as_secs_f64() / (done - 1) as f64;
            let (epoch, epochs) = (epoch + 1, self.epochs);
            stderr::line(format_args!(
                "epoch {epoch}/{epochs}: {done} of {of} batches, loss {loss:.3}, {batch_s:.3} s per batch"
            ));
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        let corpora: Vec<String> = report
            .corpora
            .iter()
            .map(|c| {
                // NaN where all labels are the same.
                let auroc = match c.auroc.is_nan() {
                    true => String::new(),
                    false => format!(" (auroc {:.3})", c.auroc),
                };
                format!("{} {:.3}{auroc}", c.name, c.accuracy_at_half)
            })
            .collect();
        let waited = match report.waited_s > SHOWN_WAIT * report.seconds {
            true => format!(", {:.0} s of them waiting for windows", report.waited_s),
            false => String::new(),
        };
        let line = format!(
            "epoch {:3}  train {:.4}  valid {:.4}{}  {}  {:.0} s{waited}",
            report.epoch + 1,
            report.train_loss,
            report.valid_loss,
            if report.best { " best" } else { "     " },
            corpora.join(", "),
            report.seconds
        );
        self.bar.suspend(|| stderr::line(line));
    }
}

impl RunObserver for Terminal {
    fn fitted(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Finished => self.bar.finish_and_clear(),
            Outcome::Interrupted => self.bar.abandon(),
        }
    }
}
