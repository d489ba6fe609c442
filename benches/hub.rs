//! Time that `Hub::publish` takes the publishing thread, by the number of sinks.
//!
//! Messages follow each other without a pause, so the sinks' queues are full: the worst case.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use vocald::publish::hub::HelloFacts;
use vocald::publish::{Delivery, Hub, Published, Sink};
use vocald_client::Message;
use vocald_client::message::{Decision, Version};

/// The default of `publish.queue_messages`.
const QUEUE_MESSAGES: usize = 1024;
/// At the end every sink has this long to empty its queue.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the JSON of every message, as sinks that write to a socket do.
struct Reader;

impl Sink for Reader {
    fn name(&self) -> String {
        "reader".into()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        for message in messages {
            black_box(message.json());
        }
        Ok(())
    }
}

fn decision() -> Message {
    Message::Decision(Decision {
        v: Version,
        stream: "device:default".into(),
        seq: 1234,
        t: 88.142,
        wall: 1_700_000_000.5,
        p: 0.875,
        voice: true,
        lookahead: 0.58,
        latency: 0.012,
        speech_p: None,
        speech: None,
        late: false,
        test: false,
    })
}

fn hub(c: &mut Criterion) {
    let mut group = c.benchmark_group("hub");
    for sinks in [1, 8, 64] {
        let hub = Hub::new(HelloFacts {
            model: "bench".into(),
            device: "cpu".into(),
            precision: "float32".into(),
            horizons_s: vec![0.58],
            lookahead_s: 0.58,
            hop_s: 0.0714,
            speech_thresholds: None,
        });
        let delivery = Delivery::DropOldest {
            capacity: QUEUE_MESSAGES,
        };
        for _ in 0..sinks {
            hub.attach(Reader, delivery).unwrap();
        }
        let message = decision();
        group.bench_function(BenchmarkId::new("publish, sinks", sinks), |b| {
            b.iter(|| hub.publish(black_box(message.clone())));
        });
        hub.finish(PATIENCE);
    }
    group.finish();
}

criterion_group!(benches, hub);
criterion_main!(benches);
