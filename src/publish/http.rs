//! HTTP: a page for people, a WebSocket, the state as JSON, health and Prometheus metrics.

mod access;
mod connections;
mod exposition;
mod health;
mod metrics;
mod page;
mod refusals;
mod requests;
pub mod tls;
mod websocket;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use prometheus_client::collector::Collector;
use serde_json::json;
use tokio_rustls::TlsAcceptor;
use vocald_client::{Message, request_schema, schema};

use crate::config::HttpAccess;
use crate::publish::control::Control;
use crate::publish::fanout::{Fanout, Subscriptions, fanout};
use crate::publish::hub::{Hub, Published, Sink};
use crate::publish::places::Places;
use crate::publish::server::{CLIENT_PATIENCE, Server};
use exposition::Exposition;
use health::Health;
use metrics::Metrics;
use refusals::Refusals;

/// Connections beside those of the WebSocket clients, where there are file handles for them.
pub const REQUESTS_MAX: usize = 64;

/// How many connections the server may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// WebSocket clients.
    pub clients: usize,
    /// WebSocket clients of one address.
    pub clients_per_address: usize,
    /// Connections beside those of the WebSocket clients.
    pub requests: usize,
}

/// The sink.
pub struct HttpSink {
    fanout: Fanout,
    watch: Arc<Mutex<Watch>>,
}

/// Kept from the messages for health checks and metrics.
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

/// What may change while the server runs.
#[derive(Clone)]
pub struct Settings {
    /// Who has access.
    pub access: Arc<HttpAccess>,
    /// Encrypts every connection.
    pub tls: Option<TlsAcceptor>,
}

impl App {
    fn settings(&self) -> Settings {
        let settings = self.settings.read();
        settings.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The settings of a running server.
pub struct Handle {
    app: Arc<App>,
}

impl Handle {
    /// Other settings and limits, from the next connection on. Clients stay.
    pub fn change(&self, settings: Settings, limits: Limits) {
        let now = self.app.settings.write();
        *now.unwrap_or_else(PoisonError::into_inner) = settings;
        self.app
            .places
            .set_limits(limits.clients, limits.clients_per_address);
    }
}

struct App {
    subscriptions: Subscriptions,
    watch: Arc<Mutex<Watch>>,
    settings: RwLock<Settings>,
    control: Control,
    /// Requests of the control whose reply is awaited.
    awaited: AtomicUsize,
    /// Places for WebSocket clients.
    places: Arc<Places>,
    refusals: Refusals,
}

/// A server that has started.
pub struct Started {
    /// The server.
    pub server: Server,
    /// Its address, which differs from the configured one if that has port 0.
    pub address: SocketAddr,
    /// The sink to attach to the hub.
    pub sink: HttpSink,
    /// Changes its settings.
    pub handle: Handle,
}

/// Listens on the address of `settings`. Requests go to `control`. `collector`: metrics of other stages.
///
/// # Errors
///
/// If the address cannot be listened on, or the system gives no thread.
pub fn start(
    hub: &Hub,
    settings: Settings,
    limits: Limits,
    queue_messages: usize,
    collector: Box<dyn Collector>,
    control: Control,
) -> io::Result<Started> {
    let listener = TcpListener::bind(settings.access.address())?;
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
        settings: RwLock::new(settings),
        control,
        awaited: AtomicUsize::new(0),
        places: Places::new("publish.http", limits.clients, limits.clients_per_address),
        refusals: Refusals::default(),
    });
    let handle = Handle {
        app: Arc::clone(&app),
    };
    let server = Server::start("http", move || async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let router = router(Arc::clone(&app));
        tokio::select! {
            () = connections::serve(listener, || app.settings().tls, router, limits.requests) => {}
            () = subscriptions.closed() => {}
        }
        // WebSocket clients get the remaining messages and a close frame, requests their responses.
        let _ = tokio::time::timeout(CLIENT_PATIENCE, app.places.empty()).await;
        let _ = tokio::time::timeout(CLIENT_PATIENCE, requests::answered(&app)).await;
        Ok(())
    })?;
    Ok(Started {
        server,
        address,
        sink: HttpSink { fanout, watch },
        handle,
    })
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/ws", get(websocket::open))
        .route("/api/state", get(state))
        .route("/api/streams", get(streams))
        .route("/api/control", get(requests::get).post(requests::post))
        .route("/api/reload", post(requests::reload))
        .route("/schema.json", get(|| async { Json(schema()) }))
        .route(
            "/requests.schema.json",
            get(|| async { Json(request_schema()) }),
        )
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(requests::BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            access::require_token,
        ))
        // The page itself holds no data; it sends the token with its requests.
        .merge(page::routes())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            access::check_host,
        ))
        .with_state(app)
}

/// The present `hello`, and the newest decision of every stream.
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

/// 200 only while every stream that has not ended gets decisions.
async fn health(State(app): State<Arc<App>>) -> Response {
    let watch = lock(&app.watch);
    match watch.health.check() {
        Ok(()) => {
            let waiting = watch.health.waiting().into_iter();
            let lines = std::iter::once("ok".to_owned()).chain(waiting);
            let text: String = lines.map(|line| line + "\n").collect();
            (StatusCode::OK, text).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let format = Exposition::accepted(&headers);
    match lock(&app.watch).metrics.text(app.places.taken_count()) {
        Ok(text) => {
            let content_type = [(header::CONTENT_TYPE, format.content_type())];
            (content_type, format.of(text)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
