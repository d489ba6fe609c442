//! A connection to the broker, in either version of the protocol.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS as QoS5;
use rumqttc::v5::mqttbytes::v5 as packet5;
use rumqttc::{NetworkOptions, QoS, TlsConfiguration, Transport, v5};
use rustls::ClientConfig;

use crate::config::{Broker, MqttConfig, MqttVersion};
use crate::publish::mqtt::error::{LinkError, MqttError};
use crate::publish::mqtt::messages::Messages;
use crate::publish::mqtt::publication::{Kind, Publication};
use crate::publish::mqtt::{retained, tls};

/// Publications that the broker may leave unacknowledged.
pub const WINDOW: usize = 64;
/// Longest silence towards the broker, which closes the connection after one and a half times that.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const CONNECT_LIMIT_S: u64 = 5;
/// Far above any message; the library's default is too small for the longest stream names.
const PACKET_MAX_BYTES: usize = 1 << 20;

/// The parameters of a connection. Holds the password, so it is never printed.
#[derive(Clone)]
pub struct Link {
    pub(super) broker: Broker,
    pub(super) version: MqttVersion,
    pub(super) client_id: String,
    pub(super) credentials: Option<(String, String)>,
    tls: Option<Arc<ClientConfig>>,
    last_will: Publication,
    /// Topic of the list of retained topics.
    retained_list: String,
}

/// What happens on a connection.
pub enum LinkEvent {
    Connected,
    /// The oldest unacknowledged publication has arrived. `refused`: the reason why the broker drops it, if it does.
    Acknowledged {
        refused: Option<String>,
    },
    /// A message of a topic that was subscribed to.
    Received(Vec<u8>),
    /// Closed by [`Client::disconnect`].
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
            retained_list: retained::topic(config),
        })
    }

    /// Topic of the list of retained topics that this client holds.
    pub fn retained_list(&self) -> &str {
        &self.retained_list
    }

    /// The same for one more connection with another last will.
    pub fn guarding(&self, will: &Publication) -> Self {
        Self {
            client_id: format!("{}:{}", self.client_id, will.topic),
            last_will: will.clone(),
            ..self.clone()
        }
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

    /// A new connection, which is made when its [`Connection`] is polled.
    pub fn open(&self) -> (Client, Connection) {
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
                let (client, mut connection) = rumqttc::AsyncClient::new(options, WINDOW);
                connection.set_network_options(network);
                (Client::V4(client), Connection::V4(Box::new(connection)))
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
                let (client, connection) = v5::AsyncClient::new(options, WINDOW);
                (Client::V5(client), Connection::V5(Box::new(connection)))
            }
        }
    }
}

/// The writing end: publications for the [`Connection`] to send.
pub enum Client {
    V4(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

impl Client {
    /// Whether there was room for the publication.
    pub fn publish(&self, publication: &Publication) -> bool {
        let Publication {
            topic,
            payload,
            kind,
        } = publication;
        let retain = *kind == Kind::Retained;
        let once = *kind == Kind::Momentary;
        match self {
            Self::V4(client) => {
                let qos = match once {
                    true => QoS::AtMostOnce,
                    false => QoS::AtLeastOnce,
                };
                client
                    .try_publish(topic, qos, retain, payload.as_str())
                    .is_ok()
            }
            Self::V5(client) => {
                let qos = match once {
                    true => QoS5::AtMostOnce,
                    false => QoS5::AtLeastOnce,
                };
                client
                    .try_publish(topic, qos, retain, payload.clone())
                    .is_ok()
            }
        }
    }

    /// Asks for a topic's messages. Without room it is not asked for: there is nothing to wait for on a connection this
    /// busy.
    pub fn subscribe(&self, topic: &str) {
        let _asked = match self {
            Self::V4(client) => client.try_subscribe(topic, QoS::AtLeastOnce).is_ok(),
            Self::V5(client) => client.try_subscribe(topic, QoS5::AtLeastOnce).is_ok(),
        };
    }

    /// Closes the connection in order, without the last will. Whether there was room for that.
    pub fn disconnect(&self) -> bool {
        match self {
            Self::V4(client) => client.try_disconnect().is_ok(),
            Self::V5(client) => client.try_disconnect().is_ok(),
        }
    }
}

/// The connection itself; nothing happens unless it is polled.
pub enum Connection {
    V4(Box<rumqttc::EventLoop>),
    V5(Box<v5::EventLoop>),
}

impl Connection {
    /// Waits for the next event. Not cancel safe. `connected`: the broker has accepted the connection.
    pub async fn poll(&mut self, link: &Link, connected: bool) -> Result<LinkEvent, LinkError> {
        match self {
            Self::V4(connection) => match connection.poll().await {
                Ok(event) => Ok(event.into()),
                Err(error) => Err(link.error_4(&error, connected)),
            },
            Self::V5(connection) => match connection.poll().await {
                Ok(event) => Ok(event.into()),
                Err(error) => Err(link.error_5(&error, connected)),
            },
        }
    }
}

impl From<rumqttc::Event> for LinkEvent {
    fn from(event: rumqttc::Event) -> Self {
        use rumqttc::{Event, Outgoing, Packet};
        match event {
            Event::Incoming(Packet::ConnAck(_)) => Self::Connected,
            Event::Incoming(Packet::PubAck(_)) => Self::Acknowledged { refused: None },
            Event::Incoming(Packet::Publish(message)) => Self::Received(message.payload.to_vec()),
            Event::Outgoing(Outgoing::Disconnect) => Self::Closed,
            _ => Self::Other,
        }
    }
}

impl From<v5::Event> for LinkEvent {
    fn from(event: v5::Event) -> Self {
        use packet5::{Packet, PubAckReason};
        match event {
            v5::Event::Incoming(Packet::ConnAck(_)) => Self::Connected,
            v5::Event::Incoming(Packet::PubAck(ack)) => Self::Acknowledged {
                refused: match ack.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => None,
                    reason => Some(format!("{reason:?}")),
                },
            },
            v5::Event::Incoming(Packet::Publish(message)) => {
                Self::Received(message.payload.to_vec())
            }
            v5::Event::Outgoing(rumqttc::Outgoing::Disconnect) => Self::Closed,
            _ => Self::Other,
        }
    }
}
