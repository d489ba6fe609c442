//! The daemon: sources, feeds, inference, decisions and sinks, started and stopped together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, select};
use vocald_client::message::Thresholds;

use crate::audio::{Health, StopFlag};
use crate::config::{Config, ConfigError};
use crate::decision::{Decider, Horizon, PointError};
use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, WindowLength};
use crate::inference::engines::{self, EngineFacts};
use crate::inference::{
    Engine, EngineError, Intake, StreamOutput, StreamSender, WhenBehind, Worker,
};
use crate::pipeline::collector::Collector;
use crate::pipeline::decisions::{self, TooManyPanics};
use crate::pipeline::feed::{Feed, FeedEnd};
use crate::pipeline::restart;
use crate::pipeline::sinks::{self, SinkError, Sinks};
use crate::pipeline::sources::{self, OpenError, OpenSource, stream_name};
use crate::pipeline::watchdog::Watchdog;
use crate::publish::Hub;
use crate::publish::hub::{HelloFacts, SinkEnd};
use crate::publish::mqtt::MqttError;
use crate::publish::stdout::STDOUT;
use crate::publish::systemd::{Notifier, SYSTEMD};
use crate::pulse::{Pulse, Pulses};

/// At the end a slow receiver has this long to take what is left, unless its delivery is lossless.
const SINK_PATIENCE: Duration = Duration::from_secs(2);
/// Outputs that may wait for the decisions thread; it is far faster than inference.
const OUTPUTS_WAITING: usize = 64;

