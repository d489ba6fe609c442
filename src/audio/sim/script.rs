//! Scripts of a simulated source: one step a line.

use std::path::{Path, PathBuf};

use crate::audio::{AudioError, AudioFormat};

/// More steps than any run needs.
const STEPS_MAX: usize = 1_000_000;

/// What the source plays.
#[derive(Debug, Clone, PartialEq)]
pub enum Sound {
    /// A sine of this frequency in Hz, 6 dB below full scale.
    Tone(f64),
    /// A sound file, again and again.
    File(PathBuf),
    /// Digital zeros.
    Zeros,
}

/// One step. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `sound tone HZ`, `sound file PATH` or `sound zeros`: what is played from here on.
    Sound(Sound),
    /// `play SECONDS`: in real time.
    Play(f64),
    /// `speed FACTOR SECONDS`: in real time, at another rate than the source states.
    Speed(f64, f64),
    /// `stall SECONDS`: nothing arrives; the sound of that time is lost.
    Stall(f64),
    /// `burst SECONDS`: nothing arrives, then the sound of that time at once.
    Burst(f64),
    /// `unplug SECONDS`: the device is gone, and comes back.
    Unplug(f64),
    /// `format HZ CHANNELS`: the device comes back at once in another format.
    Format(AudioFormat),
    /// `clock SECONDS`: the system clock is stepped, forward or back, for this source.
    Clock(f64),
    /// `panic`: the thread of the source panics.
    Panic,
    /// `fail REASON`: the source fails for good.
    Fail(String),
}

/// Reads the script at `path`; files are named relative to it. `repeat N` to `end` stand for N times the steps between.
pub fn read(path: &Path) -> Result<Vec<Step>, AudioError> {
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => AudioError::Missing { path: path.into() },
        _ => AudioError::Read {
            path: path.into(),
            reason: e.to_string(),
        },
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, folder).map_err(|(line, problem)| AudioError::Script {
        path: path.into(),
        line,
        problem,
    })
}

/// The error is a line's number and what is wrong with it.
fn parse(text: &str, folder: &Path) -> Result<Vec<Step>, (usize, String)> {
    // The steps of the whole and of each open `repeat`, with its count and line.
    let mut open: Vec<(Vec<Step>, usize, usize)> = vec![(Vec::new(), 1, 0)];
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        let problem = |problem: String| (number, problem);
        match words[..] {
            [] => {}
            ["repeat", count] => match count.parse() {
                Ok(count) => open.push((Vec::new(), count, number)),
                Err(_) => return Err(problem(format!("`{count}` is not a count"))),
            },
            ["end"] => {
                let closed = open.pop().filter(|_| !open.is_empty());
                let Some(((steps, count, _), (outer, ..))) = closed.zip(open.last_mut()) else {
                    return Err(problem("`end` without `repeat`".into()));
                };
                if outer.len() + steps.len().saturating_mul(count) > STEPS_MAX {
                    return Err(problem(format!("there are more than {STEPS_MAX} steps")));
                }
                (0..count).for_each(|_| outer.extend_from_slice(&steps));
            }
            _ => {
                let step = step(line, &words, folder).map_err(problem)?;
                if let Some((steps, ..)) = open.last_mut() {
                    steps.push(step);
                }
            }
        }
    }
    match open.pop() {
        Some((steps, _, _)) if open.is_empty() => Ok(steps),
        Some((_, _, line)) => Err((line, "`repeat` without `end`".into())),
        None => Ok(Vec::new()),
    }
}

fn step(line: &str, words: &[&str], folder: &Path) -> Result<Step, String> {
    let number = |text: &str| match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("`{text}` is not a number")),
    };
    let above_0 = |text: &str| match number(text)? {
        number if number > 0.0 && number < 1e6 => Ok(number),
        number => Err(format!("{number} is not above 0 and below a million")),
    };
    Ok(match *words {
        ["sound", "zeros"] => Step::Sound(Sound::Zeros),
        ["sound", "tone", hz] => Step::Sound(Sound::Tone(above_0(hz)?)),
        ["sound", "file", _, ..] => {
            let name = line["sound".len()..].trim_start()["file".len()..].trim();
            Step::Sound(Sound::File(folder.join(name)))
        }
        ["play", s] => Step::Play(above_0(s)?),
        ["speed", factor, s] => Step::Speed(above_0(factor)?, above_0(s)?),
        ["stall", s] => Step::Stall(above_0(s)?),
        ["burst", s] => Step::Burst(above_0(s)?),
        ["unplug", s] => Step::Unplug(above_0(s)?),
        ["format", rate, channels] => {
            let rate_hz = rate
                .parse()
                .map_err(|_| format!("`{rate}` is not a rate"))?;
            let channels = channels
                .parse()
                .map_err(|_| format!("`{channels}` is not a number of channels"))?;
            if rate_hz == 0 || channels == 0 {
                return Err("a rate and a number of channels are at least 1".into());
            }
            Step::Format(AudioFormat { rate_hz, channels })
        }
        ["clock", s] => Step::Clock(number(s)?),
        ["panic"] => Step::Panic,
        ["fail", _, ..] => Step::Fail(line["fail".len()..].trim().into()),
        _ => {
            return Err(format!(
                "`{line}` is no step: use sound, play, speed, stall, burst, unplug, format, clock, panic, fail, \
                 repeat or end"
            ));
        }
    })
}
