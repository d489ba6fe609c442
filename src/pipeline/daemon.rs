//! The daemon: sources, feeds, inference, decisions and sinks, started and stopped together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, select};
use vocald_client::message::Thresholds;

use crate::audio::StopFlag;
use crate::config::{Config, ConfigError};
use crate::decision::{Decider, Horizon, PointError};
use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, WindowLength};
use crate::inference::{
    Engine, EngineError, Intake, StreamOutput, StreamSender, WeightPrecision, WhenBehind, Worker,
};
use crate::model::Metadata;
use crate::pipeline::collector::Collector;
use crate::pipeline::decisions;
use crate::pipeline::feed::{FeedEnd, feed};
use crate::pipeline::sinks::{self, SinkError, Sinks};
use crate::pipeline::sources::{self, OpenError, OpenSource, stream_name};
use crate::publish::Hub;
use crate::publish::hub::{HelloFacts, SinkEnd};
use crate::publish::mqtt::MqttError;
use crate::publish::systemd::Notifier;

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
    /// The decisions thread panicked.
    #[error("the decisions thread panicked; see the log above")]
    Decisions,
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
    worker: Worker,
    feeds: Vec<Running>,
    /// How each feed ended.
    ends: Receiver<(String, FeedEnd)>,
    decisions: JoinHandle<()>,
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
        let service = Arc::new(Notifier::from_env());
        service.status("loading the model");
        let sources = sources::open(config, duration_s)?;
        let (path, device) = (config.model_path().map(ToOwned::to_owned), config.device()?);
        let precision = config.precision()?;
        let (worker, (model, window, processor)) = Worker::start(move || {
            let engine = Engine::load(path.as_deref(), device, precision)?;
            let processor = Processor {
                device: engine.device_name(),
                precision: engine.precision(),
            };
            let about = (engine.metadata().clone(), engine.window(), processor);
            Ok((engine, about))
        })?;
        let horizon = config.decision.horizon(&model.model_horizons())?;
        tracing::info!(
            model = model.name,
            device = processor.device,
            precision = %processor.precision,
            horizon = horizon.frames,
            "model ready"
        );
        let hub = Arc::new(hub(&model, processor, &horizon));
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
            let hub = Arc::clone(&hub);
            move || decisions::decide(&outputs, &decider, levels, &hub)
        })?;
        let streams = Streams {
            hub: Arc::clone(&hub),
            intake: worker.intake(),
            outputs: outputs_in,
            window,
        };
        let (ended, ends) = crossbeam_channel::bounded(sources.len());
        let mut feeds = Vec::new();
        for source in sources {
            feeds.push(start_source(source, &streams, &collector, ended.clone())?);
        }
        // The engine has made its warm-up passes when it is loaded.
        service.ready();
        Ok(Self {
            hub,
            service,
            worker,
            feeds,
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
        self.feeds.iter().for_each(|feed| feed.stop.stop());
    }

    /// Waits until all sources have ended; the first of `signals` stops them.
    ///
    /// # Errors
    /// The first failure of a source, a sink, inference or a thread. Further ones are logged.
    pub fn wait(self, signals: &Receiver<()>) -> Result<(), DaemonError> {
        let waited = self.wait_for_feeds(signals);
        self.service.stopping();
        for feed in self.feeds {
            // A panic inside was caught and reported as the feed's end.
            let _ = feed.thread.join();
        }
        let inferred = self.worker.finish();
        let decided = self.decisions.join();
        self.hub.finish(SINK_PATIENCE);
        self.sinks.finish();
        inferred?;
        decided.map_err(|_| DaemonError::Decisions)?;
        waited
    }

    fn wait_for_feeds(&self, signals: &Receiver<()>) -> Result<(), DaemonError> {
        let mut result = Ok(());
        let fail = |result: &mut Result<(), DaemonError>, error: DaemonError| match result {
            Ok(()) => *result = Err(error),
            Err(_) => tracing::error!("{error}"),
        };
        let mut signals = signals.clone();
        let mut running = self.feeds.len();
        while running > 0 {
            select! {
                recv(self.ends) -> end => {
                    running -= 1;
                    if let Ok((name, FeedEnd::Failed { reason, started })) = end {
                        // A source that never gave sound was named wrongly: the others are stopped.
                        if !started {
                            self.stop();
                        }
                        fail(&mut result, DaemonError::Source { name, reason });
                    }
                }
                recv(self.hub.ends()) -> end => {
                    self.stop();
                    if let Ok(SinkEnd { name, error: Some(source) }) = end
                        && source.kind() != std::io::ErrorKind::BrokenPipe
                    {
                        fail(&mut result, DaemonError::SinkEnded { name, source });
                    }
                }
                recv(signals) -> _ => {
                    self.stop();
                    signals = crossbeam_channel::never();
                }
            }
        }
        result
    }
}

/// What the network runs on.
struct Processor {
    device: String,
    precision: WeightPrecision,
}

fn hub(model: &Metadata, processor: Processor, horizon: &Horizon) -> Hub {
    let facts = HelloFacts {
        model: model.name.clone(),
        device: processor.device,
        precision: processor.precision.to_string(),
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

/// Starts the source's thread and its feed's.
fn start_source(
    opened: OpenSource,
    streams: &Streams,
    collector: &Collector,
    ended: Sender<(String, FeedEnd)>,
) -> Result<Running, DaemonError> {
    let OpenSource {
        name,
        source,
        options,
        can_wait,
    } = opened;
    let stop = StopFlag::new();
    let source =
        crate::audio::spawn(source, stop.clone()).map_err(|source| DaemonError::Thread {
            what: "a source",
            source,
        })?;
    collector.add_source(&name, Arc::clone(&source.health));
    let when_behind = match can_wait {
        true => WhenBehind::Block,
        false => WhenBehind::DropOldest,
    };
    let streams = streams.clone();
    let thread = spawn("feed", move || {
        let open = |channel| streams.open(&stream_name(&name, channel), when_behind);
        let run = || feed(source, options, streams.window, open);
        // A feed that panics is a failure of its source, never a clean end.
        let end = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| FeedEnd::Failed {
            reason: "its feed thread panicked; see the log above".into(),
            started: true,
        });
        // Without a receiver the start of another source has failed.
        let _ = ended.send((name, end));
    })?;
    Ok(Running { stop, thread })
}

fn spawn(
    what: &'static str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, DaemonError> {
    std::thread::Builder::new()
        .name(what.into())
        .spawn(run)
        .map_err(|source| DaemonError::Thread { what, source })
}
