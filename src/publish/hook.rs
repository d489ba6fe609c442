//! The hook sink: posts messages as JSON to a URL, one at a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use vocald_client::Message;
use vocald_client::message::SinkState;

use crate::config::HookConfig;
use crate::publish::hub::{Published, Sink};

/// The sink.
pub struct Hook {
    url: String,
    bearer: Option<String>,
    agent: Agent,
    /// Why the last request failed; only changes are logged.
    failing: Option<String>,
}

impl Hook {
    /// Posts to `config.url`, with `token` if the server requires one. Connects with the first message.
    pub fn new(config: &HookConfig, token: Option<&str>) -> Self {
        let mut tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        if config.url.starts_with("https:") {
            let system = rustls_native_certs::load_native_certs().certs;
            let trusted = system.iter().map(|c| Certificate::from_der(c).to_owned());
            tls = tls.root_certs(RootCerts::Specific(Arc::new(trusted.collect())));
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs_f64(config.time_limit_s)))
            .max_redirects(0)
            .user_agent(concat!("vocald/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build())
            .build();
        Self {
            url: config.url.clone(),
            bearer: token.map(|token| format!("Bearer {token}")),
            agent: agent.into(),
            failing: None,
        }
    }

    fn post(&mut self, message: &Published) {
        let mut request = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json");
        if let Some(bearer) = &self.bearer {
            request = request.header("Authorization", bearer);
        }
        let posted = request.send(message.json());
        let problem = posted.as_ref().err().map(ToString::to_string);
        let failed_before = std::mem::replace(&mut self.failing, problem).is_some();
        match posted {
            Err(error) if !failed_before => {
                tracing::warn!("the hook {} fails: {error}", self.name());
            }
            Ok(_) if failed_before => tracing::warn!("the hook {} works again", self.name()),
            _ => {}
        }
    }
}

impl Sink for Hook {
    /// Without the query, which may hold a secret.
    fn name(&self) -> String {
        let shown = self.url.split(['?', '#']).next().unwrap_or_default();
        match shown.split_once("://") {
            Some((scheme, rest)) => {
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                format!("{scheme}://{place}")
            }
            None => shown.to_owned(),
        }
    }

    /// Never an error: a failure is logged, and the next message may succeed.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        for message in messages {
            match &message.message {
                Message::Hello(_) => {}
                Message::Lagged(lagged) => tracing::warn!(
                    "the hook {} is slower than its messages: {} skipped",
                    self.name(),
                    lagged.lost
                ),
                _ => self.post(message),
            }
        }
        Ok(())
    }

    fn state(&self) -> (SinkState, Option<String>) {
        match &self.failing {
            Some(problem) => (SinkState::Waiting, Some(problem.clone())),
            None => (SinkState::Running, None),
        }
    }
}
