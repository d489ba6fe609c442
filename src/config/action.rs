//! Values of requests that no daemon can carry out, whatever its model.

use vocald_client::Action;
use vocald_client::request::TEST_S_MAX;

use crate::config::{ConfigError, DecisionConfig, GAIN_DB, GATE_DB, check_level};

/// Checks each value of a request alone.
///
/// # Errors
///
/// One is impossible.
pub fn check_action(action: &Action) -> Result<(), ConfigError> {
    match action {
        Action::Set {
            decision,
            gain_db,
            gate_db,
            ..
        } => {
            let levels = [("gain_db", gain_db, GAIN_DB), ("gate_db", gate_db, GATE_DB)];
            for (key, level, range) in levels {
                level
                    .flatten()
                    .map_or(Ok(()), |db| check_level(key, db, range))?;
            }
            DecisionConfig::default().changed(decision).check()
        }
        Action::Test { seconds, .. } if !(0.0..=TEST_S_MAX).contains(seconds) => {
            Err(ConfigError::value(
                "seconds",
                format!("{seconds} is not in 0 to {TEST_S_MAX} s"),
            ))
        }
        _ => Ok(()),
    }
}
