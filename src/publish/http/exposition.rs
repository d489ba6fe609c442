//! The two text formats of Prometheus: OpenMetrics, and the older plain text, by what the scraper accepts.

use std::fmt::Write as _;

use axum::http::{HeaderMap, header};

/// A text format for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exposition {
    OpenMetrics,
    /// Version 0.0.4.
    Plain,
}

impl Exposition {
    /// The format that `Accept` prefers; OpenMetrics if it prefers neither.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter();
        let ranges = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let (mut open, mut plain) = (None, None);
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let place = match parts.next().map(str::to_ascii_lowercase).as_deref() {
                Some("application/openmetrics-text") => &mut open,
                Some("text/plain") => &mut plain,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality: f32 = quality.and_then(|q| q.parse().ok()).unwrap_or(1.0);
            *place = Some(place.map_or(quality, |best: f32| best.max(quality)));
        }
        match plain {
            Some(plain) if plain > open.unwrap_or(0.0) => Self::Plain,
            _ => Self::OpenMetrics,
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Metrics in this format, from OpenMetrics.
    pub fn of(self, open_metrics: String) -> String {
        match self {
            Self::OpenMetrics => open_metrics,
            Self::Plain => plain(&open_metrics),
        }
    }
}

/// In plain text the family of a counter is named as its samples are, `info` is a gauge, and there are neither units
/// nor an end mark.
fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((family, kind)) = rest.split_once(' ') else {
                continue;
            };
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            // Writing to a String does not fail.
            if let Some((_, words)) = help.take().filter(|(name, _)| *name == family) {
                let _ = writeln!(text, "# HELP {family}{suffix} {words}");
            }
            let _ = writeln!(text, "# TYPE {family}{suffix} {kind}");
        } else if !line.starts_with('#') {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &str) -> Exposition {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        Exposition::accepted(&headers)
    }

    #[test]
    fn plain_text_is_for_those_who_prefer_it() {
        use Exposition::{OpenMetrics, Plain};
        assert_eq!(Exposition::accepted(&HeaderMap::new()), OpenMetrics);
        for (accept, expected) in [
            ("*/*", OpenMetrics),
            ("text/html", OpenMetrics),
            ("text/plain", Plain),
            ("text/plain;version=0.0.4", Plain),
            ("TEXT/PLAIN; version=0.0.4; q=0.5, */*;q=0.1", Plain),
            (
                "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;q=0.3,text/plain;version=0.0.4;q=0.4",
                Plain,
            ),
            ("text/plain;q=0", OpenMetrics),
            ("text/plain;q=nonsense", Plain),
            // Prometheus 2.
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
        ] {
            assert_eq!(accepted(accept), expected, "{accept}");
        }
    }

    #[test]
    fn plain_text_has_its_own_names_and_types() {
        let open_metrics = "\
# HELP vocald_build The program.
# TYPE vocald_build info
vocald_build_info{version=\"1\"} 1
# HELP vocald_voice_seconds Time with voice.
# TYPE vocald_voice_seconds counter
# UNIT vocald_voice_seconds seconds
vocald_voice_seconds_total{stream=\"# a\"} 1.5
# TYPE vocald_queue gauge
vocald_queue 3
# EOF
";
        let expected = "\
# HELP vocald_build_info The program.
# TYPE vocald_build_info gauge
vocald_build_info{version=\"1\"} 1
# HELP vocald_voice_seconds_total Time with voice.
# TYPE vocald_voice_seconds_total counter
vocald_voice_seconds_total{stream=\"# a\"} 1.5
# TYPE vocald_queue gauge
vocald_queue 3
";
        assert_eq!(plain(open_metrics), expected);
        let same = Exposition::OpenMetrics.of(open_metrics.into());
        assert_eq!(same, open_metrics);
    }
}
