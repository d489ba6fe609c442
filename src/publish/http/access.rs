//! Checks of HTTP requests: token, `Host` and `Origin`.
//!
//! On loopback without a token every program of this machine has access, but no web page of another site. Beyond
//! loopback a token is required ([`HttpAccess`]).

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use crate::config::HttpAccess;
use crate::publish::http::App;
use crate::publish::http::connections::Peer;
use crate::publish::http::refusals::shown;

/// Whether the request has the token, as `Authorization: Bearer TOKEN` or `?token=TOKEN`. Of several values one that is
/// right is enough: who knows the token has access, whatever a proxy or a bookmark adds.
fn has_token(access: &HttpAccess, headers: &HeaderMap, query: Option<&str>) -> bool {
    let Some(token) = access.token() else {
        return true;
    };
    let same = |given: &str| bool::from(given.as_bytes().ct_eq(token.as_bytes()));
    let query = query.unwrap_or_default().as_bytes();
    let mut pairs = form_urlencoded::parse(query);
    bearers(headers).any(same) || pairs.any(|(name, value)| name == "token" && same(&value))
}

/// The scheme's name is case-insensitive (RFC 9110, section 11.1).
fn bearers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .filter_map(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim_start())
        })
}

/// On loopback without a token the `Host` must be a name of this machine: a page of another site can have a name of
/// its own point to 127.0.0.1 (DNS rebinding).
fn allows_host(access: &HttpAccess, headers: &HeaderMap) -> bool {
    let listed = |host: &str| access.origins().iter().any(|o| authority(o) == Some(host));
    access.token().is_some()
        || headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .is_some_and(|host| is_loopback_name(host) || listed(host))
}

/// The refusal of a page of another origin, which was refused `what`.
#[allow(clippy::result_large_err, reason = "the response is sent at once")]
pub(super) fn check_origin(app: &App, headers: &HeaderMap, what: &str) -> Result<(), Response> {
    if allows_origin(&app.settings().access, headers) {
        return Ok(());
    }
    let origin = headers.get(header::ORIGIN);
    let origin = shown(&String::from_utf8_lossy(
        origin.map_or(&[], |origin| origin.as_bytes()),
    ));
    app.refusals.log(format!(
        "a page of the origin {origin} was refused {what}; add it to publish.http.origins to allow it"
    ));
    let problem = "a page of another origin has no access; add it to origins of [publish.http]\n";
    Err((StatusCode::FORBIDDEN, problem).into_response())
}

/// Programs send no `Origin`; browsers always do.
fn allows_origin(access: &HttpAccess, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let own = authority(origin).is_some() && authority(origin) == host;
    own || access.origins().iter().any(|listed| listed == origin)
}

fn authority(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, authority)| authority)
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Middleware: 401 without the token.
pub(super) async fn require_token(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if has_token(
        &app.settings().access,
        request.headers(),
        request.uri().query(),
    ) {
        return next.run(request).await;
    }
    app.refusals.log(format!(
        "a request from {} was refused: it lacks the token of publish.http.token or VOCALD_TOKEN",
        peer.0
    ));
    (
        StatusCode::UNAUTHORIZED,
        [(header::WWW_AUTHENTICATE, "Bearer")],
        "this needs the token of [publish.http]: Authorization: Bearer TOKEN, or ?token=TOKEN\n",
    )
        .into_response()
}

/// Middleware: 403 for a `Host` that is not this machine.
pub(super) async fn check_host(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    if allows_host(&app.settings().access, request.headers()) {
        return next.run(request).await;
    }
    let host = request.headers().get(header::HOST);
    let host = shown(&String::from_utf8_lossy(
        host.map_or(&[], |host| host.as_bytes()),
    ));
    app.refusals.log(format!(
        "a request to the host {host} was refused; publish.http.token, or its address in publish.http.origins, allows it"
    ));
    (
        StatusCode::FORBIDDEN,
        "without a token only requests to localhost are allowed; set publish.http.token\n",
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn access(token: &str) -> HttpAccess {
        let origins = vec!["https://desk.example".into()];
        HttpAccess::new(
            SocketAddr::from(([127, 0, 0, 1], 0)),
            Some(token.into()),
            origins,
        )
        .unwrap()
    }

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(k, v)| (k.clone(), v.parse().unwrap()));
        pairs.collect()
    }

    #[test]
    fn a_token_comes_in_the_header_or_in_the_query() {
        let access = access("open sesame/+");
        let by_header =
            |value: &str| has_token(&access, &headers(&[(header::AUTHORIZATION, value)]), None);
        assert!(by_header("Bearer open sesame/+"));
        assert!(by_header("bearer open sesame/+"));
        assert!(!by_header("Basic open sesame/+"));
        assert!(!by_header("Bearer open"));
        let by_query = |query: &str| has_token(&access, &HeaderMap::new(), Some(query));
        assert!(by_query("token=open%20sesame%2F%2B"));
        assert!(by_query("types=onset&token=open+sesame/%2b"));
        assert!(by_query("token=x&token=open+sesame/%2b"));
        assert!(!by_query("token=open sesame"));
        assert!(!by_query("token"));
        assert!(!by_query(""));
    }

    #[test]
    fn without_a_token_only_names_of_this_machine_and_listed_ones_are_hosts() {
        let host = |name: &str| allows_host(&access(""), &headers(&[(header::HOST, name)]));
        assert!(host("localhost:8770") && host("127.0.0.1") && host("[::1]:8770"));
        assert!(host("desk.example"));
        assert!(!host("evil.example") && !host("192.168.0.2:8770"));
        assert!(!allows_host(&access(""), &HeaderMap::new()));
        assert!(allows_host(&access("x"), &HeaderMap::new()));
    }

    #[test]
    fn only_the_own_page_and_listed_ones_are_origins() {
        let origin = |origin: &str| {
            let pairs = [(header::HOST, "desk:8770"), (header::ORIGIN, origin)];
            allows_origin(&access(""), &headers(&pairs))
        };
        assert!(origin("http://desk:8770") && origin("https://desk.example"));
        assert!(!origin("http://evil.example") && !origin("null"));
        assert!(allows_origin(&access(""), &HeaderMap::new()));
    }
}
