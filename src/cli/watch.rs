//! `vocald watch`: what a running daemon hears, drawn in the terminal.

pub mod board;
mod chart;
pub mod keys;
mod lamp;
mod panel;
pub mod screen;
mod stream;
mod style;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use crossbeam_channel::{Receiver, TryRecvError};
use ratatui::crossterm::event;

use crate::cli::{Usage, interrupt};
use board::Board;
use style::Style;
use vocald_client::{Address, Reconnecting, Subscription, Update};

/// Ten pictures a second look alive, and a slow line carries them.
const FRAME: Duration = Duration::from_millis(100);
/// Updates that wait for a picture. When the terminal is slower, the daemon loses the oldest messages
/// and tells how many.
const WAITING_MAX: usize = 1024;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where the daemon is: the path of its Unix socket, tcp:HOST:PORT, or the http:// address of
    /// its page [default: the socket that `vocald run --unix` makes].
    #[arg(value_name = "ADDRESS")]
    address: Option<Address>,
    /// What a daemon beyond this machine demands of those who come by http://.
    #[arg(long, env = "VOCALD_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Show only this stream; may be given several times.
    #[arg(long = "stream", value_name = "NAME")]
    streams: Vec<String>,
    /// Have at most so many decisions and levels a second sent of each stream, for a thin line;
    /// the probability is then the highest since the last.
    #[arg(long, value_name = "PER_SECOND", value_parser = above_zero, allow_negative_numbers = true)]
    rate: Option<f64>,
}

const EXAMPLES: &str = "\
Examples:
  vocald watch                                the daemon of this machine, started with --unix
  vocald watch http://127.0.0.1:8770          one started with --http
  VOCALD_TOKEN=... vocald watch http://stage:8770 --rate 5
      one on another machine, over a thin line

Keys: q, Esc, Ctrl-C quit; Tab and the arrows go from stream to stream, 1 to 9 choose one, 0 shows all.";

fn above_zero(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "it is not a number above 0".into())
}

/// Draws until a key or a signal ends it.
pub fn run(args: Args) -> anyhow::Result<()> {
    if !std::io::stdout().is_terminal() {
        let fault = "watch draws on a terminal, and standard output is none: for JSON lines use \
                     `socat - UNIX-CONNECT:SOCKET`, or `vocald run`";
        return Err(Usage(fault.into()).into());
    }
    let address = args.address.clone().unwrap_or_default();
    let mut board = Board::new(address.to_string()).with_streams(args.streams.clone());
    if let Some(rate) = args.rate {
        board = board.with_rate(rate);
    }
    let signals = interrupt::signals()?;
    let updates = listen(&args, address)?;
    let screen = Screen::open()?;
    show(screen, &mut board, &updates, &signals)
}

/// Follows the daemon on a thread of its own.
fn listen(args: &Args, address: Address) -> anyhow::Result<Receiver<Update>> {
    let address = match args.token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => address.with_token(token),
        None => address,
    };
    let mut wanted = Subscription::everything();
    if !args.streams.is_empty() {
        wanted = wanted.with_streams(args.streams.clone());
    }
    if let Some(rate) = args.rate {
        wanted = wanted.with_rate(rate);
    }
    let (sender, updates) = crossbeam_channel::bounded(WAITING_MAX);
    std::thread::Builder::new()
        .name("client".into())
        .spawn(move || {
            for update in Reconnecting::new(address, wanted) {
                if sender.send(update).is_err() {
                    return;
                }
            }
        })
        .context("no thread for the connection")?;
    Ok(updates)
}

/// The terminal, taken over until it is dropped; a panic gives it back as well.
struct Screen(ratatui::DefaultTerminal);

impl Screen {
    fn open() -> anyhow::Result<Self> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self(terminal)),
            Err(error) => {
                ratatui::restore();
                Err(error).context("the terminal cannot be drawn on")
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn show(
    mut screen: Screen,
    board: &mut Board,
    updates: &Receiver<Update>,
    signals: &Receiver<()>,
) -> anyhow::Result<()> {
    let style = Style::from_env();
    loop {
        for _ in 0..WAITING_MAX {
            match updates.try_recv() {
                Ok(update) => board.take(update, Instant::now()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    return Err(anyhow!("the thread that listens to the daemon has died"));
                }
            }
        }
        let drawn = Instant::now();
        screen
            .0
            .draw(|frame| screen::draw(board, &style, drawn, frame.area(), frame.buffer_mut()))
            .context("the terminal cannot be drawn on")?;
        let next = drawn + FRAME;
        loop {
            if signals.try_recv().is_ok() {
                return Ok(());
            }
            let left = next.saturating_duration_since(Instant::now());
            let pressed = event::poll(left).and_then(|any| any.then(event::read).transpose());
            match pressed.context("the keyboard cannot be read")? {
                None => break,
                Some(event::Event::Key(key)) => match keys::action(key) {
                    Some(keys::Action::Quit) => return Ok(()),
                    Some(action) => board.act(action),
                    None => {}
                },
                // A new size is seen when the next picture is drawn.
                Some(_) => {}
            }
        }
    }
}
