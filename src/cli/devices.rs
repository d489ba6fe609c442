//! `vocald devices`: a list of the audio input devices.

use crate::audio::inventory::{DeviceInfo, input_devices};
use crate::cli::stdout::print;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print a JSON array with one object per device
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let devices = input_devices();
    let text = if args.json {
        format!("{}\n", serde_json::to_string_pretty(&devices)?)
    } else if devices.is_empty() {
        "No sound card to listen to. Is one plugged in, and may this user use it (group audio)?\n"
            .to_owned()
    } else {
        devices.iter().map(describe).collect()
    };
    print(&text)
}

fn describe(device: &DeviceInfo) -> String {
    let DeviceInfo { host, id, name, .. } = device;
    let mark = if device.default { " (default)" } else { "" };
    let channels = match device.channels.as_slice() {
        [only] => format!("{only} channels"),
        [first, .., last] => format!("{first} to {last} channels"),
        [] => String::new(),
    };
    let rates = match device.rates_hz {
        [low, high] if low == high => format!("{low} Hz"),
        [low, high] => format!("{low} to {high} Hz"),
    };
    format!(
        "{name}{mark}\n  device:{id}\n  {host}, {channels}, {rates}, {}; captured with {} at {} Hz\n",
        device.formats.join(" "),
        device.default_channels,
        device.default_rate_hz,
    )
}
