//! MQTT: the broker, how it is entered, under which topics what is published.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// Has the last word over `password_file`.
const PASSWORD_VARIABLE: &str = "VOCALD_MQTT_PASSWORD";
const PORT: u16 = 1883;
const PORT_TLS: u16 = 8883;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MqttConfig {
    /// `mqtt://HOST:PORT`, or `mqtts://HOST:PORT` for TLS; the port may be left out. Empty: off.
    pub url: String,
    pub version: MqttVersion,
    /// What every topic begins with.
    pub prefix: String,
    /// By what the broker tells clients apart. Empty: the prefix and the machine's name.
    pub client_id: String,
    /// Empty: none is asked for.
    pub user: String,
    /// A file whose first line is the password. `VOCALD_MQTT_PASSWORD` in the environment has
    /// the last word.
    pub password_file: String,
    /// Whom to trust, PEM. Empty: whom the system trusts.
    pub ca_file: String,
    /// Our own certificate and its key, PEM, for a broker that asks for one.
    pub client_cert_file: String,
    pub client_key_file: String,
    /// Probabilities a second at most, each the highest since the one before. 0: none.
    pub p_rate_hz: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MqttVersion {
    #[default]
    #[serde(rename = "3.1.1")]
    V3_1_1,
    #[serde(rename = "5")]
    V5,
}

impl MqttVersion {
    /// As in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::V3_1_1 => "3.1.1",
            Self::V5 => "5",
        }
    }
}

/// Where the broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// A name or an address; of IPv6 without brackets.
    pub host: String,
    pub port: u16,
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
        }
    }
}

impl MqttConfig {
    pub fn is_on(&self) -> bool {
        !self.url.is_empty()
    }

    pub fn broker(&self) -> Result<Broker, ConfigError> {
        parse(&self.url).map_err(|fault| ConfigError::value("publish.mqtt.url", fault))
    }

    /// The client id, made up where none is set: it stays the same from run to run, so that the broker
    /// takes a new run for what has become of the old one.
    pub fn client_id(&self) -> String {
        match self.client_id.as_str() {
            "" => format!("{}-{}", self.prefix.replace('/', "-"), machine()),
            own => own.into(),
        }
    }

    /// User and password, where the broker asks for them.
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
                "there is a password and nobody whose it is: name the user",
            )),
            (user, password) => Ok(Some((user.into(), password.unwrap_or_default()))),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let fault = |key: &str, fault: String| {
            Err(ConfigError::value(format!("publish.mqtt.{key}"), fault))
        };
        let parts = || self.prefix.split('/');
        let unfit = |c: char| c == '+' || c == '#' || c.is_control();
        if self.prefix.starts_with('$') || self.prefix.contains(unfit) || parts().any(str::is_empty)
        {
            let words = format!(
                "`{}` cannot begin a topic: write it as vocald or stage/vocald",
                self.prefix
            );
            return fault("prefix", words);
        }
        if !(self.p_rate_hz.is_finite() && self.p_rate_hz >= 0.0) {
            let words = format!("{} is not a number from 0 up", self.p_rate_hz);
            return fault("p_rate_hz", words);
        }
        if self.client_cert_file.is_empty() != self.client_key_file.is_empty() {
            let words = "a certificate and its key go together: give client_cert_file and client_key_file, or neither";
            return fault("client_cert_file", words.into());
        }
        if !self.is_on() {
            return Ok(());
        }
        let tls_files = [&self.ca_file, &self.client_cert_file];
        if !self.broker()?.tls && tls_files.iter().any(|file| !file.is_empty()) {
            let words = format!(
                "there are files for TLS, but `{}` goes without: write mqtts://",
                self.url
            );
            return fault("url", words);
        }
        Ok(())
    }
}

fn parse(url: &str) -> Result<Broker, String> {
    let fault =
        || format!("`{url}` is no broker: write mqtt://HOST, mqtts://HOST for TLS, or with :PORT");
    let (scheme, rest) = url.split_once("://").ok_or_else(fault)?;
    let tls = match scheme {
        "mqtt" => false,
        "mqtts" => true,
        _ => return Err(fault()),
    };
    if rest.contains('@') {
        // Not repeated: there may be a password in it.
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
            .ok_or_else(fault)?,
        None if tls => PORT_TLS,
        None => PORT,
    };
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']').ok_or_else(fault)?,
        None if host.contains(':') => return Err(fault()),
        None => host,
    };
    let unfit = |c: char| c.is_whitespace() || c.is_control() || "/?#[]".contains(c);
    if host.is_empty() || host.contains(unfit) {
        return Err(fault());
    }
    Ok(Broker {
        host: host.into(),
        port,
        tls,
    })
}

fn first_line(path: &Path) -> Result<String, ConfigError> {
    let fault = |reason: String| {
        let words = format!("{}: the password cannot be read: {reason}", path.display());
        ConfigError::value("publish.mqtt.password_file", words)
    };
    let text = std::fs::read_to_string(path).map_err(|e| fault(e.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.into()),
        _ => Err(fault("its first line is empty".into())),
    }
}

#[cfg(unix)]
fn machine() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(not(unix))]
fn machine() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "machine".into())
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
    fn brokers_are_named_by_urls() {
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
            let fault = parse(url).unwrap_err();
            assert!(fault.contains("is no broker: write mqtt://HOST"), "{fault}");
        }
        let fault = parse("mqtt://anna:secret@desk").unwrap_err();
        assert!(!fault.contains("secret"), "{fault}");
    }
}
