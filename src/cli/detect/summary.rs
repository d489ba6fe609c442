//! What a job did, in one line.

use std::fmt::{self, Display};
use std::time::Duration;

use crate::cli::detect::passed_over::PassedOver;

/// Counts of a job.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    pub labelled: u64,
    /// Labelled by an earlier job.
    pub done_before: u64,
    pub failed: u64,
    /// Labelled files with a warning or damage.
    pub warned: u64,
    /// Length of the sounds that were labelled now.
    pub seconds: f64,
    pub voice_s: f64,
}

/// The line at the end.
pub struct Summary<'a> {
    pub totals: &'a Totals,
    pub passed_over: &'a PassedOver,
    pub took: Duration,
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals {
            labelled,
            done_before,
            failed,
            warned,
            seconds,
            voice_s,
        } = *self.totals;
        let plural = if labelled == 1 { "" } else { "s" };
        write!(f, "{labelled} file{plural} labelled")?;
        if labelled > 0 {
            let took_s = self.took.as_secs_f64();
            write!(
                f,
                ": {}, {:.1} % of it voice, in {} ({:.0} × real time)",
                duration(seconds),
                100.0 * voice_s / seconds.max(f64::MIN_POSITIVE),
                duration(took_s),
                seconds / took_s.max(1e-3)
            )?;
        }
        for (count, what) in [
            (done_before, "done before"),
            (warned, "with warnings"),
            (failed, "failed"),
        ] {
            if count > 0 {
                write!(f, "; {count} {what}")?;
            }
        }
        match self.passed_over.total() {
            0 => Ok(()),
            _ => write!(f, "; {}", self.passed_over),
        }
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.2} h", s / 3600.0),
    }
}
