//! The daemon: sources, feeds, inference, decisions and sinks, started and stopped together, and changed while they run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, never, select};

use crate::config::Config;
use crate::pipeline::collector::Collector;
pub use crate::pipeline::daemon_error::DaemonError;
use crate::pipeline::daemon_error::spawn;
use crate::pipeline::decision_thread::{self, Command, TooManyPanics};
use crate::pipeline::doors::{Doors, Inside};
use crate::pipeline::feed::FeedEnd;
use crate::pipeline::reload::{self, NotUsed, Prepared, Present, ReadConfig};
use crate::pipeline::sinks::{self, Sinks};
use crate::pipeline::source_threads::{SourceThreads, Streams, announce};
use crate::pipeline::sources::Opener;
use crate::pipeline::stream_table::{SourceSettings, StreamTable};
use crate::pipeline::watchdog::Watchdog;
use crate::publish::hub::SinkEnd;
use crate::publish::stdout::STDOUT;
use crate::publish::systemd::{Notifier, SYSTEMD};
use crate::publish::{Call, Control, Hub};
use crate::pulse::Pulses;

/// At the end a slow receiver has this long to take what is left, unless its delivery is lossless.
const SINK_PATIENCE: Duration = Duration::from_secs(2);
/// Outputs that may wait for the decisions thread; it is far faster than inference.
const OUTPUTS_WAITING: usize = 64;
/// Commands that may wait for it; more wait only while standard output waits for its reader.
pub(super) const COMMANDS_WAITING: usize = 1024;

/// A running daemon. Dropping it does not stop it: call [`Daemon::stop`], then [`Daemon::wait`].
pub struct Daemon {
    pub(super) hub: Arc<Hub>,
    service: Arc<Notifier>,
    /// The configuration at work, and what it has loaded.
    pub(super) present: Present,
    pub(super) table: Arc<StreamTable>,
    pub(super) collector: Arc<Collector>,
    pub(super) sources: SourceThreads,
    decisions: JoinHandle<Result<(), TooManyPanics>>,
    pub(super) commands: Sender<Command>,
    pub(super) levels: Arc<AtomicBool>,
    pub(super) sinks: Sinks,
    /// Servers that are closed after the next reply.
    pub(super) closing: Vec<Doors>,
    pub(super) control: Control,
    calls: Receiver<Call>,
    /// Whether changes are refused.
    pub(super) locked: bool,
    pub(super) read_config: Option<Arc<ReadConfig>>,
    /// Each message requests a reload.
    reloads: Receiver<()>,
    /// The reload under way, and the calls that wait for it.
    pub(super) reload: Reload,
    /// Networks that are not needed any more and end by themselves.
    pub(super) retired: Vec<JoinHandle<()>>,
}

/// A reload under way.
#[derive(Default)]
pub(super) struct Reload {
    pub prepared: Option<Receiver<Result<Prepared, NotUsed>>>,
    /// Those that it answers.
    pub calls: Vec<Call>,
    /// Those that came after it had begun: the file may have changed since, so that it is read once more.
    pub next: Vec<Call>,
}

impl Daemon {
    /// Loads the model, attaches the sinks and starts every source of `config`. Each source ends after
    /// `duration_s` seconds of sound, if given.
    ///
    /// # Errors
    /// When the model cannot be loaded, or a sink or a source cannot be opened; nothing runs then.
    pub fn start(config: &Config, duration_s: Option<f64>) -> Result<Self, DaemonError> {
        Self::start_with(config, duration_s, None)
    }

