//! Runs the daemon inside another program and prints when singing begins and ends.
//!
//! Usage: `cargo run --release --example embed [SOURCE] [SECONDS]`
//!
//! SOURCE is anything that `vocald run` takes, for instance `device:default`; without it, a song in
//! `tests/data` is taken at its own speed. The daemon stops after SECONDS, 20 unless given, or at
//! the end of the source.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use vocald::config::{Config, SourceConfig};
use vocald::pipeline::Daemon;
use vocald::publish::{Delivery, Published, Sink};
use vocald_client::{Message, MessageType};

/// A sink is a receiver of messages; this one prints to standard error.
struct PrintVoice;

impl Sink for PrintVoice {
    fn name(&self) -> String {
        "print-voice".into()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        for message in messages {
            match &message.message {
                Message::Onset(onset) => eprintln!("{:7.2} s  singing begins", onset.t),
                Message::Offset(offset) => {
                    eprintln!(
                        "{:7.2} s  singing ends after {:.2} s",
                        offset.t, offset.duration
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.ogg");
    let input = arguments.next().unwrap_or_else(|| demo.into());
    let seconds: f64 = arguments.next().map_or(Ok(20.0), |text| text.parse())?;

    // What is not set here keeps the default of the configuration file.
    let mut config = Config {
        source: vec![SourceConfig {
            name: "input".into(),
            input,
            ..SourceConfig::default()
        }],
        ..Config::default()
    };
    // The daemon always writes JSON lines to standard output; here, only changes of state.
    config.publish.only = vec![MessageType::State];
    config.check()?;

    // Returns when the model is loaded and the source's threads run.
    let daemon = Daemon::start(&config, None)?;
    // A slow sink loses its oldest messages; it never delays the detector.
    daemon
        .hub()
        .attach(PrintVoice, Delivery::DropOldest { capacity: 256 })?;

    // `wait` returns at the end of the source, or once something arrives in this channel.
    let (stop, stopped) = crossbeam_channel::bounded(1);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs_f64(seconds));
        // Fails if the source has ended before.
        let _ = stop.send(());
    });
    daemon.wait(&stopped)?;
    Ok(())
}
