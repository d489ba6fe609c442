//! The computer and the date of a measurement.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::inference::cores;

/// The processor, the number of cores available to this program, and NVIDIA's cards: `AMD EPYC 7B13, 2 cores,
/// NVIDIA A10`.
pub fn name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    let model = model.unwrap_or_else(|| format!("a {} processor", std::env::consts::ARCH));
    let processor = match cores() {
        1 => format!("{model}, 1 core"),
        cores => format!("{model}, {cores} cores"),
    };
    std::iter::once(processor)
        .chain(cards())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The names of NVIDIA's cards according to their driver.
fn cards() -> Vec<String> {
    let Ok(folders) = std::fs::read_dir("/proc/driver/nvidia/gpus") else {
        return Vec::new();
    };
    let name = |folder: std::fs::DirEntry| {
        let text = std::fs::read_to_string(folder.path().join("information")).ok()?;
        let model = text.lines().find_map(|line| line.strip_prefix("Model:"));
        model.map(|name| name.trim().to_owned())
    };
    let mut names: Vec<String> = folders.flatten().filter_map(name).collect();
    names.sort();
    names
}

/// The date in UTC, as 2022-06-30.
pub fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    date(since.map_or(0, |s| s.as_secs() / 86_400))
}

/// The date this many days after 1970-01-01.
fn date(mut days: u64) -> String {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_dates() {
        for (days, text) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (11_322, "2000-12-31"),
            (20_780, "2026-11-23"),
        ] {
            assert_eq!(date(days), text);
        }
    }
}
