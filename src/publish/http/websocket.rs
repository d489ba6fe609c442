//! The WebSocket: one text frame per message. The subscription is in the query (`/ws?types=onset,offset&rate=5`) or in a
//! text frame from the client.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use vocald_client::{Request, Subscription};

use crate::publish::control::{Pending, message};
use crate::publish::fanout::Subscriber;
use crate::publish::http::App;
use crate::publish::http::access::check_origin;
use crate::publish::http::connections::Peer;
use crate::publish::hub::Published;
use crate::publish::lines::{Door, STALLED_MAX, next_reply, refused};

/// Longer frames are refused.
const MESSAGE_BYTES_MAX: usize = 4096;
/// Time between pings, which find lost connections.
const PING_EVERY: Duration = Duration::from_secs(20);

/// The query of the URL.
#[derive(Deserialize)]
pub(super) struct Choice {
    types: Option<String>,
    streams: Option<String>,
    rate: Option<String>,
}

/// Handles `GET /ws`.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(refused) = check_origin(&app, &headers, "a WebSocket") {
        return refused;
    }
    let (types, streams, rate) = (&choice.types, &choice.streams, &choice.rate);
    let subscription =
        match Subscription::from_query(types.as_deref(), streams.as_deref(), rate.as_deref()) {
            Ok(subscription) => subscription,
            Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        };
    let place = match app.places.take(Some(peer.0)) {
        Ok(place) => place,
        Err(full) => {
            app.refusals.log(format!("a WebSocket was refused: {full}"));
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{full}\n")).into_response();
        }
    };
    let Some(subscriber) = app.subscriptions.subscribe(subscription) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the run is over\n").into_response();
    };
    let door = Door::Open(app.control.clone());
    upgrade
        // Large enough for a subscription; the default is 128 KiB per client.
        .read_buffer_size(MESSAGE_BYTES_MAX)
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .on_upgrade(async move |socket| {
            // A lost client is no error.
            let _ = talk(socket, subscriber, &door).await;
            drop(place);
        })
}

async fn talk(
    mut socket: WebSocket,
    mut subscriber: Subscriber,
    door: &Door,
) -> Result<(), axum::Error> {
    let mut replies: VecDeque<Pending> = VecDeque::new();
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            // In the order of the requests.
            reply = next_reply(&mut replies), if !replies.is_empty() => {
                send(&mut socket, text(&Published::new(message(reply)))).await?;
            }
            message = subscriber.next() => {
                let Some(message) = message else {
                    return close(socket, close_code::AWAY, "the run is over").await;
                };
                send(&mut socket, text(&message)).await?;
            }
            // A client that sends requests without taking replies waits.
            frame = socket.recv(), if replies.is_empty() => {
                let Some(frame) = frame.transpose()? else { return Ok(()) };
                let choice = match frame {
                    Frame::Text(text) if Request::is_meant(&text) => {
                        replies.push_back(door.submit(&text));
                        continue;
                    }
                    Frame::Text(text) => Subscription::from_json(&text).map_err(|e| e.to_string()),
                    Frame::Binary(_) => Err("a subscription is sent as text".into()),
                    _ => continue,
                };
                match choice {
                    Ok(subscription) => subscriber.resubscribe(subscription),
                    Err(reason) => {
                        send(&mut socket, text(&Published::new(refused(reason)))).await?;
                        return close(socket, close_code::POLICY, "refused").await;
                    }
                }
            }
            _ = pings.tick() => send(&mut socket, Frame::Ping(Default::default())).await?,
        }
    }
}

/// Gives up on a client that takes nothing for a long time.
async fn send(socket: &mut WebSocket, frame: Frame) -> Result<(), axum::Error> {
    let sent = tokio::time::timeout(STALLED_MAX, socket.send(frame)).await;
    sent.map_err(axum::Error::new)?
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
