//! Options of `run` for its standard output and for other programs.

use vocald_client::MessageType;

use crate::cli::choice::choice;
use crate::config::PublishConfig;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Print only messages of these types, separated by commas; hello is always printed [default: all]
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = message_types())]
    only: Vec<MessageType>,
    /// Send a level message with every decision
    #[arg(long)]
    levels: bool,
}

fn message_types() -> impl clap::builder::TypedValueParser<Value = MessageType> {
    choice(&MessageType::ALL.map(|kind| (kind.word(), kind)))
}

impl OutputOptions {
    pub fn apply(&self, publish: &mut PublishConfig) {
        publish.levels |= self.levels;
        if !self.only.is_empty() {
            publish.only.clone_from(&self.only);
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Other programs")]
pub struct ProgramOptions {
    /// Send OSC over UDP to this receiver; may be repeated
    #[arg(long, value_name = "HOST:PORT")]
    osc: Vec<String>,
    /// Publish to an MQTT broker: mqtt://HOST[:PORT], or mqtts:// for TLS. User and password file are in the
    /// configuration; VOCALD_MQTT_PASSWORD overrides the file
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,
    /// Run a shell command at each onset, with the event as JSON on its standard input and in VOCALD_STREAM,
    /// VOCALD_T and other variables
    #[arg(long, value_name = "CMD")]
    on_onset: Option<String>,
    /// Run a shell command at each offset, likewise
    #[arg(long, value_name = "CMD")]
    on_offset: Option<String>,
}

impl ProgramOptions {
    pub fn apply(&self, publish: &mut PublishConfig) {
        if !self.osc.is_empty() {
            publish.osc.targets.clone_from(&self.osc);
        }
        if let Some(url) = &self.mqtt {
            publish.mqtt.url.clone_from(url);
        }
        let shell = |line: &String| vec!["sh".into(), "-c".into(), line.clone()];
        if let Some(line) = &self.on_onset {
            publish.command.onset = shell(line);
        }
        if let Some(line) = &self.on_offset {
            publish.command.offset = shell(line);
        }
    }
}
