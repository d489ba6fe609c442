//! Refusals in the log: each once, with the setting that would allow it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Different refusals that are logged; later ones are not, so that nobody can fill the log.
const LOGGED_MAX: usize = 32;
/// Characters of a header that are logged.
const SHOWN_CHARS: usize = 100;

/// The refusals that were logged.
#[derive(Default)]
pub struct Refusals {
    logged: Mutex<HashSet<String>>,
}

impl Refusals {
    /// Logs `refusal`, unless it was logged before.
    pub fn log(&self, refusal: String) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() >= LOGGED_MAX || logged.contains(&refusal) {
            return;
        }
        tracing::warn!("HTTP: {refusal}");
        logged.insert(refusal);
        if logged.len() == LOGGED_MAX {
            tracing::warn!("HTTP: further refusals are not logged");
        }
    }
}

/// What a client sent, fit for the log: short, and without control characters.
pub fn shown(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_CHARS).collect();
    format!("{short:?}")
}
