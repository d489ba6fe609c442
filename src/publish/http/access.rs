//! Who may ask: on loopback everyone on this machine, but no web page of somebody else's; beyond it
//! whoever has the token.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use crate::publish::http::App;

/// Where to listen, and for whom.
#[derive(Debug, Clone)]
pub struct Access {
    address: SocketAddr,
    token: Option<String>,
    /// Web pages from elsewhere that may open the WebSocket, as `https://desk.example`.
    origins: Vec<String>,
}

impl Access {
    /// None where the address is beyond loopback and there is no token: that is not to be.
    pub fn new(address: SocketAddr, token: Option<String>, origins: Vec<String>) -> Option<Self> {
        let token = token.filter(|token| !token.is_empty());
        (address.ip().is_loopback() || token.is_some()).then_some(Self {
            address,
            token,
            origins,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn knows_token(&self, headers: &HeaderMap, query: Option<&str>) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let asked = query.and_then(|query| {
            query_pairs(query)
                .find(|(name, _)| *name == "token")
                .map(|(_, value)| percent_decoded(value))
        });
        let same = |given: &str| bool::from(given.as_bytes().ct_eq(token.as_bytes()));
        bearer.is_some_and(same) || asked.as_deref().is_some_and(same)
    }

    /// A page of another site may have its own name point to this machine. On loopback
    /// without a token the name must therefore be this machine's.
    fn knows_host(&self, headers: &HeaderMap) -> bool {
        if self.token.is_some() {
            return true;
        }
        headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .is_some_and(|host| is_loopback_name(host) || self.allows_authority(host))
    }

    /// Programs send no origin; a browser always does.
    pub(super) fn allows_origin(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
        let own = authority(origin).is_some() && authority(origin) == host;
        own || self.origins.iter().any(|known| known == origin)
    }

    fn allows_authority(&self, host: &str) -> bool {
        self.origins
            .iter()
            .any(|origin| authority(origin) == Some(host))
    }
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

fn query_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = || str::from_utf8(bytes.get(at + 1..at + 3)?).ok();
        let code = (bytes[at] == b'%')
            .then(hex)
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) async fn demand_token(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    match app
        .access
        .knows_token(request.headers(), request.uri().query())
    {
        true => next.run(request).await,
        false => (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer")],
            "this needs the token of [publish.http]: Authorization: Bearer TOKEN, or ?token=TOKEN\n",
        )
            .into_response(),
    }
}

pub(super) async fn check_host(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    match app.access.knows_host(request.headers()) {
        true => next.run(request).await,
        false => (
            StatusCode::FORBIDDEN,
            "without a token only localhost is answered\n",
        )
            .into_response(),
    }
}
