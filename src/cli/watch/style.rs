//! Sixteen colours, which every terminal has, or none: then words, marks and inversion tell all.

use ratatui::style::{Color, Modifier, Style as Look};

use crate::cli::watch::lamp::Lamp;

pub struct Style {
    colours: bool,
}

impl Style {
    pub fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// Without colours where `NO_COLOR` is set and not empty.
    pub fn from_env() -> Self {
        Self::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    fn look(&self, colour: Color) -> Look {
        match self.colours {
            true => Look::new().fg(colour),
            false => Look::new(),
        }
    }

    pub fn plain(&self) -> Look {
        Look::new()
    }

    pub fn bold(&self) -> Look {
        Look::new().add_modifier(Modifier::BOLD)
    }

    pub fn quiet(&self) -> Look {
        self.look(Color::DarkGray)
    }

    pub fn voice(&self) -> Look {
        self.look(Color::Green)
    }

    pub fn no_voice(&self) -> Look {
        self.look(Color::Blue)
    }

    pub fn threshold(&self) -> Look {
        self.look(Color::Yellow)
    }

    pub fn bad(&self) -> Look {
        self.look(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Light on dark or inverted, over a whole field.
    fn field(&self, text: Color, ground: Color) -> Look {
        match self.colours {
            true => Look::new().fg(text).bg(ground).add_modifier(Modifier::BOLD),
            false => Look::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
        }
    }

    pub fn lamp(&self, lamp: Lamp) -> Look {
        match lamp {
            Lamp::Voice => self.field(Color::Black, Color::Green),
            Lamp::NotLive | Lamp::Stalled | Lamp::SourceLost | Lamp::Failed => {
                self.field(Color::White, Color::Red)
            }
            // Only what is lit or wrong stands out.
            _ if !self.colours => self.bold(),
            Lamp::NoVoice => self.field(Color::White, Color::DarkGray),
            Lamp::Waiting | Lamp::Silent | Lamp::Ended | Lamp::Other => {
                self.field(Color::White, Color::Blue)
            }
        }
    }

    /// Of the waterfall, from still (0) to loud (1); finer towards loud, where music is.
    pub fn shade(&self, share: f32) -> (&'static str, Look) {
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
