//! What is wrong with a connection, in one sentence that says what to do.

use std::io;

use rumqttc::v5;
use rumqttc::v5::mqttbytes::v5 as packet5;

use crate::publish::mqtt::link::Link;

impl Link {
    /// `connected`: the broker had let us in before.
    pub(super) fn fault_4(&self, error: &rumqttc::ConnectionError, connected: bool) -> String {
        use rumqttc::{ConnectReturnCode as Code, ConnectionError as E, StateError};
        match error {
            E::ConnectionRefused(code) => match code {
                Code::BadUserNamePassword | Code::NotAuthorized => self.refused_password(code),
                Code::BadClientId => self.refused_client_id(),
                Code::RefusedProtocolVersion => self.refused_version(),
                other => format!("the broker refuses us: {other:?}"),
            },
            E::NetworkTimeout | E::FlushTimeout => silent(),
            E::MqttState(StateError::AwaitPingResp) => silent(),
            E::MqttState(StateError::ConnectionAborted) => self.aborted(connected),
            other => self.broken(other, connected),
        }
    }

    /// The same for MQTT 5.
    pub(super) fn fault_5(&self, error: &v5::ConnectionError, connected: bool) -> String {
        use packet5::ConnectReturnCode as Code;
        use v5::{ConnectionError as E, StateError};
        match error {
            E::ConnectionRefused(code) | E::MqttState(StateError::ConnFail { reason: code }) => {
                match code {
                    Code::BadUserNamePassword | Code::NotAuthorized => self.refused_password(code),
                    Code::BadClientId | Code::ClientIdentifierNotValid => self.refused_client_id(),
                    Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => {
                        self.refused_version()
                    }
                    other => format!("the broker refuses us: {other:?}"),
                }
            }
            E::Timeout(_) | E::MqttState(StateError::AwaitPingResp) => silent(),
            E::MqttState(StateError::ConnectionAborted) => self.aborted(connected),
            E::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
                format!("{} ({reason_code:?})", self.aborted(connected))
            }
            other => self.broken(other, connected),
        }
    }

    fn broken(&self, error: &(dyn std::error::Error + 'static), connected: bool) -> String {
        match io_fault(error) {
            Some(error) => match tls_in(error) {
                Some(error) => tls_fault(error),
                None if is_closed(error) => self.aborted(connected),
                None if connected => format!("the connection to the broker broke: {error}"),
                None => format!("the broker cannot be reached: {error}"),
            },
            None => format!("the connection to the broker broke: {error}"),
        }
    }

    fn refused_password(&self, code: &dyn std::fmt::Debug) -> String {
        match &self.credentials {
            Some((user, _)) => format!(
                "the broker refuses user `{user}` with this password ({code:?}); mend publish.mqtt.user, password_file or VOCALD_MQTT_PASSWORD"
            ),
            None => format!(
                "the broker asks for a user and a password ({code:?}); set publish.mqtt.user and password_file"
            ),
        }
    }

    fn refused_client_id(&self) -> String {
        format!(
            "the broker refuses the client id `{}`; set publish.mqtt.client_id",
            self.client_id
        )
    }

    fn refused_version(&self) -> String {
        format!(
            "the broker does not speak MQTT {}; set publish.mqtt.version",
            self.version.word()
        )
    }

    fn aborted(&self, connected: bool) -> String {
        match connected {
            true => format!(
                "the broker closed the connection: it has ended, or another client calls itself `{}`",
                self.client_id
            ),
            false if self.broker.tls => "the broker closed the connection before it let us in".into(),
            false => "the broker closed the connection before it let us in: is this its port, and does it want TLS (mqtts://)?".into(),
        }
    }
}

fn silent() -> String {
    "the broker does not answer".into()
}

fn tls_fault(error: &rustls::Error) -> String {
    use rustls::{AlertDescription, Error};
    match error {
        Error::InvalidCertificate(reason) => format!(
            "the broker's certificate is not trusted: {reason}; publish.mqtt.ca_file says whom to trust"
        ),
        Error::InvalidMessage(_) => "the broker does not speak TLS on this port".into(),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the broker asks for a certificate of ours; set publish.mqtt.client_cert_file and client_key_file".into()
        }
        other => format!("TLS with the broker fails: {other}"),
    }
}

/// Of an error that others are wrapped around, what the system or TLS said.
fn io_fault<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.into_iter().find_map(|error| error.downcast_ref())
}

fn tls_in(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The other end has closed it in the middle of something.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
    )
}
