//! Colours: the sixteen that every terminal has, or none; without them words, marks and inversion suffice.

use ratatui::style::{Color, Modifier, Style as Look};

use super::lamp::Lamp;

/// The colours of the screen.
pub struct Style {
    colours: bool,
}

impl Style {
    /// A style with or without colours.
    #[must_use]
    pub fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// A style without colours if `NO_COLOR` is set and not empty (no-color.org).
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    fn look(&self, colour: Color) -> Look {
        match self.colours {
            true => Look::new().fg(colour),
            false => Look::new(),
        }
    }

    pub(super) fn plain(&self) -> Look {
        Look::new()
    }

    pub(super) fn bold(&self) -> Look {
        Look::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn quiet(&self) -> Look {
        self.look(Color::DarkGray)
    }

    pub(super) fn voice(&self) -> Look {
        self.look(Color::Green)
    }

    pub(super) fn no_voice(&self) -> Look {
        self.look(Color::Blue)
    }

    pub(super) fn threshold(&self) -> Look {
        self.look(Color::Yellow)
    }

    pub(super) fn bad(&self) -> Look {
        self.look(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// The style of a whole field: coloured, or inverted.
    fn field(&self, text: Color, ground: Color) -> Look {
        match self.colours {
            true => Look::new().fg(text).bg(ground).add_modifier(Modifier::BOLD),
            false => Look::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
        }
    }

    pub(super) fn lamp(&self, lamp: Lamp) -> Look {
        match lamp {
            Lamp::Voice => self.field(Color::Black, Color::Green),
            Lamp::NotLive | Lamp::Stalled | Lamp::SourceLost | Lamp::Failed => {
                self.field(Color::White, Color::Red)
            }
            // Without colours only voice and problems stand out.
            _ if !self.colours => self.bold(),
            Lamp::NoVoice => self.field(Color::White, Color::DarkGray),
            Lamp::Waiting | Lamp::Muted | Lamp::Silent | Lamp::Ended | Lamp::Other => {
                self.field(Color::White, Color::Blue)
            }
        }
    }

    /// Mark and colour of a cell of the spectrum, from quiet (0) to loud (1); finer towards loud, where music is.
    pub(super) fn shade(&self, share: f32) -> (&'static str, Look) {
        const SHADES: [(f32, &str, Color); 4] = [
            (0.84, "█", Color::White),
            (0.7, "▓", Color::Yellow),
            (0.5, "▒", Color::Cyan),
            (0.27, "░", Color::Blue),
        ];
        let reached = SHADES.iter().find(|&&(from, ..)| share >= from);
        reached.map_or((" ", self.plain()), |&(_, mark, colour)| {
            (mark, self.look(colour))
        })
    }
}
