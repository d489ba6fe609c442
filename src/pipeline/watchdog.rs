//! The service manager's watchdog: fed as long as every thread advances, whether sound flows or not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::publish::systemd::Notifier;
use crate::pulse::Pulses;

/// Time between looks at the parts of the daemon.
const TICK: Duration = Duration::from_millis(250);
/// Looks within the watchdog's time limit.
const LOOKS: u32 = 4;

/// Feeds the watchdog, if there is one.
pub(super) struct Watchdog {
    service: Arc<Notifier>,
    limit: Option<Duration>,
    fed: Option<Instant>,
    logged: bool,
}

impl Watchdog {
    pub fn new(service: &Arc<Notifier>) -> Self {
        Self {
            service: Arc::clone(service),
            limit: service.watchdog(),
            fed: None,
            logged: false,
        }
    }

    /// Time between calls of [`Watchdog::feed`].
    pub fn every(&self) -> Duration {
        self.limit.map_or(TICK, |limit| TICK.min(limit / LOOKS))
    }

    /// Reports to the service manager, unless a thread has been at one piece of work for half the limit.
    pub fn feed(&mut self, pulses: &Pulses) {
        let Some(limit) = self.limit else { return };
        let hanging = pulses.hanging(limit / 2);
        if !hanging.is_empty() {
            if !std::mem::replace(&mut self.logged, true) {
                let names = hanging.join(", ");
                tracing::error!(
                    "no progress for {:.1} s: {names}",
                    (limit / 2).as_secs_f64()
                );
            }
            return;
        }
        self.logged = false;
        if self.fed.is_none_or(|fed| fed.elapsed() >= limit / LOOKS) {
            self.fed = Some(Instant::now());
            self.service.keep_alive();
        }
    }
}
