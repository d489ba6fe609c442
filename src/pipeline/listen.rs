//! The stages put together: sources, their feeds, the one worker, the reporters, the hub.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use crossbeam_channel::{Receiver, Sender, select};

use crate::audio;
use crate::audio::{ChannelChoice, Source, StopFlag};
use crate::config::{Config, SourceConfig};
use crate::decision::Decider;
use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, WindowLength};
use crate::inference::{Engine, Intake, WhenBehind, Worker};
use crate::pipeline::collector::Collector;
use crate::pipeline::decisions::Reporter;
use crate::pipeline::feed::{FeedEnd, FeedOptions, Mixing, StreamOut, feed};
use crate::pipeline::sinks;
use crate::publish::Hub;
use crate::publish::hub::{HelloFacts, SinkEnd};
use crate::publish::systemd::Notifier;
use vocald_client::message::Thresholds;

/// At the end a slow receiver has this long to take what is left, unless it is owed everything.
const SINK_PATIENCE: Duration = Duration::from_secs(2);

/// Listens to every source of `config` until all have ended or a signal comes.
pub fn listen(
    config: &Config,
    duration_s: Option<f64>,
    signals: &Receiver<()>,
) -> anyhow::Result<()> {
    let service = Arc::new(Notifier::from_env());
    service.status("loading the model");
    let sources = open_sources(config, duration_s)?;
    let (path, device) = (config.model_path().map(ToOwned::to_owned), config.device()?);
    let (worker, (model, window, device)) = Worker::start(move || {
        let engine = Engine::load(path.as_deref(), device)?;
        let name = engine.device_name();
        let about = (engine.metadata().clone(), engine.window(), name);
        Ok((engine, about))
    })?;
    let horizon = config.decision.horizon(&model.model_horizons())?;
    tracing::info!(
        model = model.name,
        device,
        horizon = horizon.frames,
        "the model is ready"
    );
    let hub = Hub::new(HelloFacts {
        model: model.name.clone(),
        device,
        horizons_s: model
            .horizons_frames
            .iter()
            .map(|&frames| lookahead_s(frames))
            .collect(),
        lookahead_s: lookahead_s(horizon.frames),
        hop_s: WINDOW_HOP_SAMPLES as f64 / f64::from(SAMPLE_RATE_HZ),
    });
    let hub = Arc::new(hub.with_thresholds(Thresholds {
        enter: horizon.point.enter,
        reenter: horizon.point.reentry.map(|reentry| reentry.reenter),
        leave: horizon.point.leave,
    }));
    for source in &sources {
        source
            .known_streams()
            .iter()
            .for_each(|stream| hub.add_stream(stream));
    }
    let probes = Arc::new(Collector::new(worker.intake(), Arc::downgrade(&hub)));
    let paced_by_sinks = sources.iter().all(|source| source.can_wait);
    let sinks = sinks::attach(config, &hub, &probes, paced_by_sinks)?;
    sinks::systemd(config, &hub, &service)?;

    let (ended, ends) = crossbeam_channel::bounded(sources.len());
    let streams = Streams {
        hub: Arc::clone(&hub),
        probes,
        intake: worker.intake(),
        decider: Decider::new(model.new_overlap_average(), horizon)?,
        window,
        levels: config.publish.levels_wanted(),
    };
    let mut feeds = Vec::new();
    for source in sources {
        feeds.push(source.start(streams.clone(), ended.clone())?);
    }
    drop((ended, streams));
    // The engine has made its warm-up forwards when it is loaded.
    service.ready();
    let stop_all = || {
        service.stopping();
        feeds.iter().for_each(|feed| feed.stop.stop());
    };
    let waited = wait(&ends, &hub, signals, stop_all);
    service.stopping();
    for feed in feeds {
        // One that panicked has dropped its end of `ends`, which `wait` has seen.
        let _ = feed.thread.join();
    }
    let inferred = worker.finish();
    hub.finish(SINK_PATIENCE);
    sinks.finish();
    inferred?;
    waited
}

/// A source at work.
struct Running {
    /// The source's own: one that ends does not end the others.
    stop: StopFlag,
    thread: JoinHandle<()>,
}

