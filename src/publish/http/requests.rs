//! Requests over HTTP: `POST /api/control`, and `POST /api/reload` for one of them. Their pages' origins are checked as
//! those of WebSockets.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use vocald_client::message::Reply;
use vocald_client::{Action, Message, Request};

use crate::publish::control::{impossible, message, refusal};
use crate::publish::http::App;
use crate::publish::http::access::check_origin;

/// Longer requests are refused.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;
/// Time to write a response.
const WRITTEN_WITHIN: Duration = Duration::from_millis(20);

/// Handles `GET /api/control`: the present state and settings.
pub(super) async fn get(State(app): State<Arc<App>>) -> Response {
    let request = Request::new(Action::Get { stream: None });
    reply(&app, request, StatusCode::INTERNAL_SERVER_ERROR).await
}

/// Handles `POST /api/control`.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if let Err(refused) = check_origin(&app, &headers, "a request") {
        return refused;
    }
    match Request::from_json(&body) {
        Ok(request) => {
            let failed = match request.action {
                Action::Reload {} => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::BAD_REQUEST,
            };
            reply(&app, request, failed).await
        }
        Err(error) => response(impossible(error.to_string()), StatusCode::BAD_REQUEST),
    }
}

/// Handles `POST /api/reload`.
pub(super) async fn reload(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(refused) = check_origin(&app, &headers, "a request") {
        return refused;
    }
    let request = Request::new(Action::Reload {});
    reply(&app, request, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// `failed`: the status of a request that cannot be carried out for another reason than the lock.
async fn reply(app: &App, request: Request, failed: StatusCode) -> Response {
    let is_change = request.action.is_change();
    app.awaited.fetch_add(1, Ordering::Relaxed);
    let reply = app.control.submit(request).await;
    app.awaited.fetch_sub(1, Ordering::Relaxed);
    let reply = reply.unwrap_or_else(|_| refusal("the run is over"));
    let failed = match reply.locked && is_change {
        true => StatusCode::CONFLICT,
        false => failed,
    };
    response(reply, failed)
}

/// Waits until the replies that are awaited have gone out.
pub(super) async fn answered(app: &App) {
    while app.awaited.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(WRITTEN_WITHIN).await;
    }
}

fn response(reply: Reply, failed: StatusCode) -> Response {
    let status = match reply.ok {
        true => StatusCode::OK,
        false => failed,
    };
    let message: Message = message(reply);
    (status, Json(message)).into_response()
}
