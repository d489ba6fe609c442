//! A configuration file: read, and written again without a change of meaning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vocald::config::Config;

fuzz_target!(|text: &str| {
    if let Ok(config) = Config::parse(text) {
        assert_eq!(Config::parse(&config.to_toml()), Ok(config));
    } else {
        assert!(!Config::problems(text).is_empty());
    }
});
