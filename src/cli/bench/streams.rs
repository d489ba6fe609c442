//! How many streams the daemon keeps up with.

use std::time::{Duration, Instant};

use anyhow::bail;
use vocald_client::Message;

use crate::cli::bench::child::Child;
use crate::cli::bench::program::Options;
use crate::cli::bench::tone::write_tone;

/// Length of a measurement, in which latency settles.
const SOUND_S: u32 = 8;
/// Processor time over a shorter time is noise.
const LEAST_S: f64 = 1.0;
/// Most latency of 99 % of the decisions.
pub const BUDGET_MS: f64 = 50.0;
/// Most streams that are tried.
const MOST_STREAMS: u32 = 128;

/// The decisions of some streams at once.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Load {
    pub streams: u32,
    pub latency_median_ms: f64,
    pub latency_p99_ms: f64,
    /// Windows and sound that were lost.
    pub gaps: usize,
    /// Share of one core from the first decision, or loss, to the last, so without the start.
    pub cpu_percent: f64,
}

impl Load {
    fn keeps_up(&self) -> bool {
        self.gaps == 0 && self.latency_p99_ms <= BUDGET_MS
    }
}

/// Doubles the number of streams until the latency exceeds 50 ms or sound is lost, then halves the difference. Every
/// load that was measured, in the order of streams.
pub fn loads(options: &Options, mut done: impl FnMut(&Load)) -> anyhow::Result<Vec<Load>> {
    let mut loads = Vec::new();
    let (mut kept, mut lost) = (0, MOST_STREAMS + 1);
    let mut streams = 1;
    // To an eighth: less than the noise from one run to the next.
    while streams > kept && lost - kept > kept.div_ceil(8) {
        let load = load(options, streams)?;
        done(&load);
        match load.keeps_up() {
            true => kept = streams,
            false => lost = streams,
        }
        loads.push(load);
        streams = match lost > MOST_STREAMS {
            true => (2 * streams).min(MOST_STREAMS),
            false => (kept + lost) / 2,
        };
    }
    loads.sort_by_key(|load| load.streams);
    Ok(loads)
}

/// The most streams that keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    pub streams: u32,
    /// More were not tried.
    pub at_least: bool,
}

impl Most {
    pub fn of(loads: &[Load]) -> Self {
        let keeping = loads.iter().filter(|load| load.keeps_up());
        let streams = keeping.map(|load| load.streams).max().unwrap_or(0);
        Self {
            streams,
            at_least: streams == MOST_STREAMS,
        }
    }
}

/// A daemon at real-time pace on the channels of a file, whose windows all come at the same moment: the worst case.
fn load(options: &Options, streams: u32) -> anyhow::Result<Load> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("streams.wav");
    write_tone(&path, u16::try_from(streams)?, SOUND_S)?;
    let mut command = options.command("run")?;
    command.args(["--pace", "realtime", "--each-channel"]);
    command.args(["--only", "decision,gap"]).arg(&path);
    let mut child = Child::start(command)?;
    let clock = child.cpu_clock()?;
    let (mut latencies_ms, mut gaps) = (Vec::new(), 0);
    let (mut first, mut last) = (None, None);
    for message in child.messages() {
        match message? {
            Message::Decision(decision) => latencies_ms.push(decision.latency * 1000.0),
            Message::Gap(_) => gaps += 1,
            _ => continue,
        }
        let now = (Instant::now(), clock.now()?);
        first.get_or_insert(now);
        last = Some(now);
    }
    child.end()?;
    let (took, used) = match (first, last) {
        (Some(first), Some(last)) => (last.0 - first.0, last.1.saturating_sub(first.1)),
        _ => (Duration::ZERO, Duration::ZERO),
    };
    if latencies_ms.is_empty() || took.as_secs_f64() < LEAST_S {
        bail!(
            "vocald run made {} decisions on {SOUND_S} s of {streams} streams and lost sound {gaps} times, too few to \
             measure",
            latencies_ms.len()
        );
    }
    latencies_ms.sort_by(f64::total_cmp);
    let at = |share: f64| latencies_ms[(share * (latencies_ms.len() - 1) as f64) as usize];
    Ok(Load {
        streams,
        latency_median_ms: at(0.5),
        latency_p99_ms: at(0.99),
        gaps,
        cpu_percent: 100.0 * used.as_secs_f64() / took.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(streams: u32, latency_p99_ms: f64, gaps: usize) -> Load {
        Load {
            streams,
            latency_median_ms: 1.0,
            latency_p99_ms,
            gaps,
            cpu_percent: 1.0,
        }
    }

    #[test]
    fn the_most_streams_are_a_lower_bound_where_no_more_were_tried() {
        let most = |loads: &[Load]| {
            let most = Most::of(loads);
            (most.streams, most.at_least)
        };
        assert_eq!(most(&[load(1, 51.0, 0)]), (0, false));
        let loads = [load(1, 4.0, 0), load(2, 50.0, 0), load(4, 4.0, 1)];
        assert_eq!(most(&loads), (2, false));
        assert_eq!(most(&[load(64, 9.0, 0), load(128, 49.0, 0)]), (128, true));
    }
}
