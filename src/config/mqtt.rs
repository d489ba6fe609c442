//! `[publish.mqtt]`: the broker, credentials and topics.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, number_from_0};

/// Overrides `password_file`.
const PASSWORD_VARIABLE: &str = "VOCALD_MQTT_PASSWORD";
const PORT: u16 = 1883;
const PORT_TLS: u16 = 8883;

/// MQTT: retained topics for the state, events as they happen. Topics are `PREFIX/status`, and below `PREFIX/STREAM`
/// `/voice`, `/state`, `/event` and `/p`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MqttConfig {
    /// Broker as `mqtt://HOST`, or `mqtts://HOST` for TLS; with `:PORT` if it is not 1883 (TLS: 8883). Empty: MQTT is
    /// off.
    pub url: String,
    /// Version of the protocol.
    pub version: MqttVersion,
    /// Start of every topic.
    pub prefix: String,
    /// Client id, different for each client of a broker. Empty: the prefix and the name of this machine.
    pub client_id: String,
    /// User name. Empty: none.
    pub user: String,
    /// File whose first line is the password. The environment variable `VOCALD_MQTT_PASSWORD` overrides it.
    pub password_file: String,
    /// CA certificates to trust (PEM). Empty: those of the system.
    pub ca_file: String,
    /// Client certificate (PEM), for a broker that requires one.
    pub client_cert_file: String,
    /// Private key of the client certificate (PEM).
    pub client_key_file: String,
    /// Probabilities per second at most, each the highest since the one before. 0: none.
    pub p_rate_hz: f64,
    /// Discovery prefix of Home Assistant, usually `homeassistant`: every stream becomes a binary sensor there. Empty:
    /// off.
    pub discovery_prefix: String,
    /// Whether `/voice` and `/speech` of each stream have connections of their own whose last wills set them to `OFF`
    /// after a crash. Without them, the flags keep their values and only `PREFIX/status` becomes `offline`.
    pub voice_will: bool,
}

/// A version of the MQTT protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum MqttVersion {
    /// MQTT 3.1.1.
    #[default]
    #[serde(rename = "3.1.1")]
    #[schemars(description = "")]
    V3_1_1,
    /// MQTT 5.
    #[serde(rename = "5")]
    #[schemars(description = "")]
    V5,
}

impl MqttVersion {
    /// As in the configuration: `3.1.1` or `5`.
    pub fn word(self) -> &'static str {
        match self {
            Self::V3_1_1 => "3.1.1",
            Self::V5 => "5",
        }
    }
}

/// Address of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// A host name or an address; IPv6 without brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            version: MqttVersion::default(),
            prefix: "vocald".into(),
            client_id: String::new(),
            user: String::new(),
            password_file: String::new(),
            ca_file: String::new(),
            client_cert_file: String::new(),
            client_key_file: String::new(),
            p_rate_hz: 0.0,
            discovery_prefix: String::new(),
            voice_will: true,
        }
    }
}

impl MqttConfig {
    /// Whether a broker is configured.
    pub fn is_on(&self) -> bool {
        !self.url.is_empty()
    }

    /// The broker of `url`.
    ///
    /// # Errors
    ///
    /// If `url` is not the URL of a broker.
    pub fn broker(&self) -> Result<Broker, ConfigError> {
        parse(&self.url).map_err(|problem| ConfigError::value("publish.mqtt.url", problem))
    }

    /// The client id. If none is set, one that is the same in every run, so that the broker replaces the connection
    /// of an earlier run.
    pub fn client_id(&self) -> String {
        match self.client_id.as_str() {
            "" => format!("{}-{}", self.prefix.replace('/', "-"), machine()),
            own => own.into(),
        }
    }

