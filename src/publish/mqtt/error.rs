//! Errors of MQTT: before the run, and of a connection.

use std::io;

use rumqttc::v5;
use rumqttc::v5::mqttbytes::v5 as packet5;

use crate::config::ConfigError;
use crate::publish::mqtt::link::Link;

/// What prevents the start.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    /// A value of the configuration, or the password file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A certificate or key that cannot be used.
    #[error("MQTT: {path}: {reason}")]
    File {
        /// Of the file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("MQTT: {0}")]
    Tls(String),
    /// The system gives no thread.
    #[error("no thread for MQTT: {0}")]
    Thread(#[from] io::Error),
}

impl MqttError {
    pub(super) fn file(path: &str, reason: &str) -> Self {
        Self::File {
            path: path.into(),
            reason: reason.into(),
        }
    }
}

/// What ends a connection or prevents it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error(
        "the broker refuses user `{user}` with this password ({code}); fix publish.mqtt.user, password_file or VOCALD_MQTT_PASSWORD"
    )]
    Password { user: String, code: String },
    #[error(
        "the broker requires a user and a password ({0}); set publish.mqtt.user and password_file"
    )]
    NoPassword(String),
    #[error("the broker refuses the client id `{0}`; set publish.mqtt.client_id")]
    ClientId(String),
    #[error("the broker does not support MQTT {0}; set publish.mqtt.version")]
    Version(&'static str),
    #[error("the broker refuses the connection: {0}")]
    Refused(String),
    #[error("the broker does not answer")]
    Silent,
    #[error(
        "the broker closed the connection: it has ended, or another client has the id `{client_id}`{code}"
    )]
    Closed { client_id: String, code: String },
    #[error("the broker closed the connection before it let us in{0}")]
    ClosedEarlyTls(String),
    #[error(
        "the broker closed the connection before it let us in{0}: is this its port, and does it require TLS (mqtts://)?"
    )]
    ClosedEarly(String),
    #[error("the broker cannot be reached: {0}")]
    Unreachable(String),
    #[error("the connection to the broker broke: {0}")]
    Broken(String),
    #[error(
        "the broker's certificate is not trusted: {0}; publish.mqtt.ca_file sets the trusted certificates"
    )]
    Certificate(String),
    #[error("the broker has no TLS on this port")]
    NoTls,
    #[error(
        "the broker requires a certificate of ours; set publish.mqtt.client_cert_file and client_key_file"
    )]
    NoClientCertificate,
    #[error("TLS with the broker failed: {0}")]
    Tls(String),
}

impl Link {
    /// The error of MQTT 3.1.1. `connected`: the broker had accepted the connection.
    pub(super) fn error_4(&self, error: &rumqttc::ConnectionError, connected: bool) -> LinkError {
        use rumqttc::{ConnectReturnCode as Code, ConnectionError as E, StateError};
        match error {
            E::ConnectionRefused(code) => match code {
                Code::BadUserNamePassword | Code::NotAuthorized => self.wrong_password(code),
                Code::BadClientId => self.wrong_client_id(),
                Code::RefusedProtocolVersion => self.wrong_version(),
                other => LinkError::Refused(format!("{other:?}")),
            },
            E::NetworkTimeout | E::FlushTimeout | E::MqttState(StateError::AwaitPingResp) => {
                LinkError::Silent
            }
            E::MqttState(StateError::ConnectionAborted) => self.closed(connected, ""),
            other => self.broken(other, connected),
        }
    }

    /// The error of MQTT 5.
    pub(super) fn error_5(&self, error: &v5::ConnectionError, connected: bool) -> LinkError {
        use packet5::ConnectReturnCode as Code;
        use v5::{ConnectionError as E, StateError};
        match error {
            E::ConnectionRefused(code) | E::MqttState(StateError::ConnFail { reason: code }) => {
                match code {
                    Code::BadUserNamePassword | Code::NotAuthorized => self.wrong_password(code),
                    Code::BadClientId | Code::ClientIdentifierNotValid => self.wrong_client_id(),
                    Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => {
                        self.wrong_version()
                    }
                    other => LinkError::Refused(format!("{other:?}")),
                }
            }
            E::Timeout(_) | E::MqttState(StateError::AwaitPingResp) => LinkError::Silent,
            E::MqttState(StateError::ConnectionAborted) => self.closed(connected, ""),
            E::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
                self.closed(connected, &format!(" ({reason_code:?})"))
            }
            other => self.broken(other, connected),
        }
    }

    fn broken(&self, error: &(dyn std::error::Error + 'static), connected: bool) -> LinkError {
        match io_error(error) {
            Some(error) => match tls_error(error) {
                Some(error) => error.into(),
                None if is_closed(error) => self.closed(connected, ""),
                None if connected => LinkError::Broken(error.to_string()),
                None => LinkError::Unreachable(error.to_string()),
            },
            None => LinkError::Broken(error.to_string()),
        }
    }

    fn wrong_password(&self, code: &dyn std::fmt::Debug) -> LinkError {
        let code = format!("{code:?}");
        match &self.credentials {
            Some((user, _)) => LinkError::Password {
                user: user.clone(),
                code,
            },
            None => LinkError::NoPassword(code),
        }
    }

    fn wrong_client_id(&self) -> LinkError {
        LinkError::ClientId(self.client_id.clone())
    }

    fn wrong_version(&self) -> LinkError {
        LinkError::Version(self.version.word())
    }

    fn closed(&self, connected: bool, code: &str) -> LinkError {
        let code = code.into();
        match connected {
            true => LinkError::Closed {
                client_id: self.client_id.clone(),
                code,
            },
            false if self.broker.tls => LinkError::ClosedEarlyTls(code),
            false => LinkError::ClosedEarly(code),
        }
    }
}

impl From<&rustls::Error> for LinkError {
    fn from(error: &rustls::Error) -> Self {
        use rustls::{AlertDescription, Error};
        match error {
            Error::InvalidCertificate(reason) => Self::Certificate(reason.to_string()),
            Error::InvalidMessage(_) => Self::NoTls,
            Error::AlertReceived(AlertDescription::CertificateRequired) => {
                Self::NoClientCertificate
            }
            other => Self::Tls(other.to_string()),
        }
    }
}

/// The system's or TLS's own error among those around it.
fn io_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.into_iter().find_map(|error| error.downcast_ref())
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Whether the other end closed the connection in the middle of something.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
    )
}