    /// [`Daemon::start`] where `capture`, the program `vocald`, captures each device in a process of its own, so that a
    /// sound library that hangs leaves nothing behind.
    ///
    /// # Errors
    /// Those of [`Daemon::start`].
    pub fn start_with(
        config: &Config,
        duration_s: Option<f64>,
        capture: Option<&Path>,
    ) -> Result<Self, DaemonError> {
        let service = Arc::new(Notifier::from_env());
        service.status("loading the model");
        let nothing = Config {
            source: Vec::new(),
            ..config.clone()
        };
        let mut present = Present {
            config: nothing,
            failed: Vec::new(),
            models: Vec::new(),
            opener: Opener {
                limit_s: duration_s,
                capture: capture.map(Path::to_owned),
            },
            pulses: Pulses::default(),
        };
        let Prepared {
            config,
            models,
            opened,
            ..
        } = present.prepare(config.clone())?;
        let table = Arc::new(StreamTable::default());
        for (source, model) in config.source.iter().zip(&models) {
            let settings = SourceSettings::of(&config, source, model);
            table.set_source(source.stream_name(), settings);
        }
        let hub = Arc::new(reload::new_hub(&config, &models)?);
        for source in &opened {
            announce(&hub, &table, source)?;
        }
        let collector = Arc::new(Collector::new(Arc::downgrade(&hub)));
        collector.set_inference(models.iter().map(|m| m.intake().clone()).collect());
        let (control, calls) = Control::new();
        let paced_by_sinks = opened.iter().all(|source| source.can_wait);
        let inside = Inside {
            hub: &hub,
            collector: &collector,
            control: &control,
        };
        let sinks = Sinks::attach(&config, &inside, paced_by_sinks)?;
        sinks::systemd(&config.publish, &hub, &service)?;

        let (outputs_in, outputs) = crossbeam_channel::bounded(OUTPUTS_WAITING);
        let (commands, commanded) = crossbeam_channel::bounded(COMMANDS_WAITING);
        let levels = Arc::new(AtomicBool::new(config.publish.levels_required()));
        let decisions = spawn("decisions", {
            let (hub, pulse) = (Arc::clone(&hub), present.pulses.add("decisions"));
            let levels = Arc::clone(&levels);
            move || {
                decision_thread::decide(&outputs, &commanded, &levels, &pulse, |message| {
                    hub.publish(message);
                })
            }
        })?;
        let streams = Streams {
            hub: Arc::clone(&hub),
            table: Arc::clone(&table),
            outputs: outputs_in,
        };
        let mut sources =
            SourceThreads::new(streams, Arc::clone(&collector), present.pulses.clone());
        for (source, model) in opened.into_iter().zip(&models) {
            sources.start(source, Arc::clone(model))?;
        }
        (present.config, present.models) = (config, models);
        // The engine has made its warm-up passes when it is loaded. A device may still be waited for.
        service.ready();
        Ok(Self {
            hub,
            service,
            present,
            table,
            collector,
            sources,
            decisions,
            commands,
            levels,
            sinks,
            closing: Vec::new(),
            control,
            calls,
            locked: false,
            read_config: None,
            reloads: never(),
            reload: Reload::default(),
            retired: Vec::new(),
        })
    }

    /// Reads the configuration with `read` when a reload is requested: by a client, or by a message of `reloads`.
    #[must_use]
    pub fn reloading(
        self,
        read: impl Fn() -> Result<Config, String> + Send + Sync + 'static,
        reloads: Receiver<()>,
    ) -> Self {
        Self {
            read_config: Some(Arc::new(read)),
            reloads,
            ..self
        }
    }

    /// The hub, for sinks of the caller's own.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Where requests are handed in, from any thread. They are carried out in [`Daemon::wait`].
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Stops every source. [`Daemon::wait`] then returns once what they gave is decided on and delivered.
    pub fn stop(&mut self) {
        self.service.stopping();
        self.sources.stop_all();
    }

    /// Waits until all sources have ended; the first of `signals` stops them.
    ///
    /// # Errors
    /// The first failure of a source, a sink, a server, inference or a thread. Further ones are logged.
    pub fn wait(mut self, signals: &Receiver<()>) -> Result<(), DaemonError> {
        let waited = self.watch(signals);
        self.service.stopping();
        // The last sender of outputs: the decisions end when all are decided on.
        drop(self.sources);
        let inferred: Result<Vec<()>, _> = self.present.models.iter().map(|m| m.finish()).collect();
        for thread in self.retired {
            let _ = thread.join();
        }
        let decided = self.decisions.join();
        self.hub.finish(SINK_PATIENCE);
        self.sinks.finish(&self.hub);
        inferred?;
        decided.unwrap_or(Err(TooManyPanics))?;
        waited
    }

