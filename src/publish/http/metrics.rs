//! Prometheus metrics: counted from the messages, and those that the other stages count themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use vocald_client::Message;
use vocald_client::message::{Hello, StreamState};

/// From far below the time of one inference to far behind.
const LATENCY_BUCKETS_S: [f64; 10] = [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56];

type Seconds = Counter<f64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStream {
    stream: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Loss {
    stream: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Reason(&'static str);

impl EncodeLabelValue for Reason {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

/// The metrics of all streams.
pub struct Metrics {
    registry: Registry,
    hop_s: f64,
    /// `seq` of the newest decision of each stream; a jump means skipped windows.
    newest_seq: BTreeMap<String, u64>,
    decisions: Family<OfStream, Counter>,
    voice: Family<OfStream, Seconds>,
    present: Family<OfStream, Gauge<i64, AtomicI64>>,
    onsets: Family<OfStream, Counter>,
    speech: Family<OfStream, Seconds>,
    speech_present: Family<OfStream, Gauge<i64, AtomicI64>>,
    skipped: Family<OfStream, Counter>,
    lost: Family<Loss, Seconds>,
    reconnects: Family<OfStream, Counter>,
    latency: Family<OfStream, Histogram>,
    lagged: Counter,
    clients: Gauge,
}

impl Metrics {
    /// `collector`: the metrics of other stages.
    pub fn new(hello: &Hello, collector: Box<dyn Collector>) -> Self {
        let latency = || Histogram::new(LATENCY_BUCKETS_S);
        let mut metrics = Self {
            registry: Registry::with_prefix("vocald"),
            hop_s: hello.hop,
            newest_seq: BTreeMap::new(),
            decisions: Family::default(),
            voice: Family::default(),
            present: Family::default(),
            onsets: Family::default(),
            speech: Family::default(),
            speech_present: Family::default(),
            skipped: Family::default(),
            lost: Family::default(),
            reconnects: Family::default(),
            latency: Family::new_with_constructor(latency),
            lagged: Counter::default(),
            clients: Gauge::default(),
        };
        metrics.register(hello);
        metrics.registry.register_collector(collector);
        metrics
    }

    fn register(&mut self, hello: &Hello) {
        let r = &mut self.registry;
        let build = Info::new([("version", hello.version.clone())]);
        r.register("build", "The program", build);
        let model = Info::new([
            ("name", hello.model.clone()),
            ("device", hello.device.clone()),
        ]);
        r.register("model", "The network and its device", model);
        r.register("decisions", "Decisions published", self.decisions.clone());
        r.register_with_unit(
            "voice",
            "Time with voice",
            Unit::Seconds,
            self.voice.clone(),
        );
        r.register(
            "voice_present",
            "1 while voice is present",
            self.present.clone(),
        );
        r.register("onsets", "Onsets published", self.onsets.clone());
        r.register_with_unit(
            "speech",
            "Time with speech",
            Unit::Seconds,
            self.speech.clone(),
        );
        r.register(
            "speech_present",
            "1 while somebody speaks",
            self.speech_present.clone(),
        );
        r.register(
            "windows_lost",
            "Windows skipped without a decision",
            self.skipped.clone(),
        );
        r.register_with_unit(
            "lost",
            "Sound lost, by reason",
            Unit::Seconds,
            self.lost.clone(),
        );
        r.register(
            "reconnects",
            "Times a source vanished",
            self.reconnects.clone(),
        );
        r.register_with_unit(
            "latency",
            "Time from the capture of a window's last sample to its decision",
            Unit::Seconds,
            self.latency.clone(),
        );
        r.register(
            "http_lagged",
            "Messages lost because this server was too slow",
            self.lagged.clone(),
        );
        r.register(
            "websocket_clients",
            "Connected WebSocket clients",
            self.clients.clone(),
        );
    }

    /// Counts a message.
    pub fn observe(&mut self, message: &Message) {
        let of = |stream: &str| OfStream {
            stream: stream.to_owned(),
        };
        match message {
            Message::Decision(d) => {
                let of = of(&d.stream);
                self.decisions.get_or_create(&of).inc();
                self.latency.get_or_create(&of).observe(d.latency);
                self.present.get_or_create(&of).set(d.voice.into());
                let voice_s = if d.voice { self.hop_s } else { 0.0 };
                self.voice.get_or_create(&of).inc_by(voice_s);
                if let Some(speech) = d.speech {
                    self.speech_present.get_or_create(&of).set(speech.into());
                    let speech_s = if speech { self.hop_s } else { 0.0 };
                    self.speech.get_or_create(&of).inc_by(speech_s);
                }
                let before = self.newest_seq.insert(d.stream.clone(), d.seq);
                let skipped = before.map_or(0, |b| d.seq.saturating_sub(b.saturating_add(1)));
                self.skipped.get_or_create(&of).inc_by(skipped);
            }
            Message::Onset(o) => {
                self.onsets.get_or_create(&of(&o.stream)).inc();
            }
            Message::Offset(o) => {
                self.present.get_or_create(&of(&o.stream)).set(0);
            }
            Message::SpeechOffset(o) => {
                self.speech_present.get_or_create(&of(&o.stream)).set(0);
            }
            Message::Gap(gap) => {
                let loss = Loss {
                    stream: gap.stream.clone(),
                    reason: Reason(gap.reason.word()),
                };
                self.lost.get_or_create(&loss).inc_by(gap.lost.max(0.0));
            }
            Message::State(s) if s.state == StreamState::Reconnecting => {
                self.reconnects.get_or_create(&of(&s.stream)).inc();
            }
            Message::Lagged(l) => {
                self.lagged.inc_by(l.lost);
            }
            _ => {}
        }
    }

    /// The metrics in OpenMetrics text.
    ///
    /// # Errors
    ///
    /// If a collector fails.
    pub fn text(&self, clients: usize) -> Result<String, fmt::Error> {
        self.clients.set(i64::try_from(clients).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
