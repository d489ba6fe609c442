//! The required keys that are missing from an experiment, all at once.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::model::SE_RESNET;
use crate::training::experiment::Experiment;
use crate::training::experiment::named::NAMED;

/// The names of the required keys that are missing, as `training.seed` or `corpus.2.weight`. A key is required
/// if a complete experiment without it cannot be read, so the list is written nowhere twice.
pub(super) fn missing_keys(given: &Table) -> Vec<String> {
    let Ok(whole) = Experiment::built_in(NAMED[0].name) else {
        return Vec::new();
    };
    let mut missing = missing_of(given, &whole, "");
    if needs_depth(given) {
        missing.push("depth".into());
    }
    if let Some(Value::Table(training)) = given.get("training") {
        missing.extend(missing_of(training, &whole.training, "training."));
    }
    if let (Some(Value::Array(corpora)), Some(corpus)) = (given.get("corpus"), whole.corpus.first())
    {
        for (place, given) in corpora.iter().enumerate() {
            if let Value::Table(given) = given {
                let group = format!("corpus.{}.", place + 1);
                missing.extend(missing_of(given, corpus, &group));
            }
        }
    }
    missing
}

/// Whether the network needs a depth, which is not required of every network.
fn needs_depth(given: &Table) -> bool {
    let architecture = given
        .get("architecture")
        .map_or(Some(SE_RESNET), Value::as_str);
    architecture == Some(SE_RESNET) && !given.contains_key("depth")
}

fn missing_of<T: Serialize + DeserializeOwned>(
    given: &Table,
    whole: &T,
    group: &str,
) -> Vec<String> {
    let whole = Table::try_from(whole).unwrap_or_default();
    let is_required = |key: &String| {
        let mut rest = whole.clone();
        rest.remove(key);
        T::deserialize(rest).is_err()
    };
    whole
        .keys()
        .filter(|key| !given.contains_key(*key) && is_required(key))
        .map(|key| format!("{group}{key}"))
        .collect()
}
