//! The nearest subcommand for a mistyped one.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Typing errors up to which a word is taken for another.
const MAX_ERRORS: usize = 2;

/// Adds a suggestion where clap has none: its measure finds no resemblance of `rn` and `run`.
pub fn with_subcommand(mut error: clap::Error, command: &clap::Command) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand
        || error.get(ContextKind::SuggestedSubcommand).is_some()
    {
        return error;
    }
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let names = command.get_subcommands().map(clap::Command::get_name);
    let distances = names.map(|name| (strsim::osa_distance(given, name), name));
    let nearest = distances.filter(|&(errors, name)| errors <= MAX_ERRORS && errors < name.len());
    if let Some((_, name)) = nearest.min() {
        let suggestion = ContextValue::Strings(vec![name.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, suggestion);
    }
    error
}
