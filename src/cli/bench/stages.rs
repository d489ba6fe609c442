//! The time of every stage between the sound card and the sinks, for one window of one stream.

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use vocald_client::Message;
use vocald_client::message::{self, Version};

use crate::audio::{AudioFormat, CaptureInstant, ChannelChoice, ChannelMap, ring};
use crate::config::DecisionConfig;
use crate::decision::Decider;
use crate::frontend::resample::Resampler;
use crate::frontend::{CaptureTime, WINDOW_HOP_SAMPLES, Window, WindowLength, Windower};
use crate::inference::engine::MAX_BATCH;
use crate::inference::{ComputePrecision, Engine};
use crate::model::Checkpoint;
use crate::publish::hub::HelloFacts;
use crate::publish::{Delivery, Hub, Published, Sink};

/// The sound of a usual interface.
const INPUT: AudioFormat = AudioFormat {
    rate_hz: 48_000,
    channels: 2,
};
/// Frames of [`INPUT`] between two windows, rounded up.
const INPUT_HOP_FRAMES: usize = 3429;
/// At the end the sink has this long to empty its queue.
const PATIENCE: Duration = Duration::from_secs(5);

/// The measured times of a stage.
pub struct Timing {
    pub stage: String,
    pub median_ms: f64,
    pub p99_ms: f64,
}

impl Timing {
    fn new(stage: impl Into<String>, mut times_ms: Vec<f64>) -> Self {
        times_ms.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * times_ms.len() as f64) as usize;
            let place = place.min(times_ms.len().saturating_sub(1));
            times_ms.get(place).copied().unwrap_or(f64::NAN)
        };
        Self {
            stage: stage.into(),
            median_ms: at(0.5),
            p99_ms: at(0.99),
        }
    }
}

/// The time of each of `passes` calls, divided among `windows` windows.
fn measure(
    stage: impl Into<String>,
    passes: u32,
    windows: usize,
    mut pass: impl FnMut(),
) -> Timing {
    let time_ms = |_| {
        let started = Instant::now();
        pass();
        started.elapsed().as_secs_f64() * 1000.0 / windows as f64
    };
    Timing::new(stage, (0..passes).map(time_ms).collect())
}

fn tone(samples: usize) -> Vec<f32> {
    let sample = |n: usize| (n as f32 * 0.05).sin() * 0.1;
    (0..samples).map(sample).collect()
}

/// The stages before the network.
pub fn before_network(length: WindowLength, passes: u32) -> anyhow::Result<Vec<Timing>> {
    let block = tone(INPUT_HOP_FRAMES * usize::from(INPUT.channels));
    let (mut writer, mut reader) = ring(INPUT, 1.0);
    let mut read = Vec::new();
    let rings = measure("capture to ring, 48 kHz stereo", passes, 1, || {
        writer.write(&block, CaptureInstant::now());
        read.clear();
        reader.read(&mut read);
    });
    let mut map = ChannelMap::new(&ChannelChoice::All, INPUT.channels)?;
    let mut watch = map.watch(INPUT.rate_hz);
    let mut mono = Vec::new();
    let mixes = measure("channel mix, 48 kHz stereo", passes, 1, || {
        mono.clear();
        map.mix(&block, &mut mono);
        black_box(watch.push(&block, &mono));
    });
    let mut resampler = Resampler::new(INPUT.rate_hz)?;
    let mut resampled = Vec::new();
    let resamples = measure("resampler, 48 kHz", passes, 1, || {
        resampled.clear();
        resampler.push(&mono, &mut resampled);
    });
    let mut windower = Windower::new(length);
    let mut windows = Vec::new();
    windower.push(
        &tone(length.samples()),
        CaptureTime::default(),
        &mut windows,
    );
    let hop = tone(WINDOW_HOP_SAMPLES);
    let mel = measure("STFT and mel", passes, 1, || {
        windows.clear();
        windower.push(&hop, CaptureTime::default(), &mut windows);
    });
    Ok(vec![rings, mixes, resamples, mel])
}

/// The forward pass of a checkpoint with 1, 4 and 16 windows at once.
pub fn forward(
    checkpoint: Checkpoint,
    device: crate::inference::ComputeDevice,
    precision: ComputePrecision,
    passes: u32,
) -> anyhow::Result<Vec<Timing>> {
    let name = checkpoint.metadata.name.clone();
    let mut engine = Engine::new(checkpoint, device, precision)?;
    let log_mel: Vec<f32> = (0..engine.window().values())
        .map(|i| -5.0 + (i % 97) as f32 * 0.05)
        .collect();
    let mut numbers = 0..;
    let mut timings = Vec::new();
    for windows in [1, 4, MAX_BATCH] {
        // Consecutive windows of one stream, so that members of an ensemble alternate.
        let mut stream: Vec<Window> = (0..windows)
            .map(|_| Window::synthetic(0, log_mel.as_slice().into()))
            .collect();
        let mut failed = None;
        let stage = format!(
            "forward pass, {name}, {}, {windows} at once",
            engine.precision()
        );
        timings.push(measure(stage, passes, windows, || {
            for (window, number) in stream.iter_mut().zip(&mut numbers) {
                window.start_sample = number * WINDOW_HOP_SAMPLES as u64;
            }
            let batch: Vec<&Window> = stream.iter().collect();
            failed = engine.infer(&batch).err().or(failed.take());
        }));
        failed.map_or(Ok(()), Err)?;
    }
    Ok(timings)
}

/// The stages behind the network.
pub fn behind_network(
    checkpoint: &Checkpoint,
    length: WindowLength,
    passes: u32,
) -> anyhow::Result<Vec<Timing>> {
    let metadata = &checkpoint.metadata;
    let horizon = DecisionConfig::default().horizon(&metadata.model_horizons())?;
    let mut decider = Decider::new(metadata.new_overlap_average(), horizon)?;
    let probabilities = vec![0.5; checkpoint.architecture.outputs()];
    let mut window = Window::synthetic(0, vec![0.0; length.values()].into());
    let mut undecided = 0;
    let decides = measure("decision", passes, 1, || {
        window.start_sample += WINDOW_HOP_SAMPLES as u64;
        match decider.probability(&window, &probabilities) {
            Some(p) => {
                black_box(decider.frame(window.time_s(horizon.frames), p));
            }
            None => undecided += 1,
        }
    });
    if undecided > 0 {
        bail!(
            "{undecided} of {passes} windows had no probability at the horizon of {} frames: the stage \
             \"decision\" was not measured",
            horizon.frames
        );
    }
    let hub = Hub::new(HelloFacts {
        model: metadata.name.clone(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: Vec::new(),
        lookahead_s: 0.0,
        hop_s: 0.0,
        speech_thresholds: None,
    });
    hub.attach(JsonReader, Delivery::DropOldest { capacity: 1024 })?;
    let publishes = measure("publish, one sink", passes, 1, || hub.publish(decision()));
    hub.finish(PATIENCE);
    Ok(vec![decides, publishes])
}

fn decision() -> Message {
    Message::Decision(message::Decision {
        v: Version,
        stream: "device:default".into(),
        seq: 0,
        t: 0.0,
        wall: 0.0,
        p: 0.5,
        voice: false,
        lookahead: 0.0,
        latency: 0.0,
        late: false,
        test: false,
        speech_p: None,
        speech: None,
    })
}

/// Reads the JSON of every message, as sinks that write to a socket do.
struct JsonReader;

impl Sink for JsonReader {
    fn name(&self) -> String {
        "bench".into()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        for message in messages {
            black_box(message.json());
        }
        Ok(())
    }
}