    /// Watches every part until all sources have ended. Whatever else ends first ends the run.
    fn watch(&mut self, signals: &Receiver<()>) -> Result<(), DaemonError> {
        let mut result = Ok(());
        let mut fail = |error: DaemonError| match result {
            Ok(()) => result = Err(error),
            Err(_) => tracing::error!("{error}"),
        };
        let mut signals = signals.clone();
        let mut watchdog = Watchdog::new(&self.service);
        let ticks = crossbeam_channel::tick(watchdog.every());
        let mut ending = false;
        let hub = Arc::clone(&self.hub);
        let (calls, mut reloads) = (self.calls.clone(), self.reloads.clone());
        while !self.sources.is_over() {
            let prepared = self.reload.prepared.clone().unwrap_or_else(never);
            select! {
                recv(self.sources.ends()) -> end => {
                    if let Ok((name, end)) = end {
                        self.source_ended(&name, end).err().into_iter().for_each(&mut fail);
                    }
                }
                recv(hub.ends()) -> end => {
                    if let Ok(SinkEnd { name, error: Some(source) }) = end
                        && let Some(error) = self.without_sink(name, source)
                    {
                        self.stop();
                        error.into_iter().for_each(&mut fail);
                    }
                }
                recv(hub.changes()) -> change => {
                    if let Ok(status) = change {
                        hub.publish_change(status);
                    }
                }
                recv(calls) -> call => {
                    if let Ok(call) = call {
                        self.carry_out(call);
                    }
                }
                recv(reloads) -> reload => match reload {
                    Ok(()) => self.reload_unasked(),
                    Err(_) => reloads = never(),
                },
                recv(prepared) -> prepared => {
                    let prepared = prepared.unwrap_or_else(|_| {
                        Err(NotUsed {
                            reason: "its thread panicked; see the log above".into(),
                            impossible: false,
                        })
                    });
                    self.finish_reload(prepared);
                }
                recv(signals) -> _ => {
                    self.stop();
                    signals = never();
                }
                recv(ticks) -> _ => {
                    self.close_doors();
                    let failed = self.sinks.failure().map(DaemonError::Server);
                    let gone = self.present.models.iter().any(|model| model.is_gone());
                    let over = gone || self.decisions.is_finished();
                    if (failed.is_some() || over) && !std::mem::replace(&mut ending, true) {
                        self.stop();
                        failed.into_iter().for_each(&mut fail);
                    }
                    watchdog.feed(&self.present.pulses);
                }
            }
        }
        result
    }

    /// The other sources go on; the exit code says that one failed.
    fn source_ended(&mut self, name: &str, end: FeedEnd) -> Result<(), DaemonError> {
        let replaced = self.sources.has_ended(name)?;
        if !replaced && !self.is_configured(name) {
            self.forget_source(name);
        }
        match end {
            FeedEnd::Failed { reason, .. } => {
                self.present.failed.push(name.into());
                if !self.sources.is_over() {
                    tracing::error!("source {name}: {reason}; the others go on");
                }
                Err(DaemonError::Source {
                    name: name.into(),
                    reason,
                })
            }
            FeedEnd::Ended | FeedEnd::Refused => Ok(()),
        }
    }

    /// What a sink that failed means: nothing (`None`), the end of the run, or its failure. Standard output may fail
    /// while there are other outputs; a reader that has gone is no failure.
    fn without_sink(&self, name: String, source: std::io::Error) -> Option<Option<DaemonError>> {
        let is_gone = source.kind() == std::io::ErrorKind::BrokenPipe;
        let others = self.hub.queues();
        let others = others
            .iter()
            .any(|(sink, _)| *sink != name && sink != SYSTEMD);
        if name == STDOUT && others {
            match is_gone {
                true => tracing::info!("the reader of stdout has gone; the other outputs go on"),
                false => {
                    tracing::error!("stdout cannot be written: {source}; the other outputs go on")
                }
            }
            return None;
        }
        let error = DaemonError::SinkEnded { name, source };
        Some((!is_gone).then_some(error))
    }
}
