//! Changes a running daemon to a configuration that was read again. What stays the same goes on without a gap.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use vocald_client::message::{ALL_STREAMS, Reload, Reply, Version};
use vocald_client::{Message, Request};

use crate::config::{Config, SourceConfig};
use crate::pipeline::daemon::Daemon;
use crate::pipeline::daemon_error::{DaemonError, spawn};
use crate::pipeline::decision_thread::Command;
use crate::pipeline::doors::Inside;
use crate::pipeline::feed_options::FeedChange;
use crate::pipeline::models::Model;
use crate::pipeline::reload::{NotUsed, Prepared};
use crate::pipeline::stream_table::SourceSettings;
use crate::publish::Call;
use crate::publish::control::{done, refusal};

/// Commands that a reload needs beside those of its streams.
const COMMANDS: usize = 8;
/// Requests that may wait for the end of a reload; further ones are refused.
const WAITING_MAX: usize = 64;

impl Daemon {
    /// Reads the configuration and prepares what it needs on a thread of its own. [`Daemon::finish_reload`] applies it.
    /// What is requested meanwhile is one more reload, after this one.
    pub(super) fn start_reload(&mut self, call: Call) {
        let problem = match (&self.read_config, &self.reload.prepared) {
            (None, _) => "this run has no configuration that could be read again",
            (_, Some(_)) if self.reload.next.len() >= WAITING_MAX => {
                "too many requests wait; try again"
            }
            (_, Some(_)) => return self.reload.next.push(call),
            (Some(read), None) => {
                let read = Arc::clone(read);
                let present = self.present.clone();
                let (sender, prepared) = crossbeam_channel::bounded(1);
                let started = spawn("reload", move || {
                    let config = read().map_err(|reason| NotUsed {
                        reason,
                        impossible: true,
                    });
                    let prepared = config.and_then(|c| Ok(present.prepare(c)?));
                    // Without a receiver the run is over.
                    let _ = sender.send(prepared);
                });
                self.reload.prepared = Some(prepared);
                self.reload.calls.push(call);
                // Without a thread the sender is gone, which is reported as its panic.
                return started.map(drop).unwrap_or_else(|e| tracing::error!("{e}"));
            }
        };
        call.answer(refusal(problem));
    }

    /// A request of the system, by SIGHUP.
    pub(super) fn reload_unasked(&mut self) {
        let request = Request::new(vocald_client::Action::Reload {});
        self.carry_out(Call::unanswered(request));
    }

    /// Applies what was prepared, or leaves everything as it is, and says so.
    pub(super) fn finish_reload(&mut self, prepared: Result<Prepared, NotUsed>) {
        self.reload.prepared = None;
        let applied = prepared.and_then(|p| Ok(self.apply_reload(p)?));
        let (changed, restart, error) = match applied {
            Ok((changed, restart)) => (changed, restart, None),
            Err(error) => (Vec::new(), Vec::new(), Some(error)),
        };
        match &error {
            Some(error) => tracing::error!(
                "the configuration was read again and cannot be used; the old one stays in use: {}",
                error.reason
            ),
            None => tracing::warn!(
                "the configuration was read again; changed: {}",
                listed(&changed)
            ),
        }
        if !restart.is_empty() {
            tracing::warn!("only a restart applies {}", listed(&restart));
        }
        self.publish(Message::Reload(Reload {
            v: Version,
            stream: ALL_STREAMS.into(),
            ok: error.is_none(),
            error: error.as_ref().map(|error| error.reason.clone()),
            changed: changed.clone(),
            restart: restart.clone(),
        }));
        let reply = match error {
            Some(NotUsed { reason, impossible }) => Reply {
                impossible,
                ..refusal(reason)
            },
            None => Reply {
                changed,
                restart,
                ..done()
            },
        };
        for call in std::mem::take(&mut self.reload.calls) {
            call.answer(self.with_lock(reply.clone()));
        }
        for call in std::mem::take(&mut self.reload.next) {
            match self.reload.prepared {
                // The first of them has begun another reload.
                Some(_) => self.reload.calls.push(call),
                None => self.carry_out(call),
            }
        }
    }

