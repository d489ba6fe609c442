//! HTTP: the page for people, a WebSocket for programs, and what machines that watch
//! machines ask for.

mod access;
mod collector;
mod connections;
mod health;
mod metrics;
mod page;
mod websocket;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::json;
use tokio::sync::Semaphore;

pub use collector::Collector;

use crate::config::HttpAccess;
use crate::publish::fanout::{Fanout, Subscriptions, fanout};
use crate::publish::hub::{Hub, Published, Sink};
use crate::publish::server::{CLIENT_PATIENCE, Server};
use health::Health;
use metrics::Metrics;
use vocald_client::{Message, schema};

/// Connections for pages and questions, beside those of the WebSocket clients.
pub const QUESTIONS_MAX: usize = 64;

/// What the hub delivers to.
pub struct HttpSink {
    fanout: Fanout,
    watch: Arc<Mutex<Watch>>,
}

/// What is kept of the messages for whoever asks.
struct Watch {
    health: Health,
    metrics: Metrics,
}

impl Sink for HttpSink {
    fn name(&self) -> String {
        self.fanout.name()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        {
            let mut watch = lock(&self.watch);
            for published in messages {
                watch.health.observe(&published.message);
                watch.metrics.observe(&published.message);
            }
        }
        self.fanout.deliver(messages)
    }
}

fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

struct App {
    subscriptions: Subscriptions,
    watch: Arc<Mutex<Watch>>,
    access: HttpAccess,
    /// Places for WebSocket clients.
    places: Arc<Semaphore>,
    clients_max: usize,
}

/// Listens where `access` says, and tells the address, with the port it got where it asked for 0. The
/// sink is to be attached to `hub`.
pub fn start(
    hub: &Hub,
    access: HttpAccess,
    clients_max: usize,
    queue_messages: usize,
    collector: Arc<Collector>,
) -> io::Result<(Server, SocketAddr, HttpSink)> {
    let listener = TcpListener::bind(access.address())?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let hello = hub.hello();
    let watch = Arc::new(Mutex::new(Watch {
        health: Health::new(&hello),
        metrics: Metrics::new(&hello, collector),
    }));
    let (fanout, subscriptions) = fanout("http".into(), hello, queue_messages);
    let app = Arc::new(App {
        subscriptions: subscriptions.clone(),
        watch: Arc::clone(&watch),
        access,
        places: Arc::new(Semaphore::new(clients_max)),
        clients_max,
    });
    let server = Server::start("http", move || async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let listener = connections::Limited::new(listener, clients_max + QUESTIONS_MAX);
        let served = axum::serve(listener, router(Arc::clone(&app)));
        tokio::select! {
            ended = served => ended?,
            () = subscriptions.closed() => {}
        }
        // WebSocket clients get the rest and a good-bye.
        let all = u32::try_from(app.clients_max).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(CLIENT_PATIENCE, app.places.acquire_many(all)).await;
        Ok(())
    })?;
    Ok((server, address, HttpSink { fanout, watch }))
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/ws", get(websocket::open))
        .route("/api/state", get(state))
        .route("/api/streams", get(streams))
        .route("/schema.json", get(|| async { Json(schema()) }))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            access::require_token,
        ))
        // The page holds nothing but itself; it brings the token to the rest.
        .merge(page::routes())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            access::check_host,
        ))
        .with_state(app)
}

/// `hello` as of now, and the newest decision of every stream.
async fn state(State(app): State<Arc<App>>) -> Response {
    let decisions = lock(&app.watch).health.decisions();
    Json(json!({
        "hello": Message::Hello(app.subscriptions.hello()),
        "decisions": decisions.into_iter().map(Message::Decision).collect::<Vec<_>>(),
    }))
    .into_response()
}

async fn streams(State(app): State<Arc<App>>) -> Response {
    Json(app.subscriptions.hello().streams).into_response()
}

/// 200 only while every stream that has not ended is decided on.
async fn health(State(app): State<Arc<App>>) -> Response {
    match lock(&app.watch).health.health() {
        Ok(()) => (StatusCode::OK, "decisions flow\n").into_response(),
        Err(fault) => (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")).into_response(),
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let clients = app.clients_max - app.places.available_permits();
    match lock(&app.watch).metrics.text(clients) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
