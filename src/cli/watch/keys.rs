//! Actions of the keys.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// End the program.
    Quit,
    /// Show the next stream; the first after the last.
    Next,
    /// Show the previous stream; the last before the first.
    Previous,
    /// Show this stream, counted from 0.
    Choose(usize),
    /// Switch between all streams and one.
    All,
    /// Mute the chosen stream, or end it.
    Mute,
    /// Publish a voice on the chosen stream as a test, or end it.
    Test,
    /// Refuse changes, or accept them again.
    Lock,
    /// Read the configuration again.
    Reload,
}

/// The action of a key press; `None` for keys without one.
#[must_use]
pub fn action(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Action::Quit);
    }
    match key.code {
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => Some(Action::Quit),
        KeyCode::Tab | KeyCode::Right | KeyCode::Down => Some(Action::Next),
        KeyCode::BackTab | KeyCode::Left | KeyCode::Up => Some(Action::Previous),
        KeyCode::Char('0') => Some(Action::All),
        KeyCode::Char(digit @ '1'..='9') => Some(Action::Choose(digit as usize - '1' as usize)),
        KeyCode::Char('m' | 'M') => Some(Action::Mute),
        KeyCode::Char('t' | 'T') => Some(Action::Test),
        KeyCode::Char('l' | 'L') => Some(Action::Lock),
        KeyCode::Char('r' | 'R') => Some(Action::Reload),
        _ => None,
    }
}
