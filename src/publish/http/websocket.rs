//! The WebSocket: a message a text frame. What a client wants is in the address
//! (`/ws?types=onset,offset&rate=5`), or in a text it sends.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::publish::fanout::Subscriber;
use crate::publish::http::App;
use crate::publish::http::access::allows_origin;
use crate::publish::hub::Published;
use crate::publish::lines::refused;
use vocald_client::Subscription;

/// A longer text is no choice but a flood.
const MESSAGE_BYTES_MAX: usize = 4096;
/// So often a quiet connection is asked whether it still is one.
const PING_EVERY: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
pub struct Choice {
    types: Option<String>,
    streams: Option<String>,
    rate: Option<String>,
}

pub async fn open(
    State(app): State<Arc<App>>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !allows_origin(&app.access, &headers) {
        let fault = "a page of another origin may not listen; [publish.http] origins allows it\n";
        return (StatusCode::FORBIDDEN, fault).into_response();
    }
    let (types, streams, rate) = (&choice.types, &choice.streams, &choice.rate);
    let subscription =
        match Subscription::from_query(types.as_deref(), streams.as_deref(), rate.as_deref()) {
            Ok(subscription) => subscription,
            Err(fault) => return (StatusCode::BAD_REQUEST, format!("{fault}\n")).into_response(),
        };
    let Ok(place) = Arc::clone(&app.places).try_acquire_owned() else {
        let fault = format!("there are {} clients already\n", app.clients_max);
        return (StatusCode::SERVICE_UNAVAILABLE, fault).into_response();
    };
    let Some(subscriber) = app.subscriptions.subscribe(subscription) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the run is over\n").into_response();
    };
    upgrade
        // A choice fits; the default, 128 KiB, is taken for every client.
        .read_buffer_size(MESSAGE_BYTES_MAX)
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .on_upgrade(async move |socket| {
            // Clients come and go; that is no news.
            let _ = talk(socket, subscriber).await;
            drop(place);
        })
}

async fn talk(mut socket: WebSocket, mut subscriber: Subscriber) -> Result<(), axum::Error> {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = subscriber.next() => {
                let Some(message) = message else {
                    return close(socket, close_code::AWAY, "the run is over").await;
                };
                socket.send(text(&message)).await?;
            }
            frame = socket.recv() => {
                let Some(frame) = frame.transpose()? else { return Ok(()) };
                let choice = match frame {
                    Frame::Text(text) => Subscription::from_json(&text).map_err(|e| e.to_string()),
                    Frame::Binary(_) => Err("choices are sent as text".into()),
                    _ => continue,
                };
                match choice {
                    Ok(subscription) => subscriber.choose(subscription),
                    Err(reason) => {
                        socket.send(text(&Published::new(refused(reason)))).await?;
                        return close(socket, close_code::POLICY, "refused").await;
                    }
                }
            }
            _ = pings.tick() => socket.send(Frame::Ping(Default::default())).await?,
        }
    }
}

fn text(message: &Published) -> Frame {
    Frame::Text(message.json().into())
}

async fn close(mut socket: WebSocket, code: u16, reason: &'static str) -> Result<(), axum::Error> {
    let reason = reason.into();
    socket
        .send(Frame::Close(Some(CloseFrame { code, reason })))
        .await
}
