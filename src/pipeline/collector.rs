//! Metrics that the stages count themselves, read when Prometheus requests them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use vocald_client::message::SinkState;

use crate::audio::{Health, HealthSnapshot};
use crate::inference::Intake;
use crate::inference::stats::{PASS_BOUNDS_S, Stats};
use crate::publish::Hub;

/// Access to the counters of sources, inference and hub.
pub struct Collector {
    sources: Mutex<Vec<(String, Arc<Health>)>>,
    inference: Mutex<Vec<Intake>>,
    /// Weak: a sink of the hub holds the collector.
    hub: Weak<Hub>,
}

impl Collector {
    /// Without sources.
    pub fn new(hub: Weak<Hub>) -> Self {
        Self {
            sources: Mutex::default(),
            inference: Mutex::default(),
            hub,
        }
    }

    /// Adds the counters of a source.
    pub fn add_source(&self, name: &str, health: Arc<Health>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.push((name.to_owned(), health));
    }

    /// Forgets the counters of a source.
    pub fn remove_source(&self, name: &str) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.retain(|(known, _)| known != name);
    }

    /// Sets the networks that are counted.
    pub fn set_inference(&self, intakes: Vec<Intake>) {
        let inference = self.inference.lock();
        *inference.unwrap_or_else(PoisonError::into_inner) = intakes;
    }

    fn inference_stats(&self) -> Stats {
        let intakes = self
            .inference
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let all = intakes.iter().map(Intake::stats);
        all.fold(Stats::default(), Stats::plus)
    }

    fn sources(&self) -> Vec<(String, HealthSnapshot)> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |(name, health): &(String, Arc<Health>)| (name.clone(), health.snapshot());
        sources.iter().map(read).collect()
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Collector")
    }
}

impl prometheus_client::collector::Collector for Collector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let sources = self.sources();
        type Count = fn(&HealthSnapshot) -> u64;
        let counts: [(&str, &str, Count); 4] = [
            (
                "xruns",
                "Overruns and underruns that the device reported",
                |h| h.xruns,
            ),
            ("captured_frames", "Frames that went into the ring", |h| {
                h.frames_captured
            }),
            (
                "lost_frames",
                "Frames lost because the ring was full",
                |h| h.frames_lost,
            ),
            (
                "device_returns",
                "Times that a vanished device returned",
                |h| h.reconnects,
            ),
        ];
        for (name, help, count) in counts {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (source, health) in &sources {
                let labels = [("source", source.as_str())];
                ConstCounter::new(count(health)).encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Messages that wait for a sink";
        let mut family =
            encoder.encode_descriptor("queue_messages", help, None, MetricType::Gauge)?;
        for (sink, waiting) in self
            .hub
            .upgrade()
            .map(|hub| hub.queues())
            .unwrap_or_default()
        {
            let labels = [("sink", sink.as_str())];
            ConstGauge::new(waiting as i64).encode(family.encode_family(&labels)?)?;
        }
        let help = "Whether a sink delivers: 1, or 0 while its other end is away or it has failed";
        let mut family =
            encoder.encode_descriptor("sink_running", help, None, MetricType::Gauge)?;
        let sinks = self.hub.upgrade().map(|hub| hub.hello().sinks);
        for status in sinks.unwrap_or_default() {
            let labels = [("sink", status.sink.as_str())];
            let running = status.state == SinkState::Running;
            ConstGauge::new(i64::from(running)).encode(family.encode_family(&labels)?)?;
        }
        inference(&self.inference_stats(), &mut encoder)
    }
}

fn inference(load: &Stats, encoder: &mut DescriptorEncoder) -> fmt::Result {
    let Stats {
        waiting_windows,
        passes,
    } = load;
    let help = "Windows that wait for inference";
    let gauge = encoder.encode_descriptor("queue_windows", help, None, MetricType::Gauge)?;
    ConstGauge::new(*waiting_windows as i64).encode(gauge)?;
    let help = "Windows inferred";
    let counter = encoder.encode_descriptor("inferred_windows", help, None, MetricType::Counter)?;
    ConstCounter::new(passes.windows).encode(counter)?;
    let help = "Time of one pass of the network over the waiting windows";
    let seconds = Some(&Unit::Seconds);
    let mut histogram =
        encoder.encode_descriptor("inference", help, seconds, MetricType::Histogram)?;
    let count = passes.counts.iter().sum();
    let buckets: Vec<_> = PASS_BOUNDS_S.into_iter().zip(passes.counts).collect();
    histogram.encode_histogram::<NoLabelSet>(passes.sum_s, count, &buckets, None)
}
