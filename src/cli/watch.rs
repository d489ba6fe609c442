//! `vocald watch`: the streams of a running daemon, drawn in the terminal.
//!
//! Everything below `watch/` depends on the client crate and ratatui only.

pub mod board;
mod chart;
pub mod keys;
mod lamp;
mod panel;
pub mod requests;
pub mod screen;
mod stream;
mod style;
mod terminal;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use crossbeam_channel::{Receiver, TryRecvError, at, select};
use ratatui::crossterm::event::Event;

use crate::cli::daemon_access::DaemonAccess;
use crate::cli::{Usage, interrupt};
use board::Board;
use requests::Requests;
use style::Style;
use terminal::{Keyboard, Screen};
use vocald_client::{Address, Reconnecting, Subscription, Update};

/// Time between pictures: smooth enough, and little enough for a slow connection.
const FRAME: Duration = Duration::from_millis(100);
/// Updates queued between pictures. When the terminal is slower, the daemon drops the oldest messages and
/// reports how many.
const QUEUED_MAX: usize = 1024;

/// Options of `vocald watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Address of the daemon: the path of its Unix socket, tcp:HOST:PORT, or the http:// or https:// address of its page
    /// [default: the socket of `vocald run --unix`]
    #[arg(value_name = "ADDRESS")]
    address: Option<Address>,
    #[command(flatten)]
    access: DaemonAccess,
    /// Show only this stream; may be repeated [default: all]
    #[arg(long = "stream", value_name = "NAME")]
    streams: Vec<String>,
    /// Receive at most this many decisions and levels per second and stream, for slow connections; probabilities
    /// are then maxima since the last one [default: all]
    #[arg(long, value_name = "N", value_parser = above_zero, allow_negative_numbers = true)]
    rate: Option<f64>,
}

const EXAMPLES: &str = "\
Examples:
  vocald watch                                a daemon on this machine, started with --unix
  vocald watch http://127.0.0.1:8770          one started with --http
  VOCALD_TOKEN=... vocald watch http://stage:8770 --rate 5
      one on another machine, over a slow connection

Keys: q, Esc or Ctrl-C: quit; Tab or arrows: next stream; 1 to 9: choose a stream; 0: show all;
m: mute the chosen stream; t: publish a voice on it as a test, 3 s; r: read the configuration again; l: lock changes.
m, t and l end it too. The Unix socket and HTTP take these requests; TCP takes none.";

fn above_zero(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "it is not a number above 0".into())
}

/// Draws until a key or a signal ends it.
pub(super) fn run(args: Args) -> anyhow::Result<()> {
    if !std::io::stdout().is_terminal() {
        let problem = "watch draws on a terminal, and standard output is none: for JSON lines use \
                       `socat - UNIX-CONNECT:SOCKET`, or `vocald run`";
        return Err(Usage(problem.into()).into());
    }
    let address = args.address.clone().unwrap_or_default();
    let mut board = Board::new(address.to_string()).with_streams(args.streams.clone());
    if let Some(rate) = args.rate {
        board = board.with_rate(rate);
    }
    let signals = interrupt::signals()?;
    let address = args.access.to(address)?;
    let daemon = Daemon {
        requests: Requests::to(address.clone())?,
        updates: listen(&args, address)?,
    };
    let screen = Screen::open()?;
    show(screen, &mut board, &daemon, &signals)
}

/// The connections to the daemon.
struct Daemon {
    updates: Receiver<Update>,
    requests: Requests,
}

/// Receives the daemon's messages on a thread of its own.
fn listen(args: &Args, address: Address) -> anyhow::Result<Receiver<Update>> {
    let mut subscription = Subscription::everything();
    if !args.streams.is_empty() {
        subscription = subscription.with_streams(args.streams.clone());
    }
    if let Some(rate) = args.rate {
        subscription = subscription.with_rate(rate);
    }
    let (sender, updates) = crossbeam_channel::bounded(QUEUED_MAX);
    std::thread::Builder::new()
        .name("client".into())
        .spawn(move || {
            for update in Reconnecting::new(address, subscription) {
                if sender.send(update).is_err() {
                    return;
                }
            }
        })
        .context("no thread for the connection")?;
    Ok(updates)
}

/// Draws until a key or a signal ends it, or the terminal is gone. A terminal that is gone is an orderly end: nobody is
/// left to read of an error.
fn show(
    mut screen: Screen,
    board: &mut Board,
    daemon: &Daemon,
    signals: &Receiver<()>,
) -> anyhow::Result<()> {
    let style = Style::from_env();
    let gone = terminal::gone()?;
    let keyboard = Keyboard::open()?;
    loop {
        for _ in 0..QUEUED_MAX {
            match daemon.updates.try_recv() {
                Ok(update) => board.take(update, Instant::now()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    return Err(anyhow!(
                        "the thread that receives from the daemon has ended"
                    ));
                }
            }
        }
        let drawn = Instant::now();
        for outcome in daemon.requests.outcomes.try_iter() {
            board.show(outcome, drawn);
        }
        let draw = |frame: &mut ratatui::Frame| {
            screen::draw(board, &style, drawn, frame.area(), frame.buffer_mut());
        };
        if let Err(error) = screen.draw(draw) {
            return terminal::error(error, "the terminal cannot be drawn on");
        }
        let next = at(drawn + FRAME);
        loop {
            select! {
                recv(signals) -> _ => return terminal::leave_if_gone(),
                recv(gone) -> _ => return terminal::leave(),
                recv(keyboard.events) -> event => match event? {
                    Ok(Event::Key(key)) => match keys::action(key) {
                        Some(keys::Action::Quit) => return Ok(()),
                        Some(action) => {
                            if let Some(request) = board.act(action)
                                && let Err(refused) = daemon.requests.send(request)
                            {
                                board.show(refused, Instant::now());
                            }
                        }
                        None => {}
                    },
                    // The next picture has the new size.
                    Ok(_) => {}
                    Err(error) => return terminal::error(error, "the keyboard cannot be read"),
                },
                recv(next) -> _ => break,
            }
        }
    }
}
