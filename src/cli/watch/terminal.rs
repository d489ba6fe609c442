//! The terminal: its screen, its keyboard, and its end.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Context as _;
use crossbeam_channel::Receiver;
use ratatui::crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// The terminal in raw mode; restored when this is dropped, and on a panic.
pub struct Screen(ratatui::DefaultTerminal);

impl Screen {
    pub fn open() -> anyhow::Result<Self> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self(terminal)),
            Err(error) => {
                restore();
                Err(error).context("the terminal cannot be drawn on")
            }
        }
    }

    pub fn draw(&mut self, picture: impl FnOnce(&mut ratatui::Frame)) -> io::Result<()> {
        self.0.draw(picture).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    // A terminal that is gone needs no restoring, and cannot show an error.
    let _ = ratatui::try_restore();
}

/// Keys and changes of size, read on a thread of its own: where the terminal is gone, the library that reads them
/// never returns.
pub struct Keyboard {
    pub events: Receiver<io::Result<Event>>,
}

impl Keyboard {
    pub fn open() -> anyhow::Result<Self> {
        let (sender, events) = crossbeam_channel::bounded(64);
        let read = move || {
            loop {
                let event = event::read();
                let over = event.is_err();
                if sender.send(event).is_err() || over {
                    return;
                }
            }
        };
        start("keyboard", read)?;
        Ok(Self { events })
    }
}

/// A channel that is closed when the terminal is gone: its window was closed, or its connection was lost.
pub fn gone() -> anyhow::Result<Receiver<()>> {
    let (sender, gone) = crossbeam_channel::bounded(0);
    let watch = move || {
        while !has_end(None) {}
        drop(sender);
    };
    start("terminal", watch)?;
    Ok(gone)
}

/// What an error of the terminal means: nothing where the terminal is gone, since nobody is left to read of it.
pub fn error(error: io::Error, context: &'static str) -> anyhow::Result<()> {
    match has_end(Some(&Timespec::default())) {
        true => leave(),
        false => Err(error).context(context),
    }
}

/// Waits, `within` this time, for the end of the terminal.
fn has_end(within: Option<&Timespec>) -> bool {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let controlling = File::open("/dev/tty").ok();
    let mut ends: Vec<BorrowedFd> = vec![stdout.as_fd()];
    if stdin.is_terminal() {
        ends.push(stdin.as_fd());
    }
    ends.extend(controlling.as_ref().map(AsFd::as_fd));
    // No flag is set, so only errors and the end of the terminal return.
    let end = |fd| PollFd::from_borrowed_fd(fd, PollFlags::empty());
    let mut ends: Vec<PollFd> = ends.into_iter().map(end).collect();
    let result = rustix::event::poll(&mut ends, within);
    !matches!(result, Err(Errno::INTR) | Ok(0))
}

/// The end by a signal, which may be the terminal's own end.
pub fn leave_if_gone() -> anyhow::Result<()> {
    match has_end(Some(&Timespec::default())) {
        true => leave(),
        false => Ok(()),
    }
}

/// After the terminal is gone: what libraries print while they restore it must not fail, so it goes nowhere.
pub fn leave() -> anyhow::Result<()> {
    let nowhere = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    Ok(())
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(work);
    thread.map(drop).context("no thread for the terminal")
}
