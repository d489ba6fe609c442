//! All that is wrong with a configuration file, not only the first.
//!
//! Each problem is found by the ordinary check; what it names is then taken out, and the rest is checked again.

use toml::{Table, Value};

use crate::config::{Config, ConfigError, keys};

/// More are not of use to anyone.
const PROBLEMS_MAX: usize = 50;

/// The problems of a text, in the order in which they are found; none if it is a valid configuration.
pub fn problems(text: &str) -> Vec<ConfigError> {
    let mut found = Vec::new();
    let (mut text, mut table) = match text.parse::<Table>() {
        Ok(table) => (text.to_owned(), table),
        Err(error) => return vec![ConfigError::syntax(&error)],
    };
    while found.len() < PROBLEMS_MAX {
        let Err(problem) = check(&text, &table) else {
            break;
        };
        let rest = match &problem {
            Problem::Named(
                ConfigError::UnknownKey { key, .. } | ConfigError::Value { key, .. },
            ) => without_key(&table, key),
            Problem::Named(_) => None,
            Problem::Typed(error) => error.span().and_then(|span| without_lines(&text, &span)),
        };
        found.push(match problem {
            Problem::Named(error) => error,
            Problem::Typed(error) => ConfigError::syntax(&error),
        });
        // As long as only lines are taken out of the text, errors quote the user's own.
        match rest {
            Some(Rest::Table(rest)) => (text, table) = (rest.to_string(), rest),
            Some(Rest::Text(rest)) => match rest.parse() {
                Ok(parsed) => (text, table) = (rest, parsed),
                Err(_) => break,
            },
            None => break,
        }
    }
    found
}

enum Problem {
    Named(ConfigError),
    /// A value of the wrong type.
    Typed(toml::de::Error),
}

enum Rest {
    Table(Table),
    Text(String),
}

fn check(text: &str, table: &Table) -> Result<(), Problem> {
    keys::check_known(table).map_err(Problem::Named)?;
    let config: Config = toml::from_str(text).map_err(Problem::Typed)?;
    config.check().map_err(Problem::Named)?;
    config.clone().find_models().map_err(Problem::Named)
}

/// The table without `key`, as `decision.enter`. Of a list of tables the whole list is taken out.
fn without_key(table: &Table, key: &str) -> Option<Rest> {
    let mut rest = table.clone();
    let removed = match key.strip_prefix("source ") {
        Some(_) => rest.remove(keys::SOURCE),
        None => {
            let mut at = &mut rest;
            let mut names = key.split('.').peekable();
            loop {
                let name = names.next()?;
                let is_table = matches!(at.get(name), Some(Value::Table(_)));
                if names.peek().is_none() || !is_table {
                    break at.remove(name);
                }
                at = at.get_mut(name)?.as_table_mut()?;
            }
        }
    };
    removed.map(|_| Rest::Table(rest))
}

/// The text with the lines of `span` empty.
fn without_lines(text: &str, span: &std::ops::Range<usize>) -> Option<Rest> {
    let from = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
    let to = text.get(span.end..)?.find('\n');
    let to = to.map_or(text.len(), |at| span.end + at);
    (from < to).then(|| Rest::Text([&text[..from], &text[to..]].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_file_is_found() {
        let text = "\
[decision]
enter = 2.0
leav = 0.3
min_gap_s = \"long\"

[publish.http]
listen = \"nowhere\"
clients_max = 0

[[source]]
pace = \"slow\"
";
        let found: Vec<String> = problems(text).iter().map(ToString::to_string).collect();
        for part in [
            "decision.leav`; did you mean `decision.leave`",
            "min_gap_s = \"long\"",
            "decision.enter: 2 is not",
            "publish.http.listen",
            "publish.http.clients_max: 0",
            "pace: `slow`",
        ] {
            let times = found
                .iter()
                .filter(|problem| problem.contains(part))
                .count();
            assert_eq!(times, 1, "{part}: {found:#?}");
        }
        assert_eq!(found.len(), 6, "{found:#?}");
        assert!(problems("").is_empty());
        assert_eq!(problems("a = ").len(), 1);
    }
}
