//! OBS Studio by its WebSocket server, protocol 5: mutes and shows sources.

use std::io;
use std::net::TcpStream;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tungstenite::{Message as Frame, WebSocket};

use crate::config::ObsConfig;
use crate::publish::switches::{Arrived, Selection, Switchboard, Switches, arrived, connect};

const HELLO: u64 = 0;
const IDENTIFY: u64 = 1;
const IDENTIFIED: u64 = 2;
const REQUEST: u64 = 6;
const RESPONSE: u64 = 7;
const RPC_VERSION: u64 = 1;
/// Frames of other kinds that are passed over before an answer.
const MAX_OTHERS: usize = 64;

/// An OBS.
struct Obs {
    config: ObsConfig,
    password: String,
    connection: Option<WebSocket<TcpStream>>,
    requests: u64,
}

/// The sink; `password` is empty if the server has none.
///
/// # Errors
///
/// If the system gives no thread.
pub fn start(config: &ObsConfig, password: String) -> io::Result<Switches> {
    let obs = Obs {
        config: config.clone(),
        password,
        connection: None,
        requests: 0,
    };
    let selection = Selection {
        streams: config.streams.clone(),
        is_common: true,
    };
    Switches::start(obs, selection)
}

impl Switchboard for Obs {
    fn name(&self) -> String {
        format!("OBS {}", self.config.target)
    }

    fn connect(&mut self) -> io::Result<()> {
        self.connection = None;
        let stream = connect(&self.config.target)?;
        let url = format!("ws://{}/", self.config.target);
        let (connection, _) = tungstenite::client(url, stream).map_err(io::Error::other)?;
        self.connection = Some(connection);
        let hello = self.receive(HELLO)?;
        let mut data = json!({ "rpcVersion": RPC_VERSION, "eventSubscriptions": 0 });
        if let Some(challenge) = hello.get("authentication") {
            let part = |key: &str| challenge[key].as_str().unwrap_or_default();
            let secret = digest(&format!("{}{}", self.password, part("salt")));
            data["authentication"] = digest(&format!("{secret}{}", part("challenge"))).into();
        }
        self.send(IDENTIFY, &data)?;
        self.receive(IDENTIFIED).map(drop).map_err(|error| {
            let reason = format!("{error}; is the password right (publish.obs.password_file)?");
            io::Error::new(error.kind(), reason)
        })
    }

    fn set(&mut self, _: Option<&str>, on: bool) -> io::Result<()> {
        let config = self.config.clone();
        for (sources, muted) in [(&config.mute, on), (&config.unmute, !on)] {
            for source in sources {
                let data = json!({ "inputName": source, "inputMuted": muted });
                self.request("SetInputMute", &data)?;
            }
        }
        for (items, shown) in [(&config.show, on), (&config.hide, !on)] {
            for (scene, source) in items.iter().filter_map(|item| item.split_once('/')) {
                let item = json!({ "sceneName": scene, "sourceName": source });
                // Asked anew each time: the item may have been replaced.
                let Some(found) = self.request("GetSceneItemId", &item)? else {
                    continue;
                };
                let data = json!({
                    "sceneName": scene,
                    "sceneItemId": found["sceneItemId"],
                    "sceneItemEnabled": shown,
                });
                self.request("SetSceneItemEnabled", &data)?;
            }
        }
        Ok(())
    }

    fn is_connected(&mut self) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        loop {
            match arrived(connection.get_ref()) {
                Arrived::Nothing => return true,
                // A ping, which the library answers, or the end.
                Arrived::Bytes => match connection.read() {
                    Ok(frame) if !frame.is_close() => {}
                    _ => return false,
                },
                Arrived::End => return false,
            }
        }
    }
}

impl Obs {
    /// The data of a request's response; `None` if OBS refuses it, which is logged.
    fn request(&mut self, kind: &str, data: &Value) -> io::Result<Option<Value>> {
        self.requests += 1;
        let id = self.requests.to_string();
        let request = json!({ "requestType": kind, "requestId": id, "requestData": data });
        self.send(REQUEST, &request)?;
        let response = loop {
            let response = self.receive(RESPONSE)?;
            if response["requestId"] == id.as_str() {
                break response;
            }
        };
        let status = &response["requestStatus"];
        if status["result"] == true {
            return Ok(Some(response["responseData"].clone()));
        }
        let comment = status["comment"].as_str().unwrap_or("no reason given");
        tracing::warn!("{} refuses {kind} of {data}: {comment}", self.name());
        Ok(None)
    }

    fn send(&mut self, op: u64, data: &Value) -> io::Result<()> {
        let text = json!({ "op": op, "d": data }).to_string();
        self.connection()?
            .send(Frame::text(text))
            .map_err(io::Error::other)
    }

    /// The data of the next message of a kind.
    fn receive(&mut self, op: u64) -> io::Result<Value> {
        for _ in 0..MAX_OTHERS {
            let frame = self.connection()?.read().map_err(io::Error::other)?;
            match frame {
                Frame::Text(text) => {
                    let message: Value = serde_json::from_str(text.as_str())?;
                    if message["op"] == op {
                        return Ok(message["d"].clone());
                    }
                }
                Frame::Close(close) => {
                    let reason = close.map(|close| close.reason.to_string());
                    let reason = reason.unwrap_or_default();
                    return Err(io::Error::other(format!(
                        "OBS ended the connection: {reason}"
                    )));
                }
                _ => {}
            }
        }
        Err(io::Error::other("OBS does not answer by protocol 5"))
    }

    fn connection(&mut self) -> io::Result<&mut WebSocket<TcpStream>> {
        let missing = || io::Error::from(io::ErrorKind::NotConnected);
        self.connection.as_mut().ok_or_else(missing)
    }
}

fn digest(text: &str) -> String {
    BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()))
}
