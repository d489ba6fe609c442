//! Option values that are one word of a list.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::evaluation::threshold_search::Aim;
use crate::training::experiment::Precision;

/// A parser of these words; help lists them.
pub fn choice<T>(words: &[(&'static str, T)]) -> impl TypedValueParser<Value = T> + use<T>
where
    T: Copy + Send + Sync + 'static,
{
    let words = words.to_vec();
    let parser = PossibleValuesParser::new(words.iter().map(|(word, _)| *word));
    parser.try_map(move |given: String| {
        let mut words = words.iter();
        let found = words.find(|(word, _)| *word == given);
        found.map(|(_, value)| *value).ok_or("unknown word")
    })
}

/// `float32` or `bfloat16`.
pub fn precision() -> impl TypedValueParser<Value = Precision> {
    choice(&[
        ("float32", Precision::Float32),
        ("bfloat16", Precision::Bfloat16),
    ])
}

/// `accuracy`, `even` or `balanced`.
pub fn aim() -> impl TypedValueParser<Value = Aim> {
    choice(&[
        ("accuracy", Aim::Accuracy),
        ("even", Aim::Even),
        ("balanced", Aim::Balanced),
    ])
}