/// Why the daemon cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The configuration is impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A source cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The network cannot be loaded, or failed.
    #[error(transparent)]
    Inference(#[from] EngineError),
    /// The operating point is impossible.
    #[error(transparent)]
    Point(#[from] PointError),
    /// A sink cannot be attached.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The system gives no thread.
    #[error("no thread for {what}: {source}")]
    Thread {
        /// What the thread was for.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// A source failed.
    #[error("source {name}: {reason}")]
    Source {
        /// Its name.
        name: String,
        /// One sentence.
        reason: String,
    },
    /// A sink that everything depends on failed.
    #[error("{name} cannot be written: {source}")]
    SinkEnded {
        /// Its name.
        name: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A server failed.
    #[error("{0}")]
    Server(String),
    /// The decisions thread failed.
    #[error(transparent)]
    Decisions(#[from] TooManyPanics),
}

impl DaemonError {
    /// Whether the configuration is invalid, so that waiting cannot help.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Config(_)
                | Self::Open(OpenError::Config(_))
                | Self::Sink(SinkError::Config(_) | SinkError::Mqtt(MqttError::Config(_)))
        )
    }
}

/// A running daemon. Dropping it does not stop it: call [`Daemon::stop`], then [`Daemon::wait`].
pub struct Daemon {
    hub: Arc<Hub>,
    service: Arc<Notifier>,
    pulses: Pulses,
    worker: Worker,
    sources: Vec<Running>,
    /// How each source ended.
    ends: Receiver<(String, FeedEnd)>,
    decisions: JoinHandle<Result<(), TooManyPanics>>,
    sinks: Sinks,
}

/// A source and its feed.
struct Running {
    /// The source's own flag: one that ends does not end the others.
    stop: StopFlag,
    thread: JoinHandle<()>,
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
        let sources = sources::open(config, duration_s, capture)?;
        let pulses = Pulses::default();
        let (path, device) = (config.model_path().map(ToOwned::to_owned), config.device()?);
        let precision = config.precision()?;
        let load = move || Engine::load(path.as_deref(), device, precision);
        let threads = config.model.clone();
        let threads = move |device: &str| threads.inference_threads(device);
        let pulse = |number| pulses.add(format!("inference {number}"));
        let (worker, engines) = engines::start(load, threads, pulse)?;
        let EngineFacts {
            metadata: model,
            window,
            ..
        } = &engines;
        let horizon = config.decision.horizon(&model.model_horizons())?;
        tracing::info!(
            model = model.name,
            device = engines.device,
            precision = %engines.precision,
            horizon = horizon.frames,
            "model ready"
        );
        let hub = Arc::new(hub(&engines, &horizon));
        for stream in sources.iter().flat_map(OpenSource::known_streams) {
            hub.add_stream(&stream);
        }
        let collector = Arc::new(Collector::new(worker.intake(), Arc::downgrade(&hub)));
        let paced_by_sinks = sources.iter().all(|source| source.can_wait);
        let sinks = sinks::attach(config, &hub, &collector, paced_by_sinks)?;
        sinks::systemd(config, &hub, &service)?;

        let (outputs_in, outputs) = crossbeam_channel::bounded(OUTPUTS_WAITING);
        let decisions = spawn("decisions", {
            let decider = Decider::new(model.new_overlap_average(), horizon)?;
            let levels = config.publish.levels_required();
            let (hub, pulse) = (Arc::clone(&hub), pulses.add("decisions"));
            move || {
                decisions::decide(&outputs, &decider, levels, &pulse, |message| {
                    hub.publish(message);
                })
            }
        })?;
        let streams = Streams {
            hub: Arc::clone(&hub),
            intake: worker.intake(),
            outputs: outputs_in,
            window: *window,
        };
        let (ended, ends) = crossbeam_channel::bounded(sources.len());
        let mut running = Vec::new();
        for source in sources {
            running.push(start_source(
                source,
                &streams,
                &collector,
                &pulses,
                ended.clone(),
            )?);
        }
        // The engine has made its warm-up passes when it is loaded. A device may still be waited for.
        service.ready();
        Ok(Self {
            hub,
            service,
            pulses,
            worker,
            sources: running,
            ends,
            decisions,
            sinks,
        })
    }

    /// The hub, for sinks of the caller's own.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Stops every source. [`Daemon::wait`] then returns once what they gave is decided on and delivered.
    pub fn stop(&self) {
        self.service.stopping();
        self.sources.iter().for_each(|source| source.stop.stop());
    }

    /// Waits until all sources have ended; the first of `signals` stops them.
    ///
    /// # Errors
    /// The first failure of a source, a sink, a server, inference or a thread. Further ones are logged.
    pub fn wait(self, signals: &Receiver<()>) -> Result<(), DaemonError> {
        let waited = self.watch(signals);
        self.service.stopping();
        for source in self.sources {
            // A panic inside was caught and reported as the source's end.
            let _ = source.thread.join();
        }
        let inferred = self.worker.finish();
        let decided = self.decisions.join();
        self.hub.finish(SINK_PATIENCE);
        self.sinks.finish();
        inferred?;
        decided.unwrap_or(Err(TooManyPanics))?;
        waited
    }

    /// Watches every part until all sources have ended. Whatever else ends first ends the run.
    fn watch(&self, signals: &Receiver<()>) -> Result<(), DaemonError> {
        let mut result = Ok(());
        let mut fail = |error: DaemonError| match result {
            Ok(()) => result = Err(error),
            Err(_) => tracing::error!("{error}"),
        };
        let mut signals = signals.clone();
        let mut watchdog = Watchdog::new(&self.service);
        let ticks = crossbeam_channel::tick(watchdog.every());
        let mut running = self.sources.len();
        let mut ending = false;
        while running > 0 {
            select! {
                recv(self.ends) -> end => {
                    running -= 1;
                    // The other sources go on; the exit code tells that one failed.
                    if let Ok((name, FeedEnd::Failed { reason, .. })) = end {
                        if running > 0 {
                            tracing::error!("source {name}: {reason}; the others go on");
                        }
                        fail(DaemonError::Source { name, reason });
                    }
                }
                recv(self.hub.ends()) -> end => {
                    if let Ok(SinkEnd { name, error: Some(source) }) = end
                        && let Some(error) = self.without_sink(name, source)
                    {
                        self.stop();
                        error.into_iter().for_each(&mut fail);
                    }
                }
                recv(signals) -> _ => {
                    self.stop();
                    signals = crossbeam_channel::never();
                }
                recv(ticks) -> _ => {
                    let failed = self.sinks.failure().map(DaemonError::Server);
                    let over = self.worker.is_gone() || self.decisions.is_finished();
                    if (failed.is_some() || over) && !std::mem::replace(&mut ending, true) {
                        self.stop();
                        failed.into_iter().for_each(&mut fail);
                    }
                    watchdog.feed(&self.pulses);
                }
            }
        }
        result
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

fn hub(engines: &EngineFacts, horizon: &Horizon) -> Hub {
    let model = &engines.metadata;
    let facts = HelloFacts {
        model: model.name.clone(),
        device: engines.device.clone(),
        precision: engines.precision.to_string(),
        horizons_s: model
            .horizons_frames
            .iter()
            .map(|&frames| lookahead_s(frames))
            .collect(),
        lookahead_s: lookahead_s(horizon.frames),
        hop_s: WINDOW_HOP_SAMPLES as f64 / f64::from(SAMPLE_RATE_HZ),
    };
    Hub::new(facts).with_thresholds(Thresholds {
        enter: horizon.point.enter,
        reenter: horizon.point.reentry.map(|reentry| reentry.reenter),
        leave: horizon.point.leave,
    })
}

/// What a new stream is connected to.
#[derive(Clone)]
struct Streams {
    hub: Arc<Hub>,
    intake: Intake,
    outputs: Sender<StreamOutput>,
    /// The network's input.
    window: WindowLength,
}

impl Streams {
    fn open(&self, stream: &str, when_behind: WhenBehind) -> StreamSender {
        self.hub.add_stream(stream);
        self.intake
            .add_stream(stream, when_behind, self.outputs.clone())
    }
}

/// Starts the thread of a source, which starts it anew when it dies.
fn start_source(
    opened: OpenSource,
    streams: &Streams,
    collector: &Collector,
    pulses: &Pulses,
    ended: Sender<(String, FeedEnd)>,
) -> Result<Running, DaemonError> {
    let OpenSource {
        name,
        source,
        options,
        can_wait,
        reopen,
    } = opened;
    let stop = StopFlag::new();
    let health = Arc::new(Health::default());
    collector.add_source(&name, Arc::clone(&health));
    // One that may wait for its reader does so without limit.
    let pulse = match can_wait {
        true => Pulse::default(),
        false => pulses.add(format!("feed of {name}")),
    };
    let when_behind = match can_wait {
        true => WhenBehind::Block,
        false => WhenBehind::DropOldest,
    };
    let streams = streams.clone();
    let thread = spawn("feed", {
        let stop = stop.clone();
        move || {
            let open = |channel| streams.open(&stream_name(&name, channel), when_behind);
            let mut feed = Feed::new(options, streams.window, pulse, open);
            let play =
                || restart::play(&name, &mut feed, source, reopen.as_deref(), &health, &stop);
            let end = catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|_| FeedEnd::Failed {
                reason: "its feed thread panicked; see the log above".into(),
                died: true,
            });
            // The senders go first: what waits is decided on before the end is known.
            drop(feed);
            // Without a receiver the start of another source has failed.
            let _ = ended.send((name, end));
        }
    })?;
    Ok(Running { stop, thread })
}

fn spawn<T: Send + 'static>(
    what: &'static str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, DaemonError> {
    std::thread::Builder::new()
        .name(what.into())
        .spawn(run)
        .map_err(|source| DaemonError::Thread { what, source })
}
