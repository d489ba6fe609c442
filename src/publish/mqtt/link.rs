//! A connection to the broker, in either version of the protocol.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS as QoS5;
use rumqttc::v5::mqttbytes::v5 as packet5;
use rumqttc::{NetworkOptions, QoS, TlsConfiguration, Transport, v5};
use rustls::ClientConfig;

use crate::config::{Broker, MqttConfig, MqttVersion};
use crate::publish::mqtt::MqttError;
use crate::publish::mqtt::messages::{Kind, Messages, Publication};
use crate::publish::mqtt::tls;

/// Publications that the broker has not acknowledged yet, at most.
pub const WINDOW: usize = 64;
/// The broker hears from us at least so often, and takes us for dead after one and a half times that.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const CONNECT_LIMIT_S: u64 = 5;
/// Far above any message; the client library's own limit is below what a stream's name may need.
const PACKET_MAX_BYTES: usize = 1 << 20;

/// All that is needed to connect. Holds the password, so it is never printed.
pub struct Link {
    pub(super) broker: Broker,
    pub(super) version: MqttVersion,
    pub(super) client_id: String,
    pub(super) credentials: Option<(String, String)>,
    tls: Option<Arc<ClientConfig>>,
    last_will: Publication,
}

/// What came from the broker, or what became of what was to go there.
pub enum Heard {
    Connected,
    /// The oldest publication that waits for it has arrived. `refused`: and went no further.
    Acknowledged {
        refused: Option<String>,
    },
    /// We have said good-bye.
    Closed,
    Other,
}

impl Link {
    pub fn new(config: &MqttConfig) -> Result<Self, MqttError> {
        let broker = config.broker()?;
        Ok(Self {
            tls: match broker.tls {
                true => Some(tls::client_config(config)?),
                false => None,
            },
            broker,
            version: config.version,
            client_id: config.client_id(),
            credentials: config.credentials()?,
            last_will: Messages::last_will(config),
        })
    }

    /// The broker's address, for people.
    pub fn name(&self) -> String {
        let Broker { host, port, tls } = &self.broker;
        let scheme = if *tls { "mqtts" } else { "mqtt" };
        match host.contains(':') {
            true => format!("{scheme}://[{host}]:{port}"),
            false => format!("{scheme}://{host}:{port}"),
        }
    }

    /// A new connection; it is made once its [`Wire`] is polled.
    pub fn open(&self) -> (Client, Wire) {
        let transport = match &self.tls {
            Some(tls) => Transport::tls_with_config(TlsConfiguration::Rustls(Arc::clone(tls))),
            None => Transport::tcp(),
        };
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(CONNECT_LIMIT_S);
        let (host, port, will) = (&self.broker.host, self.broker.port, &self.last_will);
        match self.version {
            MqttVersion::V3_1_1 => {
                let mut options = rumqttc::MqttOptions::new(&self.client_id, host, port);
                let retain = will.kind == Kind::Retained;
                let will =
                    rumqttc::LastWill::new(&will.topic, &*will.payload, QoS::AtLeastOnce, retain);
                options
                    .set_transport(transport)
                    .set_keep_alive(KEEP_ALIVE)
                    .set_max_packet_size(PACKET_MAX_BYTES, PACKET_MAX_BYTES)
                    .set_last_will(will);
                if let Some((user, password)) = &self.credentials {
                    options.set_credentials(user, password);
                }
                let (client, mut wire) = rumqttc::AsyncClient::new(options, WINDOW);
                wire.set_network_options(network);
                (Client::V4(client), Wire::V4(Box::new(wire)))
            }
            MqttVersion::V5 => {
                let mut options = v5::MqttOptions::new(&self.client_id, host, port);
                let retain = will.kind == Kind::Retained;
                let payload = will.payload.as_str();
                let will =
                    packet5::LastWill::new(&will.topic, payload, QoS5::AtLeastOnce, retain, None);
                options
                    .set_transport(transport)
                    .set_keep_alive(KEEP_ALIVE)
                    .set_connection_timeout(CONNECT_LIMIT_S)
                    .set_network_options(network)
                    .set_outgoing_inflight_upper_limit(100)
                    .set_last_will(will);
                if let Some((user, password)) = &self.credentials {
                    options.set_credentials(user, password);
                }
                let (client, wire) = v5::AsyncClient::new(options, WINDOW);
                (Client::V5(client), Wire::V5(Box::new(wire)))
            }
        }
    }
}

/// The way in: publications for the [`Wire`] to send.
pub enum Client {
    V4(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

impl Client {
    /// False where there is no room at the moment.
    pub fn publish(&self, publication: &Publication) -> bool {
        let Publication {
            topic,
            payload,
            kind,
        } = publication;
        let retain = *kind == Kind::Retained;
        match (self, kind) {
            (Self::V4(client), Kind::Momentary) => client
                .try_publish(topic, QoS::AtMostOnce, retain, payload.as_str())
                .is_ok(),
            (Self::V4(client), Kind::Retained | Kind::Event) => client
                .try_publish(topic, QoS::AtLeastOnce, retain, payload.as_str())
                .is_ok(),
            (Self::V5(client), Kind::Momentary) => client
                .try_publish(topic, QoS5::AtMostOnce, retain, payload.clone())
                .is_ok(),
            (Self::V5(client), Kind::Retained | Kind::Event) => client
                .try_publish(topic, QoS5::AtLeastOnce, retain, payload.clone())
                .is_ok(),
        }
    }

    /// Says good-bye, so that the last will is not carried out. False where there is no room at the moment.
    pub fn disconnect(&self) -> bool {
        match self {
            Self::V4(client) => client.try_disconnect().is_ok(),
            Self::V5(client) => client.try_disconnect().is_ok(),
        }
    }
}

/// The connection itself; nothing moves unless it is polled.
pub enum Wire {
    V4(Box<rumqttc::EventLoop>),
    V5(Box<v5::EventLoop>),
}

impl Wire {
    /// Waits for the next thing to happen. Not to be dropped midway. The error is a sentence for people;
    /// `connected`: the broker had let us in before.
    pub async fn poll(&mut self, link: &Link, connected: bool) -> Result<Heard, String> {
        match self {
            Self::V4(wire) => match wire.poll().await {
                Ok(event) => Ok(heard_4(&event)),
                Err(error) => Err(link.fault_4(&error, connected)),
            },
            Self::V5(wire) => match wire.poll().await {
                Ok(event) => Ok(heard_5(&event)),
                Err(error) => Err(link.fault_5(&error, connected)),
            },
        }
    }
}

fn heard_4(event: &rumqttc::Event) -> Heard {
    use rumqttc::{Event, Outgoing, Packet};
    match event {
        Event::Incoming(Packet::ConnAck(_)) => Heard::Connected,
        Event::Incoming(Packet::PubAck(_)) => Heard::Acknowledged { refused: None },
        Event::Outgoing(Outgoing::Disconnect) => Heard::Closed,
        _ => Heard::Other,
    }
}

fn heard_5(event: &v5::Event) -> Heard {
    use packet5::{Packet, PubAckReason};
    match event {
        v5::Event::Incoming(Packet::ConnAck(_)) => Heard::Connected,
        v5::Event::Incoming(Packet::PubAck(ack)) => Heard::Acknowledged {
            refused: match ack.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => None,
                reason => Some(format!("{reason:?}")),
            },
        },
        v5::Event::Outgoing(rumqttc::Outgoing::Disconnect) => Heard::Closed,
        _ => Heard::Other,
    }
}
