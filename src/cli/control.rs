//! `vocald control`: requests to a running daemon.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use vocald_client::message::{Reply, StreamStatus};
use vocald_client::{Action, Address, Client, Request};

use crate::cli::daemon_access::DaemonAccess;
use crate::cli::{Usage, stdout};
use crate::config::check_action;

/// What `set` changes.
const SETTINGS: [&str; 13] = [
    "enter",
    "reenter",
    "leave",
    "threshold",
    "lookahead_s",
    "horizon_frames",
    "recency_s",
    "confirm_n",
    "confirm_m",
    "min_voice_s",
    "min_gap_s",
    "gain_db",
    "gate_db",
];
/// Those of them that are counts.
const WHOLE: [&str; 3] = ["horizon_frames", "confirm_n", "confirm_m"];
/// The word for "as in the configuration".
const CONFIGURED: &str = "configured";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Address of the daemon: the path of its Unix socket, or the http:// or https:// address of its page [default: the
    /// socket of `vocald run --unix`]
    #[arg(long, value_name = "ADDRESS", global = true)]
    at: Option<Address>,
    #[command(flatten)]
    access: DaemonAccess,
    #[command(subcommand)]
    what: What,
}

const EXAMPLES: &str = "\
Examples:
  vocald control get                          show every stream and its settings
  vocald control set enter=0.7 --stream hall  change a threshold until the next reload
  vocald control set enter=configured         return to the configuration's value
  vocald control test --seconds 5             publish a voice, to set up the lights without a singer
  vocald control reload                       read the configuration again
  vocald control lock                         refuse changes during the show";

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show the streams, the outputs and the lock
    Get(Of),
    /// Change settings of streams until the configuration is read again
    Set {
        /// Keys of [decision], gain_db or gate_db, as enter=0.7; `configured` returns to the configuration's value
        #[arg(value_name = "KEY=VALUE", required = true)]
        settings: Vec<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Publish no voice, whatever sounds
    Mute(Of),
    /// Publish voices again
    Unmute(Of),
    /// Publish a voice that is marked as a test
    Test {
        /// Duration in seconds; 0 ends a test
        #[arg(
            long,
            default_value_t = 3.0,
            value_name = "SECONDS",
            allow_negative_numbers = true
        )]
        seconds: f64,
        #[command(flatten)]
        of: Of,
    },
    /// Read the configuration again
    Reload,
    /// Refuse every change until it is unlocked
    Lock,
    /// Accept changes again
    Unlock,
}

#[derive(Debug, clap::Args)]
struct Of {
    /// Name of the stream [default: all]
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
}

/// Sends the request and prints the reply.
pub fn run(args: Args) -> anyhow::Result<()> {
    let action = action(args.what)?;
    check_action(&action)?;
    let address = args.access.to(args.at.unwrap_or_default())?;
    let reply = Client::connect(&address)?.request(action)?;
    match &reply.error {
        Some(error) if reply.impossible => Err(Usage(error.clone()).into()),
        Some(error) => Err(anyhow::anyhow!("{error}")),
        None => stdout::print(&shown(&reply)),
    }
}

fn action(what: What) -> Result<Action, Usage> {
    Ok(match what {
        What::Get(of) => Action::Get { stream: of.stream },
        What::Set { settings, of } => set(&settings, of.stream)?,
        What::Mute(of) => Action::Mute {
            stream: of.stream,
            muted: true,
        },
        What::Unmute(of) => Action::Mute {
            stream: of.stream,
            muted: false,
        },
        What::Test { seconds, of } => Action::Test {
            stream: of.stream,
            seconds,
        },
        What::Reload => Action::Reload {},
        What::Lock => Action::Lock { locked: true },
        What::Unlock => Action::Lock { locked: false },
    })
}

/// `KEY=VALUE` pairs as the request that a client would write.
fn set(settings: &[String], stream: Option<String>) -> Result<Action, Usage> {
    let (mut request, mut decision) = (Map::new(), Map::new());
    for setting in settings {
        let pair = setting.split_once('=');
        let (key, value) = pair.ok_or_else(|| Usage(format!("`{setting}` is not KEY=VALUE")))?;
        if !SETTINGS.contains(&key) {
            let all = SETTINGS.join(", ");
            return Err(Usage(format!("there is no setting `{key}`, only {all}")));
        }
        let is_number = |value: &Value| match WHOLE.contains(&key) {
            true => value.as_u64().is_some_and(|n| n <= u32::MAX.into()),
            false => value.is_number(),
        };
        let value = match value {
            CONFIGURED => Value::Null,
            number => number.parse().ok().filter(is_number).ok_or_else(|| {
                let whole = if WHOLE.contains(&key) { "whole " } else { "" };
                Usage(format!(
                    "{key}: `{number}` is neither a {whole}number nor `{CONFIGURED}`"
                ))
            })?,
        };
        let before = match key {
            "gain_db" | "gate_db" => request.insert(key.into(), value),
            _ => decision.insert(key.into(), value),
        };
        if before.is_some() {
            return Err(Usage(format!("{key} is given twice")));
        }
    }
    request.insert("request".into(), "set".into());
    request.insert("decision".into(), decision.into());
    if let Some(stream) = stream {
        request.insert("stream".into(), stream.into());
    }
    let read = Request::from_json(&json!(request).to_string());
    read.map(|request| request.action)
        .map_err(|error| Usage(error.to_string()))
}

fn shown(reply: &Reply) -> String {
    let mut text = String::new();
    for status in &reply.streams {
        show_stream(&mut text, status);
    }
    for sink in &reply.sinks {
        let reason = sink.reason.as_deref().map(|r| format!(": {r}"));
        let _ = writeln!(
            text,
            "output {}: {}{}",
            sink.sink,
            sink.state.word(),
            reason.unwrap_or_default()
        );
    }
    for (what, keys) in [
        ("changed", &reply.changed),
        ("only a restart applies", &reply.restart),
    ] {
        if !keys.is_empty() {
            let _ = writeln!(text, "{what}: {}", keys.join(", "));
        }
    }
    if reply.locked {
        text.push_str("changes are locked\n");
    }
    if text.is_empty() {
        text.push_str("done\n");
    }
    text
}

fn show_stream(text: &mut String, status: &StreamStatus) {
    let voice = match status.onset {
        Some(_) => ", voice",
        None => "",
    };
    let _ = write!(text, "{}: {}{voice}", status.stream, status.state.word());
    if let Some(settings) = &status.settings {
        let d = &settings.decision;
        let _ = write!(
            text,
            ", {}, look-ahead {:.2} s, enter {}, leave {}, confirm {}/{}",
            settings.model, d.lookahead_s, d.enter, d.leave, d.confirm_n, d.confirm_m
        );
        if let Some(reenter) = d.reenter {
            let _ = write!(text, ", reenter {reenter}");
        }
        if settings.gain_db != 0.0 {
            let _ = write!(text, ", gain {} dB", settings.gain_db);
        }
        if let Some(gate) = settings.gate_db {
            let _ = write!(text, ", gate {gate} dB");
        }
        if !settings.changed.is_empty() {
            let _ = write!(text, " (changed: {})", settings.changed.join(", "));
        }
        if settings.muted {
            text.push_str(", muted");
        }
    }
    text.push('\n');
}
