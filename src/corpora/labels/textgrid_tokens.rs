//! The values of a TextGrid. Praat reads numbers, quoted texts and flags that stand free, and passes over every other
//! word; long and short files thus hold the same values.

use super::LabelError;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    Text(String),
    /// A word between `<` and `>`.
    Flag(&'a str),
}

/// The values of a file, in order, with their lines.
pub(super) struct Tokens<'a> {
    rest: &'a str,
    line: u64,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
        }
    }

    /// The next value and its line; `None` at the end.
    ///
    /// # Errors
    /// If a quoted text does not end.
    pub fn next(&mut self) -> Result<Option<(u64, Token<'a>)>, LabelError> {
        loop {
            self.skip(self.rest.len() - self.rest.trim_start().len());
            let line = self.line;
            let rest = self.rest;
            if rest.is_empty() {
                return Ok(None);
            }
            if let Some(quoted) = rest.strip_prefix('"') {
                return self
                    .quoted(quoted)
                    .map(|text| Some((line, Token::Text(text))));
            }
            if rest.starts_with('!') {
                self.skip(rest.find('\n').unwrap_or(rest.len()));
                continue;
            }
            let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
            self.skip(word.len());
            let flag = word
                .strip_prefix('<')
                .and_then(|word| word.strip_suffix('>'));
            if let Some(flag) = flag {
                return Ok(Some((line, Token::Flag(flag))));
            }
            if let Ok(number) = word.parse::<f64>()
                && number.is_finite()
            {
                return Ok(Some((line, Token::Number(number))));
            }
        }
    }

    /// A text up to its closing quote; a doubled quote is one of its characters.
    fn quoted(&mut self, quoted: &'a str) -> Result<String, LabelError> {
        let mut text = String::new();
        let mut rest = quoted;
        while let Some((part, after)) = rest.split_once('"') {
            text.push_str(part);
            match after.strip_prefix('"') {
                Some(more) => {
                    text.push('"');
                    rest = more;
                }
                None => {
                    self.skip(self.rest.len() - after.len());
                    return Ok(text);
                }
            }
        }
        Err(self.wrong("a text has no closing quote"))
    }

    fn skip(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        self.line += passed.matches('\n').count() as u64;
        self.rest = rest;
    }

    /// The next value, a number.
    ///
    /// # Errors
    /// If it is none.
    pub fn number(&mut self, what: &str) -> Result<(u64, f64), LabelError> {
        match self.next()? {
            Some((line, Token::Number(number))) => Ok((line, number)),
            _ => Err(self.wrong(&format!("{what} is missing"))),
        }
    }

    /// The next value, a whole number from 0.
    ///
    /// # Errors
    /// If it is none.
    pub fn count(&mut self, what: &str) -> Result<usize, LabelError> {
        let (_, number) = self.number(what)?;
        match number >= 0.0 && number.fract() == 0.0 {
            true => Ok(number as usize),
            false => Err(self.wrong(&format!("{what} is not a whole number"))),
        }
    }

    /// The next value, a text.
    ///
    /// # Errors
    /// If it is none.
    pub fn text(&mut self, what: &str) -> Result<(u64, String), LabelError> {
        match self.next()? {
            Some((line, Token::Text(text))) => Ok((line, text)),
            _ => Err(self.wrong(&format!("{what} is missing"))),
        }
    }

    /// An error at the current line.
    pub fn wrong(&self, reason: &str) -> LabelError {
        LabelError::Format {
            form: "a TextGrid",
            reason: format!("line {}: {reason}", self.line),
        }
    }
}
