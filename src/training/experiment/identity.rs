//! The identity of a training: every setting of its experiment but its length.

use toml::{Table, Value};

use crate::config::changes;
use crate::training::experiment::Experiment;

/// Differences that an error names.
const NAMED_DIFFERENCES: usize = 6;

/// What must not change between the parts of one training, as TOML. The state of the training keeps it.
///
/// # Errors
/// In words, if TOML has no form for a setting.
pub fn fixed_part(experiment: &Experiment) -> Result<String, String> {
    toml::to_string(&without_length(experiment.clone())).map_err(|e| e.to_string())
}

/// The settings that differ between what was kept of an experiment ([`fixed_part`]) and an experiment, for
/// people; `None` if there are none. Values are compared and not text: a setting that was not written out,
/// because there was no such setting yet, has its default.
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