    fn apply_reload(&mut self, new: Prepared) -> Result<(Vec<String>, Vec<String>), DaemonError> {
        let Prepared {
            config,
            models,
            opened,
            changed,
            restart,
        } = new;
        self.check_room(COMMANDS + self.table.names(None)?.len())?;
        let inside = Inside {
            hub: &self.hub,
            collector: &self.collector,
            control: &self.control,
        };
        let change = self.sinks.prepare(&config, &inside)?;
        let publish = (&self.present.config.publish, &config.publish);
        let closing = self.sinks.change(publish, change, &self.hub)?;
        // Whoever made the request through one of them gets the reply first.
        self.closing.push(closing);
        let levels = config.publish.levels_required();
        self.levels.store(levels, Ordering::Relaxed);

        let old = std::mem::replace(&mut self.present.config, config.clone());
        for source in &old.source {
            if !self.is_configured(source.stream_name()) {
                self.sources.stop(source.stream_name());
            }
        }
        let mut opened = opened;
        for (source, model) in config.source.iter().zip(&models) {
            let name = source.stream_name();
            let of_name = |source: &&SourceConfig| source.stream_name() == name;
            let before = self.table.model_of(name);
            let settings = SourceSettings::of(&config, source, model);
            self.table.set_source(name, settings);
            if let Some(place) = opened.iter().position(|source| source.name == name) {
                self.present.failed.retain(|failed| failed != name);
                self.sources
                    .start(opened.remove(place), Arc::clone(model))?;
            } else {
                let same_network = before.is_some_and(|before| Arc::ptr_eq(&before, model));
                self.change_source(source, same_network)?;
                let budget = config.model.latency_budget();
                let was = old
                    .source
                    .iter()
                    .find(of_name)
                    .map(|_| old.model.latency_budget());
                if was != Some(budget) && !source.can_wait()? {
                    self.sources.change(name, FeedChange::Budget(budget));
                }
            }
        }
        self.use_models(models);
        self.renew_hello(&config, Vec::new())?;
        Ok((changed, restart))
    }

    /// Gives the streams of a source that goes on their settings.
    fn change_source(&self, source: &SourceConfig, same_network: bool) -> Result<(), DaemonError> {
        let name = source.stream_name();
        if !same_network {
            self.sources.change(name, FeedChange::Network);
        }
        for stream in self.table.of_source(name) {
            let opened = self.table.get(&stream)?;
            let now = self.hub.hello().streams.into_iter();
            let known = now
                .filter(|status| status.stream == stream)
                .find_map(|s| s.settings);
            match same_network {
                _ if known.as_ref() == Some(&opened.settings) => {}
                true => self.apply(&stream, opened),
                false => self.publish_settings(&stream, opened),
            }
        }
        Ok(())
    }

    /// Ends the networks that no stream uses any more, when their last windows are decided on.
    fn use_models(&mut self, models: Vec<Arc<Model>>) {
        let intakes = models.iter().map(|model| model.intake().clone());
        self.collector.set_inference(intakes.collect());
        let old = std::mem::replace(&mut self.present.models, models);
        for model in old {
            let is = |other: &Arc<Model>| Arc::ptr_eq(other, &model);
            if self.present.models.iter().any(is) {
                continue;
            }
            let finish = move || {
                if let Err(error) = model.finish() {
                    tracing::error!("the network that was replaced: {error}");
                }
            };
            match spawn("retired inference", finish) {
                Ok(thread) => self.retired.push(thread),
                Err(error) => tracing::error!("{error}"),
            }
        }
        self.retired.retain(|thread| !thread.is_finished());
    }

    /// Publishes `hello` again if the facts in it have changed, or without streams that are no more.
    fn renew_hello(&self, config: &Config, gone: Vec<String>) -> Result<(), DaemonError> {
        let first = config.source.first().zip(self.present.models.first());
        let Some((source, model)) = first else {
            return Ok(());
        };
        let horizon = model.horizon(&source.decision.over(&config.decision))?;
        let (facts, thresholds) = model.facts(&horizon);
        let hello = self.hub.hello();
        if gone.is_empty() && facts.are_in(&hello) && hello.thresholds == Some(thresholds) {
            return Ok(());
        }
        let hub = Arc::clone(&self.hub);
        let after = gone.clone();
        let act = Box::new(move || {
            hub.renew(facts, thresholds, |stream| {
                !gone.iter().any(|g| g == stream)
            });
        });
        self.command(Command::Run { after, act });
        Ok(())
    }

    /// Whether the configuration at work has a source of this name.
    pub(super) fn is_configured(&self, name: &str) -> bool {
        let mut sources = self.present.config.source.iter();
        sources.any(|source| source.stream_name() == name)
    }

    /// Forgets a source that has ended and is not configured any more.
    pub(super) fn forget_source(&self, name: &str) {
        let gone = self.table.of_source(name);
        self.table.remove_source(name);
        if let Err(error) = self.renew_hello(&self.present.config, gone) {
            tracing::error!("{error}");
        }
    }

    /// Closes the servers that a reload has replaced.
    pub(super) fn close_doors(&mut self) {
        for doors in self.closing.drain(..) {
            doors.close(&self.hub);
        }
    }
}

fn listed(keys: &[String]) -> String {
    match keys {
        [] => "nothing".into(),
        keys => keys.join(", "),
    }
}
