//! Options of `run` for its sources.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use vocald_client::message::Counts;

use crate::audio::Encoding;
use crate::audio::SourceSpec;
use crate::cli::Usage;
use crate::cli::choice::choice;
use crate::config::{Config, SourceConfig};

/// Every choice by its word.
const ALL_COUNTS: [(&str, Counts); 3] = [
    ("singing", Counts::Singing),
    ("speech", Counts::Speech),
    ("either", Counts::Either),
];

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sources")]
pub struct SourceOptions {
    /// Source: device:default, device:NAME, device:ID, a file, fifo:PATH, - for standard input, or sim:SCRIPT;
    /// NAME=SOURCE names its stream. Several run side by side and share the model [default: device:default]
    #[arg(value_name = "[NAME=]SOURCE", help_heading = None)]
    sources: Vec<OsString>,
    /// A further source, as an option; may be repeated
    #[arg(long = "source", value_name = "[NAME=]SOURCE")]
    more_sources: Vec<OsString>,
    /// Average these channels, numbered from 1, as 1,2 [default: all]
    #[arg(long, value_name = "CHANNELS")]
    use_channels: Option<String>,
    /// Make each channel (of --use-channels) a stream of its own
    #[arg(long)]
    each_channel: bool,
    /// Files: play in real time, or process as fast as the machine can without loss [default: realtime]
    #[arg(long, value_parser = ["realtime", "max"])]
    pace: Option<String>,
    /// Standard input and FIFOs: sample format; required there
    #[arg(long, value_parser = Encoding::ALL.map(Encoding::name))]
    format: Option<String>,
    /// Sample rate in Hz; required for standard input and FIFOs, requested from devices [default: the device's]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Number of channels; required for standard input and FIFOs, requested from devices [default: the device's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    channels: Option<u16>,
    /// Devices: frames per callback [default: the device's]
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(1..))]
    period: Option<u32>,
    /// Close an open voice after this time without sound, in seconds [default: 1]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    stall: Option<f64>,
    /// What counts as a voice: singing, speech or either; the last two need a model with an output for speech
    /// [default: singing]
    #[arg(long, value_name = "WHAT", value_parser = choice(&ALL_COUNTS))]
    counts: Option<Counts>,
    /// Devices: do not wait for one that is not there, but end with an error
    #[arg(long)]
    no_wait: bool,
    /// End after this much sound, in seconds [default: never]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub duration: Option<f64>,
}

impl SourceOptions {
    /// Applies the options over the sources of the configuration.
    pub fn apply(&self, config: &mut Config) -> Result<(), Usage> {
        let named: Vec<&OsString> = self.sources.iter().chain(&self.more_sources).collect();
        if !named.is_empty() {
            let source = |given: &&OsString| {
                let text = given.to_string_lossy();
                let (name, input) = named_source(&text);
                let at = if name.is_empty() { 0 } else { name.len() + 1 };
                let bytes = given.as_bytes().get(at..).unwrap_or_default();
                SourceConfig {
                    name: name.into(),
                    input: input.into(),
                    path: given
                        .to_str()
                        .is_none()
                        .then(|| OsStr::from_bytes(bytes).into()),
                    ..SourceConfig::default()
                }
            };
            config.source = named.iter().map(source).collect();
        }
        for source in &mut config.source {
            self.apply_to(source);
        }
        match self.duration {
            Some(s) if !(s.is_finite() && s > 0.0) => {
                Err(Usage(format!("--duration {s} is not a time above 0 s")))
            }
            _ => Ok(()),
        }
    }

    fn apply_to(&self, source: &mut SourceConfig) {
        if let Some(pace) = &self.pace {
            source.pace.clone_from(pace);
        }
        if let Some(format) = &self.format {
            source.format.clone_from(format);
        }
        if let Some(channels) = &self.use_channels {
            source.use_channels.clone_from(channels);
        }
        source.rate_hz = self.rate.unwrap_or(source.rate_hz);
        source.channels = self.channels.unwrap_or(source.channels);
        source.period_frames = self.period.unwrap_or(source.period_frames);
        source.each_channel |= self.each_channel;
        source.counts = self.counts.unwrap_or(source.counts);
        source.stall_s = self.stall.unwrap_or(source.stall_s);
        source.wait &= !self.no_wait;
    }

    /// Refuses options that apply to none of the sources: they have another effect than intended.
    pub fn check_applicable(&self, config: &Config) -> anyhow::Result<()> {
        let specs: Result<Vec<SourceSpec>, _> = config.source.iter().map(|s| s.spec()).collect();
        let specs = specs?;
        let any = |is: fn(&SourceSpec) -> bool| specs.iter().any(is);
        let files = any(|spec| matches!(spec, SourceSpec::File(_) | SourceSpec::Sim(_)));
        let devices = any(|spec| matches!(spec, SourceSpec::Device(_)));
        let pipes = any(|spec| matches!(spec, SourceSpec::Stdin | SourceSpec::Fifo(_)));
        let (pipe_names, live_names) = (
            "standard input and FIFOs",
            "devices, standard input and FIFOs",
        );
        for (option, given, applies, names) in [
            ("--pace", self.pace.is_some(), files, "files"),
            ("--format", self.format.is_some(), pipes, pipe_names),
            ("--rate", self.rate.is_some(), devices || pipes, live_names),
            (
                "--channels",
                self.channels.is_some(),
                devices || pipes,
                live_names,
            ),
            ("--period", self.period.is_some(), devices, "devices"),
            ("--no-wait", self.no_wait, devices, "devices"),
        ] {
            if given && !applies {
                return Err(Usage(format!(
                    "{option} applies to {names}, and there is none among the sources"
                ))
                .into());
            }
        }
        Ok(())
    }
}

/// The name, empty without one, and the source. A file whose own name has a `=` is that file.
fn named_source(text: &str) -> (&str, &str) {
    match text.split_once('=') {
        Some((name, source))
            if !name.is_empty()
                && !source.is_empty()
                && !name.contains(['/', ':'])
                && !Path::new(text).exists() =>
        {
            (name, source)
        }
        _ => ("", text),
    }
}
