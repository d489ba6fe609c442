//! `vocald capture-helper`: the process that captures a device for the daemon. Not for people.

use std::io::Read as _;
use std::time::Duration;

use crate::audio::device::serve;
use crate::audio::{DEFAULT_REOPEN_AFTER, SourceOptions, SourceSpec};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// device:NAME
    source: String,
    /// Sample rate in Hz to request
    #[arg(long)]
    rate: Option<u32>,
    /// Number of channels to request
    #[arg(long)]
    channels: Option<u16>,
    /// Frames per callback
    #[arg(long)]
    period: Option<u32>,
    /// Time without sound after which the device is lost, in milliseconds
    #[arg(long)]
    reopen_ms: Option<u64>,
}

/// Captures until the device is lost or the daemon is gone, and ends the process.
pub fn run(args: Args) -> anyhow::Result<()> {
    let spec: SourceSpec = args.source.parse()?;
    let options = SourceOptions {
        device_rate_hz: args.rate,
        device_channels: args.channels,
        device_period_frames: args.period,
        reopen_after: args
            .reopen_ms
            .map_or(DEFAULT_REOPEN_AFTER, Duration::from_millis),
        ..SourceOptions::default()
    };
    // The daemon holds the other end of standard input: its end is the daemon's, however it came.
    std::thread::Builder::new()
        .name("parent".into())
        .spawn(|| {
            let _ = std::io::stdin().read(&mut [0]);
            end();
        })?;
    // A pipe that is gone is the daemon's end too.
    let _ = serve(&spec, &options);
    end()
}

/// Ends without closing anything: that is where sound libraries hang.
fn end() -> ! {
    // SAFETY: _exit ends the process and touches nothing.
    unsafe { libc::_exit(0) }
}
