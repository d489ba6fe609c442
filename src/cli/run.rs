//! `vocald run`: listens to sources and tells what it hears, JSON lines on standard output.

mod socket_options;

use crate::audio::SourceSpec;
use crate::cli::decision_options::Settings;
use crate::cli::{Usage, interrupt};
use crate::config::{Config, SourceConfig};
use crate::pipeline::Daemon;
use vocald_client::MessageType;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to listen to: device:default, device:NAME, device:ID, a file, fifo:PATH, or - for
    /// standard input. Several run side by side and share the model.
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// The same, as an option.
    #[arg(long = "source", value_name = "SOURCE")]
    more_sources: Vec<String>,
    /// Of files: at the speed of the sound, or as fast as the machine can (nothing is then lost).
    #[arg(long, value_parser = ["realtime", "max"])]
    pace: Option<String>,
    /// Of standard input and FIFOs: how samples are written.
    #[arg(long, value_parser = ["s16le", "s32le", "f32le"])]
    format: Option<String>,
    /// Of standard input and FIFOs: sample rate in Hz; a device is asked for it.
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Of standard input and FIFOs: number of channels; a device is asked for it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    channels: Option<u16>,
    /// Of a device: frames a callback.
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(1..))]
    period: Option<u32>,
    /// Listen to the mean of these channels, numbered from 1: 1,2.
    #[arg(long, value_name = "CHANNELS")]
    use_channels: Option<String>,
    /// Make each channel (of --use-channels) a stream of its own.
    #[arg(long)]
    each_channel: bool,
    /// Tell the level with every decision.
    #[arg(long)]
    levels: bool,
    /// Print only messages of these types, with commas between them; hello is always printed.
    #[arg(long, value_name = "TYPES", value_enum, value_delimiter = ',')]
    only: Vec<MessageType>,
    /// Send OSC over UDP to this receiver; may be given several times.
    #[arg(long, value_name = "HOST:PORT")]
    osc: Vec<String>,
    /// Publish to this MQTT broker: mqtt://HOST, mqtts://HOST for TLS, or with :PORT. Its user and
    /// the file with the password are in the configuration; VOCALD_MQTT_PASSWORD works too.
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,
    /// Run this in a shell when the voice comes in; VOCALD_STREAM, VOCALD_T and others tell of
    /// it, and its standard input gets the event as JSON.
    #[arg(long, value_name = "CMD")]
    on_onset: Option<String>,
    /// The same for when the voice goes out.
    #[arg(long, value_name = "CMD")]
    on_offset: Option<String>,
    /// End after so many seconds of sound.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    duration: Option<f64>,
    #[command(flatten)]
    sockets: socket_options::SocketOptions,
    #[command(flatten)]
    settings: Settings,
}

const EXAMPLES: &str = "\
Examples:
  vocald run
      the default microphone
  vocald run device:USB --use-channels 3
      the third input of the sound card whose name has USB in it
  vocald run song.flac
      a file, at the speed of the sound
  arecord -f S16_LE -r 48000 -c 2 | vocald run - --format s16le --rate 48000 --channels 2
      raw samples from another program
  vocald run mixer.wav --each-channel --pace max --only onset,offset
      every channel a stream of its own, and of what is told when the voice comes and goes";

/// Runs until the sources end or a signal comes.
pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.config()?;
    let signals = interrupt::signals()?;
    Daemon::start(&config, args.duration)?.wait(&signals)?;
    Ok(())
}

impl Args {
    /// What the file, the environment and these options come to.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = self.settings.config()?;
        let named: Vec<&String> = self.sources.iter().chain(&self.more_sources).collect();
        if !named.is_empty() {
            let source = |input: &&String| SourceConfig {
                input: (*input).clone(),
                ..SourceConfig::default()
            };
            config.source = named.iter().map(source).collect();
        }
        for source in &mut config.source {
            self.lay_over(source);
        }
        config.publish.levels |= self.levels;
        if !self.only.is_empty() {
            config.publish.only.clone_from(&self.only);
        }
        if !self.osc.is_empty() {
            config.publish.osc.targets.clone_from(&self.osc);
        }
        if let Some(url) = &self.mqtt {
            config.publish.mqtt.url.clone_from(url);
        }
        let shell = |line: &String| vec!["sh".into(), "-c".into(), line.clone()];
        let commands = &mut config.publish.command;
        if let Some(line) = &self.on_onset {
            commands.onset = shell(line);
        }
        if let Some(line) = &self.on_offset {
            commands.offset = shell(line);
        }
        self.sockets.lay_over(&mut config.publish);
        if let Some(duration) = self.duration
            && !(duration.is_finite() && duration > 0.0)
        {
            return Err(Usage(format!("--duration {duration} is not a time above 0 s")).into());
        }
        config.check()?;
        self.check_concern(&config)?;
        Ok(config)
    }

    /// Refuses options that concern none of the sources: whoever gave them expects something else.
    fn check_concern(&self, config: &Config) -> anyhow::Result<()> {
        let mut specs = Vec::new();
        for source in &config.source {
            specs.push(source.spec()?);
        }
        let any = |is: fn(&SourceSpec) -> bool| specs.iter().any(is);
        let is_file = |spec: &SourceSpec| matches!(spec, SourceSpec::File(_));
        let is_device = |spec: &SourceSpec| matches!(spec, SourceSpec::Device(_));
        let is_pipe = |spec: &SourceSpec| matches!(spec, SourceSpec::Stdin | SourceSpec::Fifo(_));
        for (option, given, concerns, whom) in [
            ("--pace", self.pace.is_some(), any(is_file), "files"),
            (
                "--format",
                self.format.is_some(),
                any(is_pipe),
                "standard input and FIFOs",
            ),
            (
                "--rate",
                self.rate.is_some(),
                any(|spec| !matches!(spec, SourceSpec::File(_))),
                "devices, standard input and FIFOs",
            ),
            (
                "--channels",
                self.channels.is_some(),
                any(|spec| !matches!(spec, SourceSpec::File(_))),
                "devices, standard input and FIFOs",
            ),
            ("--period", self.period.is_some(), any(is_device), "devices"),
        ] {
            if given && !concerns {
                return Err(Usage(format!(
                    "{option} concerns {whom}, and there is none among the sources"
                ))
                .into());
            }
        }
        Ok(())
    }

    fn lay_over(&self, source: &mut SourceConfig) {
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
    }
}