/// Waits for every feed. Of several failures the first is told; the others are in the log.
fn wait(
    ends: &Receiver<(String, FeedEnd)>,
    hub: &Hub,
    signals: &Receiver<()>,
    stop_all: impl Fn(),
) -> anyhow::Result<()> {
    let mut result = Ok(());
    let fail = |result: &mut anyhow::Result<()>, error: anyhow::Error| match result {
        Ok(()) => *result = Err(error),
        Err(_) => tracing::error!("{error}"),
    };
    // Whoever sends the signals lives as long as the program.
    let mut signals = signals.clone();
    loop {
        select! {
            recv(ends) -> end => match end {
                Ok((_, FeedEnd::Ended | FeedEnd::Refused)) => {}
                Ok((name, FeedEnd::Failed { reason, started })) => {
                    // One that never gave a sound was named wrongly: nothing was meant to run without.
                    if !started {
                        stop_all();
                    }
                    fail(&mut result, anyhow!("source {name}: {reason}"));
                }
                Err(_) => return result,
            },
            recv(hub.ends()) -> end => {
                stop_all();
                if let Ok(SinkEnd { name, error: Some(error) }) = end
                    && error.kind() != std::io::ErrorKind::BrokenPipe
                {
                    fail(&mut result, anyhow!("{name} cannot be written: {error}"));
                }
            }
            recv(signals) -> _ => {
                stop_all();
                signals = crossbeam_channel::never();
            }
        }
    }
}

struct OpenSource {
    name: String,
    source: Box<dyn Source>,
    options: FeedOptions,
    /// Nothing is lost when what comes after is slow.
    can_wait: bool,
}

fn open_sources(config: &Config, limit_s: Option<f64>) -> anyhow::Result<Vec<OpenSource>> {
    let open = |source: &SourceConfig| {
        let spec = source.spec()?;
        let choice = source.channel_choice()?;
        let live = matches!(spec, audio::SourceSpec::Device(_));
        let mixing = match source.each_channel {
            true => Mixing::Each(choice),
            false => Mixing::Mean(choice),
        };
        Ok(OpenSource {
            name: source.stream_name().into(),
            source: spec.open(&source.options()?)?,
            options: FeedOptions {
                mixing,
                limit_s,
                live,
            },
            can_wait: source.can_wait()?,
        })
    };
    config.source.iter().map(open).collect()
}

impl OpenSource {
    /// The streams that are known before the source tells how many channels it has.
    fn known_streams(&self) -> Vec<String> {
        match &self.options.mixing {
            Mixing::Mean(_) => vec![stream_name(&self.name, None)],
            Mixing::Each(ChannelChoice::Only(channels)) => channels
                .iter()
                .map(|&channel| stream_name(&self.name, Some(channel)))
                .collect(),
            Mixing::Each(ChannelChoice::All) => Vec::new(),
        }
    }

    /// Starts the source's own thread and the feed's.
    fn start(self, streams: Streams, ended: Sender<(String, FeedEnd)>) -> anyhow::Result<Running> {
        let Self {
            name,
            source,
            options,
            can_wait,
        } = self;
        let stop = StopFlag::new();
        let source = audio::spawn(source, stop.clone()).context("no thread for a source")?;
        streams.probes.add_source(&name, Arc::clone(&source.health));
        let when_behind = match can_wait {
            true => WhenBehind::Block,
            false => WhenBehind::DropOldest,
        };
        let thread = std::thread::Builder::new()
            .name("feed".into())
            .spawn(move || {
                let open = |channel| streams.open(&stream_name(&name, channel), when_behind);
                let end = feed(source, options, streams.window, open);
                // Nobody waits for it when the start of another source failed.
                let _ = ended.send((name, end));
            })
            .context("no thread for a source")?;
        Ok(Running { stop, thread })
    }
}

fn stream_name(source: &str, channel: Option<u16>) -> String {
    match channel {
        Some(channel) => format!("{source}/{channel}"),
        None => source.into(),
    }
}

/// What every new stream is connected to.
#[derive(Clone)]
struct Streams {
    hub: Arc<Hub>,
    probes: Arc<Collector>,
    intake: Intake,
    /// What the model looks at.
    window: WindowLength,
    /// A fresh one, to be cloned.
    decider: Decider,
    levels: bool,
}

impl Streams {
    fn open(&self, stream: &str, when_behind: WhenBehind) -> StreamOut {
        self.hub.add_stream(stream);
        let hub = Arc::clone(&self.hub);
        let emit = move |message| hub.publish(message);
        let decider = self.decider.clone();
        let mut reporter = Reporter::new(stream.into(), decider, self.levels, emit);
        let handler = Box::new(move |output| reporter.handle(output));
        let sender = self.intake.add_stream(when_behind, handler);
        Box::new(move |item| match sender.send(item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    }
}
