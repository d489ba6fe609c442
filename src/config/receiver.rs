//! Addresses of other programs, as `HOST:PORT`.

use crate::config::ConfigError;

/// Refuses what is no `HOST:PORT`. The host need not exist yet.
pub(super) fn check_receiver(key: &str, target: &str, example: &str) -> Result<(), ConfigError> {
    let is_possible = target.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(|c: char| c.is_whitespace() || c == '/')
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    match is_possible {
        true => Ok(()),
        false => Err(ConfigError::value(
            key,
            format!("`{target}` is no receiver: write HOST:PORT, as {example}"),
        )),
    }
}
