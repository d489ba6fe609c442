//! Values of `--http` and `--unix`, which may be left out: `--http 8770` as well as `--http=8770`.
//!
//! What follows `--http` is its value only if it is an address, and what follows `--unix` only if it ends in
//! `.sock`; anything else is a source, so that `vocald run --http song.flac` plays the song.

use std::ffi::{OsStr, OsString};

use crate::config::listen_address;

/// Joins the options and their values by `=`, which the parser requires of optional values.
pub fn join(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut options_over = false;
    for argument in arguments {
        options_over |= argument == "--";
        match joined.last_mut() {
            Some(option) if !options_over && takes(option, &argument) => {
                option.push("=");
                option.push(argument);
            }
            _ => joined.push(argument),
        }
    }
    joined
}

fn takes(option: &OsStr, value: &OsStr) -> bool {
    let Some(value) = value.to_str() else {
        return false;
    };
    match option.to_str() {
        Some("--http") => listen_address(value).is_some(),
        Some("--unix") => value.ends_with(".sock") && !value.starts_with('-'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_joined_and_a_source_is_not() {
        for (given, joined) in [
            ("run --http 8770 a.wav", "run --http=8770 a.wav"),
            ("run --http 0.0.0.0:80", "run --http=0.0.0.0:80"),
            ("run --http [::1]:80", "run --http=[::1]:80"),
            ("run --http localhost:80", "run --http=localhost:80"),
            ("run --http a.wav", "run --http a.wav"),
            ("run --http device:USB", "run --http device:USB"),
            ("run --http --unix x.sock -", "run --http --unix=x.sock -"),
            ("run --unix a.wav", "run --unix a.wav"),
            ("run --http", "run --http"),
            ("run --http -- 8770", "run --http -- 8770"),
            ("run -- --http 8770", "run -- --http 8770"),
        ] {
            let words = given.split(' ').map(OsString::from);
            let expected: Vec<OsString> = joined.split(' ').map(OsString::from).collect();
            assert_eq!(join(words), expected, "{given}");
        }
    }
}
