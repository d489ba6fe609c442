//! Errors of a configuration.

use std::path::PathBuf;

/// What is wrong with a configuration, in one sentence: where, what, and what to write instead.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: the configuration cannot be read: {reason}", path.display())]
    Read {
        /// Of the file.
        path: PathBuf,
        /// As the system puts it.
        reason: String,
    },
    /// The file can be read, but not used.
    #[error("{}: {problem}", path.display())]
    File {
        /// Of the file.
        path: PathBuf,
        /// What is wrong in it.
        problem: Box<ConfigError>,
    },
    /// The file alone is valid, but not with the environment variables over it.
    #[error("with {} from the environment: {problem}", variables.join(", "))]
    Environment {
        /// Names of the variables that set keys.
        variables: Vec<String>,
        /// What is wrong with the result.
        problem: Box<ConfigError>,
    },
    /// Not TOML, or a value of the wrong type. Quotes the line.
    #[error("this is not a configuration:\n{0}")]
    Syntax(String),
    /// A key or variable that does not exist.
    #[error("there is no key `{key}`{}", nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownKey {
        /// As it was written, with its tables: `decision.entr`.
        key: String,
        /// The most similar key, if one is similar.
        nearest: Option<String>,
    },
    /// A value that cannot be used.
    #[error("{key}: {problem}")]
    Value {
        /// The key, with its tables, or the environment variable.
        key: String,
        /// What is wrong with the value, and what to write instead.
        problem: String,
    },
    /// More than one problem.
    #[error("{} things are wrong{}", _0.len(), _0.iter().map(|problem| format!("\n  {}", problem.to_string().replace('\n', "\n    "))).collect::<String>())]
    Several(Vec<ConfigError>),
    /// Values that cannot be used together.
    #[error("{0}")]
    Conflict(String),
}

impl ConfigError {
    pub(crate) fn value(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Value {
            key: key.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn syntax(error: &toml::de::Error) -> Self {
        Self::Syntax(error.to_string().trim_end().into())
    }
}
