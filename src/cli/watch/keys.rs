//! What the keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Quit,
    /// Shows the stream after this one, in a circle.
    Next,
    Previous,
    /// Shows this stream, counted from 0.
    Choose(usize),
    /// Shows all streams, or one again.
    All,
}

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
        _ => None,
    }
}
