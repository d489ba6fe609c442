//! Label files as text: encodings, lines and times.

use std::borrow::Cow;
use std::path::Path;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::LabelError;

/// The largest label file, in MiB.
const MOST_MIB: u64 = 64;

/// Reads a text file. Lines of the text end with a line feed, whatever they end with in the file.
///
/// # Errors
/// If the file cannot be read, is larger than 64 MiB or is no text.
pub(super) fn read(path: &Path) -> Result<String, LabelError> {
    let mib = std::fs::metadata(path)?.len() >> 20;
    if mib >= MOST_MIB {
        return Err(LabelError::TooLarge {
            mib,
            most_mib: MOST_MIB,
        });
    }
    decode(&std::fs::read(path)?)
}

/// Decodes UTF-8 with or without a byte order mark, UTF-16, and anything else as Windows-1252.
///
/// # Errors
/// If the bytes are no text.
pub(super) fn decode(bytes: &[u8]) -> Result<String, LabelError> {
    if bytes.starts_with(b"ooBinaryFile") {
        return Err(LabelError::BinaryPraat);
    }
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => (without_mark(bytes), bytes),
    };
    let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
    if has_errors || text.contains('\0') {
        return Err(LabelError::NotText);
    }
    let mut text = with_line_feeds(text);
    // The end of a text file of DOS.
    if text.ends_with('\u{1A}') {
        text.pop();
    }
    Ok(text)
}

fn without_mark(bytes: &[u8]) -> &'static Encoding {
    // In UTF-16 every second byte of digits and blanks is 0.
    let zeros = |start: usize| bytes.iter().skip(start).step_by(2).filter(|b| **b == 0);
    match (zeros(0).count(), zeros(1).count()) {
        (0, 0) => match std::str::from_utf8(bytes) {
            Ok(_) => encoding_rs::UTF_8,
            Err(_) => WINDOWS_1252,
        },
        (even, odd) if even > odd => UTF_16BE,
        _ => UTF_16LE,
    }
}

fn with_line_feeds(text: Cow<str>) -> String {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text.into_owned(),
    }
}

/// Lines that are not blank, with their numbers, which count from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    let lines = (1..).zip(text.lines());
    lines.filter(|(_, line)| !line.trim().is_empty())
}

/// The same without comments, which begin with `#`.
pub(super) fn uncommented(text: &str) -> impl Iterator<Item = (u64, &str)> {
    lines(text).filter(|(_, line)| !line.trim_start().starts_with('#'))
}

/// A number with a decimal point or a decimal comma.
pub(super) fn number(word: &str) -> Option<f64> {
    let word = word.trim();
    match word.contains(',') && !word.contains('.') {
        true => word.replacen(',', ".", 1).parse().ok(),
        false => word.parse().ok(),
    }
}

/// A time as seconds: a number, `m:s` or `h:m:s`. It may be negative or not finite.
pub(super) fn seconds(word: &str) -> Option<f64> {
    let mut parts = word.trim().rsplit(':');
    let mut total = number(parts.next()?)?;
    let mut unit = 60.0;
    for part in parts {
        if unit > 3600.0 || total < 0.0 {
            return None;
        }
        total += unit * f64::from(part.trim().parse::<u32>().ok()?);
        unit *= 60.0;
    }
    Some(total)
}
