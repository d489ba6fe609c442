//! The settings of every stream: the configuration's, with the changes that requests have made over them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vocald_client::message::{Counts, DecisionSettings, StreamSettings};
use vocald_client::settings::{Change, DecisionChange};

use crate::config::{Config, DecisionConfig, SourceConfig};
use crate::decision::{Decider, NO_GATE_DB};
use crate::frontend::window::lookahead_s;
use crate::pipeline::daemon_error::DaemonError;
use crate::pipeline::models::Model;

/// The settings of all streams, for the threads that open and change them.
#[derive(Default)]
pub(super) struct StreamTable {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sources: BTreeMap<String, SourceSettings>,
    streams: BTreeMap<String, Entry>,
}

/// What the configuration sets for the streams of a source.
#[derive(Clone)]
pub(super) struct SourceSettings {
    pub model: Arc<Model>,
    pub decision: DecisionConfig,
    pub gain_db: f32,
    pub gate_db: f32,
    pub counts: Counts,
}

impl SourceSettings {
    /// Those of `source` in `config`.
    pub fn of(config: &Config, source: &SourceConfig, model: &Arc<Model>) -> Self {
        Self {
            model: Arc::clone(model),
            decision: source.decision.over(&config.decision),
            gain_db: source.gain_db,
            gate_db: source.gate_db,
            counts: source.counts,
        }
    }
}

struct Entry {
    source: String,
    channel: Option<u16>,
    changes: Changes,
    muted: bool,
}

/// What requests have changed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Changes {
    decision: DecisionConfig,
    gain_db: Option<f32>,
    gate_db: Option<f32>,
}

impl Changes {
    /// These changes with those of a request over them.
    pub fn with(
        self,
        decision: &DecisionChange,
        gain_db: Change<f32>,
        gate_db: Change<f32>,
    ) -> Self {
        Self {
            decision: self.decision.changed(decision),
            gain_db: gain_db.unwrap_or(self.gain_db),
            gate_db: gate_db.unwrap_or(self.gate_db),
        }
    }
}

/// A stream with all its settings.
pub(super) struct Opened {
    pub source: String,
    pub channel: Option<u16>,
    pub model: Arc<Model>,
    pub decider: Decider,
    pub gain_db: f32,
    pub settings: StreamSettings,
}

impl StreamTable {
    /// Sets what the configuration sets for a source. What requests have changed on its streams is forgotten.
    pub fn set_source(&self, name: &str, settings: SourceSettings) {
        let mut inner = self.lock();
        inner.sources.insert(name.into(), settings);
        let streams = inner.streams.values_mut().filter(|s| s.source == name);
        streams.for_each(|stream| stream.changes = Changes::default());
    }

    /// The network of a source.
    pub fn model_of(&self, source: &str) -> Option<Arc<Model>> {
        let inner = self.lock();
        inner.sources.get(source).map(|s| Arc::clone(&s.model))
    }

    /// Forgets a source and its streams.
    pub fn remove_source(&self, name: &str) {
        let mut inner = self.lock();
        inner.sources.remove(name);
        inner.streams.retain(|_, stream| stream.source != name);
    }

    /// Adds a stream, if it is new, and returns its settings.
    pub fn open(
        &self,
        stream: &str,
        source: &str,
        channel: Option<u16>,
    ) -> Result<Opened, DaemonError> {
        let mut inner = self.lock();
        inner.streams.entry(stream.into()).or_insert_with(|| Entry {
            source: source.into(),
            channel,
            changes: Changes::default(),
            muted: false,
        });
        inner.opened(stream)
    }

    /// The settings of a stream as they are now.
    pub fn get(&self, stream: &str) -> Result<Opened, DaemonError> {
        self.lock().opened(stream)
    }

    /// The streams of this name, or all.
    pub fn names(&self, only: Option<&str>) -> Result<Vec<String>, DaemonError> {
        let inner = self.lock();
        let names = inner.streams.keys();
        let chosen: Vec<String> = names
            .filter(|name| only.is_none_or(|only| only == *name))
            .cloned()
            .collect();
        match (only, chosen.is_empty()) {
            (Some(name), true) => Err(inner.unknown(name)),
            _ => Ok(chosen),
        }
    }

    /// The streams of a source.
    pub fn of_source(&self, source: &str) -> Vec<String> {
        let inner = self.lock();
        let streams = inner.streams.iter().filter(|(_, s)| s.source == source);
        streams.map(|(name, _)| name.clone()).collect()
    }

    /// Changes settings of these streams: of all, or, if one would be impossible, of none.
    pub fn change(
        &self,
        streams: &[String],
        change: impl Fn(Changes) -> Changes,
    ) -> Result<Vec<Opened>, DaemonError> {
        let mut inner = self.lock();
        let mut before = Vec::new();
        let mut change_all = || {
            let mut opened = Vec::new();
            for name in streams {
                if let Some(stream) = inner.streams.get_mut(name) {
                    before.push((name, stream.changes));
                    stream.changes = change(stream.changes);
                }
                opened.push(inner.opened(name)?);
            }
            Ok(opened)
        };
        let changed = change_all();
        if changed.is_err() {
            for (name, changes) in before {
                if let Some(stream) = inner.streams.get_mut(name) {
                    stream.changes = changes;
                }
            }
        }
        changed
    }

    /// Mutes a stream, or ends it.
    pub fn set_muted(&self, stream: &str, muted: bool) {
        if let Some(stream) = self.lock().streams.get_mut(stream) {
            stream.muted = muted;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn unknown(&self, stream: &str) -> DaemonError {
        DaemonError::NoStream {
            stream: stream.into(),
            known: self.streams.keys().cloned().collect::<Vec<_>>().join(", "),
        }
    }

    fn opened(&self, stream: &str) -> Result<Opened, DaemonError> {
        let entry = self.streams.get(stream);
        let found = entry.and_then(|entry| Some((entry, self.sources.get(&entry.source)?)));
        let (entry, source) = found.ok_or_else(|| self.unknown(stream))?;
        let Changes {
            decision,
            gain_db,
            gate_db,
        } = entry.changes;
        let mut changed: Vec<String> = decision.set_keys().into_iter().map(Into::into).collect();
        changed.extend(gain_db.map(|_| "gain_db".to_owned()));
        changed.extend(gate_db.map(|_| "gate_db".to_owned()));
        let decision = decision.over(&source.decision);
        let gain_db = gain_db.unwrap_or(source.gain_db);
        let gate_db = gate_db.unwrap_or(source.gate_db);
        let decider = source.model.decider(&decision, gate_db, source.counts)?;
        let horizon = decider.horizon();
        let point = horizon.point;
        let settings = StreamSettings {
            model: source.model.name().into(),
            lookaheads_s: source.model.lookaheads_s(),
            decision: DecisionSettings {
                horizon_frames: horizon.frames,
                lookahead_s: lookahead_s(horizon.frames),
                threshold: point.threshold,
                enter: point.enter,
                reenter: point.reentry.map(|reentry| reentry.reenter),
                recency_s: point.reentry.map(|reentry| reentry.recency_s),
                leave: point.leave,
                confirm_n: point.confirm_n,
                confirm_m: point.confirm_m,
                min_voice_s: point.min_voice_s,
                min_gap_s: point.min_gap_s,
            },
            gain_db,
            gate_db: (gate_db > NO_GATE_DB).then_some(gate_db),
            muted: entry.muted,
            changed,
        };
        Ok(Opened {
            source: entry.source.clone(),
            channel: entry.channel,
            model: Arc::clone(&source.model),
            decider,
            gain_db,
            settings,
        })
    }
}
