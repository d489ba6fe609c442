//! The page for people: a few files inside the program, which load nothing from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::publish::http::App;

const HTML: &str = include_str!("../page/index.html");
const STYLES: [(&str, &str); 2] = [
    ("/style.css", include_str!("../page/style.css")),
    ("/controls.css", include_str!("../page/controls.css")),
];
const SCRIPTS: [(&str, &str); 9] = [
    ("/format.js", include_str!("../page/format.js")),
    ("/access.js", include_str!("../page/access.js")),
    ("/chart.js", include_str!("../page/chart.js")),
    ("/meter.js", include_str!("../page/meter.js")),
    ("/stream.js", include_str!("../page/stream.js")),
    ("/settings.js", include_str!("../page/settings.js")),
    ("/controls.js", include_str!("../page/controls.js")),
    ("/view.js", include_str!("../page/view.js")),
    ("/page.js", include_str!("../page/page.js")),
];
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'";

pub(super) fn routes() -> Router<Arc<App>> {
    let page = Router::new().route("/", get(|| file("text/html; charset=utf-8", HTML)));
    let styles = STYLES.map(|(path, text)| (path, "text/css; charset=utf-8", text));
    let scripts = SCRIPTS.map(|(path, text)| (path, "text/javascript; charset=utf-8", text));
    let files = styles.into_iter().chain(scripts);
    files.fold(page, |router, (path, kind, text)| {
        router.route(path, get(move || file(kind, text)))
    })
}

async fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The address of the page may hold the token.
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text)
}
