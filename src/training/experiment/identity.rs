//! The identity of a training: every setting of its experiment but its length.

use toml::{Table, Value};

use crate::config::changes;
use crate::training::experiment::Experiment;

/// Largest number of differences in a message.
const NAMED_DIFFERENCES: usize = 6;

/// The settings that must not change when a training is resumed, as TOML. The state of the training keeps them.
///
/// # Errors
/// If TOML cannot represent a setting.
pub fn fixed_part(experiment: &Experiment) -> Result<String, toml::ser::Error> {
    toml::to_string(&without_length(experiment.clone()))
}

/// The differences between the kept settings of an experiment ([`fixed_part`]) and an experiment, as text;
/// `None` if there are none. Values are compared, not text: a setting that was added after the settings were
/// kept has its default.
pub fn other_settings(kept: &str, experiment: &Experiment) -> Option<String> {
    let kept: Experiment = match toml::from_str(kept) {
        Ok(kept) => kept,
        Err(problem) => return Some(format!("it has {}", problem.message())),
    };
    let [kept, now] = [kept, experiment.clone()].map(|experiment| {
        Value::Table(Table::try_from(without_length(experiment)).unwrap_or_default())
    });
    let changes = changes(&kept, &now);
    let absent = || "absent".to_owned();
    let mut names: Vec<String> = changes
        .iter()
        .take(NAMED_DIFFERENCES)
        .map(|change| {
            let (old, new) = (change.old.clone(), change.new.clone());
            let (old, new) = (old.unwrap_or_else(absent), new.unwrap_or_else(absent));
            format!("{} is {old} there and {new} here", change.key)
        })
        .collect();
    match changes.len().saturating_sub(NAMED_DIFFERENCES) {
        0 => {}
        more => names.push(format!("and {more} more")),
    }
    (!names.is_empty()).then(|| names.join(", "))
}

fn without_length(mut experiment: Experiment) -> Experiment {
    experiment.training.max_epochs = 0;
    experiment.training.patience_epochs = 0;
    experiment
}