    /// User and password, if a user is set. Reads the environment and `password_file`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or its first line is empty, or there is a password without a user.
    pub fn credentials(&self) -> Result<Option<(String, String)>, ConfigError> {
        let password = match std::env::var(PASSWORD_VARIABLE) {
            Ok(password) => Some(password),
            Err(_) if self.password_file.is_empty() => None,
            Err(_) => Some(first_line(self.password_file.as_ref())?),
        };
        match (self.user.as_str(), password) {
            ("", None) => Ok(None),
            ("", Some(_)) => Err(ConfigError::value(
                "publish.mqtt.user",
                "there is a password and nobody whose it is: set the user",
            )),
            (user, password) => Ok(Some((user.into(), password.unwrap_or_default()))),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key: &str, problem: String| {
            Err(ConfigError::value(format!("publish.mqtt.{key}"), problem))
        };
        if !begins_topics(&self.prefix) {
            let problem = format!(
                "`{}` cannot begin a topic: write it as vocald or stage/vocald",
                self.prefix
            );
            return refuse("prefix", problem);
        }
        if !self.discovery_prefix.is_empty() && !begins_topics(&self.discovery_prefix) {
            let problem = format!(
                "`{}` cannot begin a topic: write it as homeassistant",
                self.discovery_prefix
            );
            return refuse("discovery_prefix", problem);
        }
        number_from_0("publish.mqtt.p_rate_hz", self.p_rate_hz)?;
        if self.client_cert_file.is_empty() != self.client_key_file.is_empty() {
            let problem = "a certificate and its key go together: set client_cert_file and client_key_file, or neither";
            return refuse("client_cert_file", problem.into());
        }
        if !self.is_on() {
            return Ok(());
        }
        let tls_files = [&self.ca_file, &self.client_cert_file];
        if !self.broker()?.tls && tls_files.iter().any(|file| !file.is_empty()) {
            let problem = format!(
                "there are files for TLS, but `{}` goes without: write mqtts://",
                self.url
            );
            return refuse("url", problem);
        }
        Ok(())
    }
}

/// Whether topics can begin with this and a slash.
fn begins_topics(prefix: &str) -> bool {
    let unfit = |c: char| c == '+' || c == '#' || c.is_control();
    !prefix.starts_with('$') && !prefix.contains(unfit) && !prefix.split('/').any(str::is_empty)
}

/// The error is a sentence, and never repeats a password.
fn parse(url: &str) -> Result<Broker, String> {
    let no_broker =
        || format!("`{url}` is no broker: write mqtt://HOST, mqtts://HOST for TLS, or with :PORT");
    let (scheme, rest) = url.split_once("://").ok_or_else(no_broker)?;
    let tls = match scheme {
        "mqtt" => false,
        "mqtts" => true,
        _ => return Err(no_broker()),
    };
    if rest.contains('@') {
        return Err(
            "the user does not belong here: set publish.mqtt.user and password_file".into(),
        );
    }
    let place = rest.strip_suffix('/').unwrap_or(rest);
    // Colons of an IPv6 address are inside brackets.
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (place, None),
    };
    let port = match port {
        Some(port) => port
            .parse()
            .ok()
            .filter(|&port| port > 0)
            .ok_or_else(no_broker)?,
        None if tls => PORT_TLS,
        None => PORT,
    };
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']').ok_or_else(no_broker)?,
        None if host.contains(':') => return Err(no_broker()),
        None => host,
    };
    let unfit = |c: char| c.is_whitespace() || c.is_control() || "/?#[]".contains(c);
    if host.is_empty() || host.contains(unfit) {
        return Err(no_broker());
    }
    Ok(Broker {
        host: host.into(),
        port,
        tls,
    })
}

fn first_line(path: &Path) -> Result<String, ConfigError> {
    let refuse = |reason: String| {
        let problem = format!("{}: the password cannot be read: {reason}", path.display());
        ConfigError::value("publish.mqtt.password_file", problem)
    };
    let text = std::fs::read_to_string(path).map_err(|e| refuse(e.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.into()),
        _ => Err(refuse("its first line is empty".into())),
    }
}

fn machine() -> String {
    let uname = rustix::system::uname();
    uname.nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(host: &str, port: u16, tls: bool) -> Result<Broker, String> {
        Ok(Broker {
            host: host.into(),
            port,
            tls,
        })
    }

    #[test]
    fn a_url_becomes_a_broker() {
        assert_eq!(parse("mqtt://desk"), broker("desk", 1883, false));
        assert_eq!(
            parse("mqtts://desk.example/"),
            broker("desk.example", 8883, true)
        );
        assert_eq!(
            parse("mqtt://10.0.0.7:2000"),
            broker("10.0.0.7", 2000, false)
        );
        assert_eq!(parse("mqtts://[::1]"), broker("::1", 8883, true));
        assert_eq!(
            parse("mqtt://[fe80::1]:2000"),
            broker("fe80::1", 2000, false)
        );
        for url in [
            "desk",
            "http://desk",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://desk:0",
            "mqtt://desk:x",
            "mqtt://desk:70000",
            "mqtt://desk/topic",
            "mqtt://a b",
            "mqtt://::1",
            "mqtt://[::1",
        ] {
            let problem = parse(url).unwrap_err();
            assert!(
                problem.contains("is no broker: write mqtt://HOST"),
                "{problem}"
            );
        }
        let problem = parse("mqtt://anna:secret@desk").unwrap_err();
        assert!(!problem.contains("secret"), "{problem}");
    }
}
