//! What `vocald watch` shows, by made messages, at sizes from a wall to a stamp.

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use vocald::cli::watch::board::Board;
use vocald::cli::watch::keys::{Action, action};
use vocald::cli::watch::requests::Outcome;
use vocald::cli::watch::screen::{Style, draw};
use vocald_client::message::*;
use vocald_client::{Action as Request, ClientError, Message, Update};

const SIZES: [(u16, u16); 4] = [(80, 24), (40, 10), (200, 60), (1, 1)];
/// Of the messages that [`sung`] makes.
const HOP_S: f64 = 0.0714;

fn hello(streams: &[(&str, StreamState)]) -> Update {
    let status = |&(stream, state): &(&str, StreamState)| StreamStatus {
        stream: stream.into(),
        state,
        reason: None,
        onset: None,
        settings: None,
        speech_onset: None,
        counts: Default::default(),
    };
    Update::Message(Message::Hello(Hello {
        v: Version,
        stream: ALL_STREAMS.into(),
        version: "9.8.7".into(),
        model: "live-14".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons: vec![0.58, 0.12],
        lookahead: 0.12,
        hop: HOP_S,
        thresholds: Some(Thresholds {
            enter: 0.62,
            reenter: Some(0.55),
            leave: 0.38,
        }),
        speech_thresholds: None,
        streams: streams.iter().map(status).collect(),
        sinks: Vec::new(),
        locked: false,
    }))
}

fn decision(stream: &str, t: f64, p: f32, voice: bool) -> Update {
    Update::Message(Message::Decision(Decision {
        v: Version,
        stream: stream.into(),
        seq: (t / HOP_S) as u64,
        t,
        wall: 1_700_000_000.0 + t,
        p,
        voice,
        lookahead: 0.123,
        latency: 0.0147,
        speech_p: None,
        speech: None,
        late: false,
        test: false,
    }))
}

fn level(stream: &str, t: f64, mel: f32) -> Update {
    Update::Message(Message::Level(Level {
        v: Version,
        stream: stream.into(),
        t,
        wall: 1_700_000_000.0 + t,
        rms_db: -23.4,
        peak_db: -11.0,
        mel: vec![mel; 80],
    }))
}

fn onset(stream: &str, id: u64, t: f64) -> Update {
    Update::Message(Message::Onset(Onset {
        v: Version,
        stream: stream.into(),
        id,
        t,
        wall: 1_700_000_000.0 + t,
        p: 0.9,
        reason: EventReason::Decision,
        test: false,
    }))
}

fn offset(stream: &str, id: u64, t: f64, duration: f64) -> Update {
    Update::Message(Message::Offset(Offset {
        v: Version,
        stream: stream.into(),
        id,
        t,
        wall: 1_700_000_000.0 + t,
        p: 0.1,
        duration,
        reason: EventReason::Decision,
        test: false,
    }))
}

fn state(stream: &str, state: StreamState, reason: &str) -> Update {
    Update::Message(Message::State(State {
        v: Version,
        stream: stream.into(),
        state,
        reason: Some(reason.into()),
        counts: Default::default(),
    }))
}

fn lagged(lost: u64) -> Update {
    Update::Message(Message::Lagged(Lagged {
        v: Version,
        stream: ALL_STREAMS.into(),
        lost,
    }))
}

/// A board on which updates came, all at one moment.
struct Shown {
    board: Board,
    at: Instant,
}

impl Shown {
    fn new() -> Self {
        Self {
            board: Board::new("unix:/run/vocald.sock".into()),
            at: Instant::now(),
        }
    }

    fn take(&mut self, updates: impl IntoIterator<Item = Update>) -> &mut Self {
        for update in updates {
            self.board.take(update, self.at);
        }
        self
    }

    fn picture(&self, (width, height): (u16, u16), colours: bool, later: Duration) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let style = Style::new(colours);
        terminal
            .draw(|f| {
                draw(
                    &self.board,
                    &style,
                    self.at + later,
                    f.area(),
                    f.buffer_mut(),
                )
            })
            .unwrap();
        terminal.backend().buffer().clone()
    }

    fn text_later(&self, size: (u16, u16), later: Duration) -> String {
        let picture = self.picture(size, true, later);
        let rows = picture.content.chunks(usize::from(size.0));
        let row = |cells: &[ratatui::buffer::Cell]| {
            let row: String = cells.iter().map(|cell| cell.symbol()).collect();
            row.trim_end().to_owned()
        };
        rows.map(row).collect::<Vec<_>>().join("\n")
    }

    fn text(&self, size: (u16, u16)) -> String {
        self.text_later(size, Duration::ZERO)
    }
}

/// Thirty seconds of `stream`: no voice, then from 20 s on one that stays.
fn sung(stream: &str) -> Vec<Update> {
    let mut updates = vec![Update::Connected, hello(&[(stream, StreamState::Running)])];
    for n in 0..420 {
        let t = f64::from(n) * HOP_S;
        let voice = t >= 20.0;
        updates.push(decision(stream, t, if voice { 0.93 } else { 0.07 }, voice));
        if n == 281 {
            updates.push(onset(stream, 1, 20.0));
        }
        updates.push(level(stream, t, if voice { 1.0 } else { -9.0 }));
    }
    updates
}

/// VOICE in the large letters, a row.
const LARGE_VOICE: &str = "█ █ █▀█ ▀█▀ █▀▀ █▀▀";

#[test]
fn a_voice_lights_the_lamp_and_fills_the_last_third_of_the_minute() {
    let mut shown = Shown::new();
    shown.take(sung("hall"));
    let text = shown.text((80, 24));
    for output in [
        "vocald  live-14 on cpu, version 9.8.7",
        "unix:/run/vocald.sock  live",
        "hall",
        "for 9 s",
        "running",
        "93 %",
        "-23 dB",
        "15 ms",
        "123 ms",
        "nothing",
        "0:20 voice, now",
        "0.62",
        "0.55",
        "0.38",
        "-45 s",
        "now",
        "q quit",
    ] {
        assert!(text.contains(output), "{output} in\n{text}");
    }
    assert!(text.contains('█'), "{text}");
    // The strip: of sixty seconds the newest ten are sung.
    let strip = text
        .lines()
        .find(|line| line.starts_with("voice "))
        .unwrap();
    let sung = strip.matches('▬').count();
    assert!((11..=14).contains(&sung), "{sung} of 74 columns in {strip}");
    // The waterfall: thirty of sixty seconds have a picture, and only the sung ones are loud.
    let loud = text
        .lines()
        .filter(|line| line.ends_with("██████████"))
        .count();
    assert!(loud >= 5, "{loud}\n{text}");
    let picture = shown.picture((80, 24), true, Duration::ZERO);
    let greens = picture
        .content
        .iter()
        .filter(|cell| cell.bg == Color::Green)
        .count();
    assert!(greens > 200, "the lamp is a green field: {greens}");
}

#[test]
fn the_lamp_and_the_numbers_are_there_at_every_size() {
    let mut shown = Shown::new();
    shown.take(sung("hall")).take([lagged(12), lagged(30)]);
    let small = shown.text((40, 10));
    for output in [
        "VOICE",
        "93 %",
        "hall",
        "for 9 s",
        "latency 15 ms",
        "missed 42",
        "live",
    ] {
        assert!(small.contains(output), "{output} in\n{small}");
    }
    assert!(small.contains('▬') && small.contains('┃'), "{small}");
    let large = shown.text((200, 60));
    for output in ["93 %", "missed here 42", "0:20 voice, now", "-15 s"] {
        assert!(large.contains(output), "{output} in\n{large}");
    }
    assert_eq!(shown.text((1, 1)), "t");
    assert!(shown.text((23, 5)).contains("too\nsmall"));
    for width in 1..90 {
        for height in 1..40 {
            shown.picture((width, height), width % 2 == 0, Duration::ZERO);
        }
    }
}

#[test]
fn a_lost_connection_is_not_live_at_every_size_until_it_is_back() {
    let mut shown = Shown::new();
    shown.take(sung("hall"));
    assert!(!shown.text((80, 24)).contains("NOT LIVE"));
    shown.take([Update::Disconnected {
        reason: ClientError::Closed,
        retry_in: Duration::from_secs(1),
    }]);
    for size in &SIZES[..3] {
        let text = shown.text(*size);
        assert!(
            text.contains("NOT LIVE, trying again: the daemon close"),
            "{text}"
        );
        assert!(
            !text.contains(LARGE_VOICE) && !text.contains(" VOICE "),
            "{text}"
        );
    }
    assert!(
        shown
            .text((40, 10))
            .contains(" NOT LIVE  no connection  hall")
    );
    assert!(
        !shown.text((80, 24)).contains("93 %"),
        "what was is not shown as if it were"
    );
    // Back, and the voice went out meanwhile.
    shown.take([Update::Connected, hello(&[("hall", StreamState::Running)])]);
    shown.take([decision("hall", 35.0, 0.2, false)]);
    let text = shown.text((40, 10));
    assert!(
        text.contains("NO VOICE") && !text.contains("NOT LIVE"),
        "{text}"
    );
}

#[test]
fn nothing_coming_is_not_live_although_the_connection_stands() {
    let mut shown = Shown::new();
    shown.take(sung("hall"));
    let soon = shown.text_later((40, 10), Duration::from_secs(4));
    assert!(!soon.contains("NOT LIVE"), "{soon}");
    let late = shown.text_later((40, 10), Duration::from_secs(8));
    assert!(
        late.contains("NOT LIVE") && late.contains("nothing came for 8 s"),
        "{late}"
    );
    // A source that has ended owes nothing.
    shown.take([state("hall", StreamState::Ended, "")]);
    let ended = shown.text_later((40, 10), Duration::from_secs(600));
    assert!(
        ended.contains("ENDED") && !ended.contains("NOT LIVE"),
        "{ended}"
    );
}

#[test]
fn before_the_first_connection_it_says_what_it_waits_for() {
    let mut shown = Shown::new();
    assert!(
        shown
            .text((80, 24))
            .contains("NOT LIVE: connecting to unix:/run/vocald.sock")
    );
    shown.take([Update::Disconnected {
        reason: ClientError::Unreachable {
            address: "unix:/run/vocald.sock".into(),
            error: std::io::ErrorKind::NotFound.into(),
        },
        retry_in: Duration::from_secs(1),
    }]);
    let text = shown.text((80, 24));
    assert!(
        text.contains("no daemon can be reached at unix:/run/vocald.sock"),
        "{text}"
    );
    assert!(text.contains("vocald run --unix"), "{text}");
}

#[test]
fn source_states_are_reported_with_their_reason() {
    let mut shown = Shown::new();
    shown.take(sung("hall"));
    shown.take([
        offset("hall", 1, 29.0, 9.0),
        Update::Message(Message::Gap(Gap {
            v: Version,
            stream: "hall".into(),
            t: 29.5,
            lost: 0.25,
            reason: GapReason::RingFull,
        })),
        state("hall", StreamState::Stalled, "no callback for 2 s"),
    ]);
    let text = shown.text((80, 24));
    for output in [
        "stalled",
        "no callback for 2 s",
        "0.25 s ring full",
        "voice 9.0 s",
        "×",
    ] {
        assert!(text.contains(output), "{output} in\n{text}");
    }
    assert!(shown.text((40, 10)).contains(" STALLED "));
    for (to, word) in [
        (StreamState::Starting, "WAITING"),
        (StreamState::Silent, "SILENT"),
        (StreamState::Reconnecting, "LOST"),
        (StreamState::Failed, "FAILED"),
        (StreamState::Unknown, "UNKNOWN"),
    ] {
        shown.take([state("hall", to, "so it is")]);
        let text = shown.text((40, 10));
        assert!(
            text.contains(&format!(" {word} ")) && text.contains("so it is"),
            "{text}"
        );
    }
}

#[test]
fn streams_are_chosen_one_by_one_or_all_together() {
    let mut shown = Shown::new();
    let both = [
        ("hall", StreamState::Running),
        ("desk", StreamState::Running),
    ];
    shown.take([Update::Connected, hello(&both)]);
    shown.take([
        decision("hall", 1.0, 0.9, true),
        decision("desk", 1.0, 0.25, false),
    ]);
    let names = "●[1 hall] ○ 2 desk";
    assert!(
        shown.text((80, 24)).contains(names),
        "{}",
        shown.text((80, 24))
    );
    assert!(shown.text((40, 10)).contains(" VOICE   90 % hall"));
    shown.board.act(Action::Next);
    assert!(shown.text((40, 10)).contains(" NO VOICE   25 % desk"));
    shown.board.act(Action::Next);
    assert!(shown.text((40, 10)).contains(" VOICE   90 % hall"));
    shown.board.act(Action::Choose(1));
    shown.board.act(Action::Choose(7));
    assert!(shown.text((40, 10)).contains("25 % desk"));
    shown.board.act(Action::All);
    let all = shown.text((40, 10));
    assert!(
        all.contains("90 % hall") && all.contains("25 % desk"),
        "{all}"
    );

    // A daemon that was started anew, with another stream.
    shown.take([
        Update::Connected,
        hello(&[("vocals/1", StreamState::Starting)]),
    ]);
    let anew = shown.text((40, 10));
    assert!(
        anew.contains(" WAITING  vocals/1") && !anew.contains("hall"),
        "{anew}"
    );

    let mut board = Board::new("x".into()).with_streams(vec!["choir".into()]);
    board.take(Update::Connected, shown.at);
    board.take(hello(&both), shown.at);
    let one = Shown {
        board,
        at: shown.at,
    };
    let text = one.text((80, 24));
    assert!(
        text.contains("no stream named choir, but hall, desk"),
        "{text}"
    );
}

#[test]
fn a_daemon_that_began_anew_begins_a_new_minute() {
    let mut shown = Shown::new();
    shown.take(sung("hall"));
    shown.take([Update::Connected, hello(&[("hall", StreamState::Running)])]);
    shown.take([decision("hall", 0.4, 0.2, false)]);
    let text = shown.text((80, 24));
    assert!(!text.contains('▬') && !text.contains("0:20"), "{text}");
}

#[test]
fn without_colours_the_lamp_is_inverted_and_nothing_has_a_colour() {
    let mut shown = Shown::new();
    shown.take(sung("hall"));
    for size in SIZES {
        for cell in shown.picture(size, false, Duration::ZERO).content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
    }
    let inverted = |shown: &Shown| {
        let picture = shown.picture((80, 24), false, Duration::ZERO);
        let is = |cell: &&ratatui::buffer::Cell| {
            cell.modifier.contains(ratatui::style::Modifier::REVERSED)
        };
        picture.content.iter().filter(is).count()
    };
    assert!(inverted(&shown) > 200);
    shown.take([decision("hall", 40.0, 0.1, false)]);
    assert_eq!(inverted(&shown), 0);
}

#[test]
fn control_characters_and_endless_names_cannot_disturb_the_screen() {
    let mut shown = Shown::new();
    let evil = format!("\u{1b}[2J\u{7}{}", "x".repeat(100_000));
    shown.take([Update::Connected, hello(&[(&evil, StreamState::Running)])]);
    shown.take([state(
        &evil,
        StreamState::Stalled,
        "\u{1b}]0;owned\u{7}\nline",
    )]);
    for size in SIZES {
        let text = shown.text(size);
        assert!(
            text.chars().all(|c| c == '\n' || !c.is_control()),
            "{text:?}"
        );
    }
}

#[test]
fn the_keys_are_those_that_the_screen_names() {
    let plain = |code| action(KeyEvent::new(code, KeyModifiers::NONE));
    for code in [KeyCode::Char('q'), KeyCode::Esc] {
        assert_eq!(plain(code), Some(Action::Quit));
    }
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(action(control_c), Some(Action::Quit));
    assert_eq!(plain(KeyCode::Tab), Some(Action::Next));
    assert_eq!(plain(KeyCode::BackTab), Some(Action::Previous));
    assert_eq!(plain(KeyCode::Char('3')), Some(Action::Choose(2)));
    assert_eq!(plain(KeyCode::Char('0')), Some(Action::All));
    assert_eq!(plain(KeyCode::Char('c')), None);
    for (key, does) in [
        ('m', Action::Mute),
        ('t', Action::Test),
        ('r', Action::Reload),
        ('l', Action::Lock),
    ] {
        assert_eq!(plain(KeyCode::Char(key)), Some(does));
    }
    let mut shown = Shown::new();
    shown.take(sung("hall"));
    let keys = shown.text((80, 24)).lines().last().unwrap().to_owned();
    assert_eq!(
        keys,
        "q quit   tab next   1-9 choose   0 all   m mute   t test   r reload   l lock"
    );
}

fn settings(stream: &str, enter: f32, muted: bool) -> Update {
    Update::Message(Message::Settings(Settings {
        v: Version,
        stream: stream.into(),
        settings: StreamSettings {
            model: "live-14".into(),
            decision: DecisionSettings {
                horizon_frames: 7,
                lookahead_s: 0.12,
                threshold: 0.5,
                enter,
                reenter: None,
                recency_s: None,
                leave: 0.38,
                confirm_n: 1,
                confirm_m: 1,
                min_voice_s: 0.0,
                min_gap_s: 0.0,
            },
            lookaheads_s: vec![0.58, 0.12],
            gain_db: 0.0,
            gate_db: None,
            muted,
            changed: Vec::new(),
        },
    }))
}

#[test]
fn keys_of_the_chosen_stream_make_requests_by_what_it_is_now() {
    let mut shown = Shown::new();
    let both = [
        ("hall", StreamState::Running),
        ("desk", StreamState::Running),
    ];
    shown.take([Update::Connected, hello(&both)]);
    shown.take([decision("desk", 1.0, 0.9, false)]);
    assert_eq!(shown.board.act(Action::Next), None);
    let mute = |muted| Request::Mute {
        stream: Some("desk".into()),
        muted,
    };
    assert_eq!(shown.board.act(Action::Mute), Some(mute(true)));
    shown.take([settings("desk", 0.77, true)]);
    assert_eq!(shown.board.act(Action::Mute), Some(mute(false)));
    let text = shown.text((40, 10));
    assert!(text.contains(" MUTED  no voice is published"), "{text}");
    // A threshold that was changed is drawn where it is now.
    let large = shown.text((80, 24));
    assert!(large.contains("0.77") && !large.contains("0.62"), "{large}");

    let test = |seconds| Request::Test {
        stream: Some("desk".into()),
        seconds,
    };
    assert_eq!(shown.board.act(Action::Test), Some(test(3.0)));
    let Update::Message(Message::Onset(mut tested)) = onset("desk", 1, 2.0) else {
        unreachable!();
    };
    tested.test = true;
    shown.take([Update::Message(Message::Onset(tested))]);
    let text = shown.text((40, 10));
    assert!(text.contains(" VOICE  a test, not a singer"), "{text}");
    assert_eq!(shown.board.act(Action::Test), Some(test(0.0)));
    let Update::Message(Message::Offset(mut over)) = offset("desk", 1, 5.0, 3.0) else {
        unreachable!();
    };
    over.test = true;
    shown.take([Update::Message(Message::Offset(over))]);
    assert!(shown.text((40, 10)).contains(" MUTED "));

    let lock = |locked| Request::Lock { locked };
    assert_eq!(shown.board.act(Action::Lock), Some(lock(true)));
    shown.take([Update::Message(Message::Lock(Lock {
        v: Version,
        stream: ALL_STREAMS.into(),
        locked: true,
    }))]);
    assert!(shown.text((80, 24)).contains("locked  live"));
    assert_eq!(shown.board.act(Action::Lock), Some(lock(false)));
    assert_eq!(shown.board.act(Action::Reload), Some(Request::Reload {}));
}

#[test]
fn what_came_of_a_request_is_shown_for_some_seconds_at_every_size() {
    let mut shown = Shown::new();
    shown.take(sung("hall"));
    let why = "changes are locked: unlock them first";
    shown.board.show(Outcome::refused(why), shown.at);
    for size in &SIZES[..3] {
        let text = shown.text(*size).replace('\n', " ");
        assert!(text.contains(&format!("not done: {why}")), "{text}");
    }
    let later = shown.text_later((80, 24), Duration::from_secs(11));
    assert!(
        !later.contains("locked") && later.contains("q quit"),
        "{later}"
    );
    let mut reload = Reload {
        v: Version,
        stream: ALL_STREAMS.into(),
        ok: true,
        error: None,
        changed: vec!["decision.enter".into()],
        restart: Vec::new(),
    };
    shown.take([Update::Message(Message::Reload(reload.clone()))]);
    let read = "the configuration was read again: decision.enter changed";
    assert!(shown.text((80, 24)).contains(read));
    (reload.ok, reload.error) = (false, Some("decision.enter: 2 is too much".into()));
    shown.take([Update::Message(Message::Reload(reload))]);
    let refused = "not done: decision.enter: 2 is too much";
    assert!(shown.text((80, 24)).contains(refused));
}

#[test]
fn sixteen_streams_are_shown_at_once_and_missing_ones_are_counted() {
    let mut shown = Shown::new();
    let names: Vec<String> = (1..=16).map(|n| format!("mic{n:02}")).collect();
    let streams: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), StreamState::Running))
        .collect();
    shown.take([Update::Connected, hello(&streams)]);
    for name in &names {
        shown.take([decision(name, 1.0, 0.9, name == "mic07")]);
    }
    let all = shown.text((80, 24));
    for name in &names {
        assert!(all.contains(name.as_str()), "{name} in\n{all}");
    }
    assert_eq!(all.matches("NO VOICE").count(), 15, "{all}");
    assert!(!all.contains("not shown"), "{all}");
    // Every stream has its mark although the names do not fit.
    let marks = all.lines().nth(1).unwrap();
    assert!(
        marks.contains("[1 mic01]") && marks.contains("●7 "),
        "{all}"
    );
    assert_eq!(marks.matches(['●', '○']).count(), 16, "{marks}");

    let small = shown.text((40, 12));
    let hidden = 16
        - names
            .iter()
            .filter(|n| small.contains(&format!("% {n}")))
            .count();
    assert!(
        small.contains(&format!("{hidden} more not shown")),
        "{small}"
    );
    // One is shown as large as the screen, and the view stays chosen when the daemon comes back.
    shown.board.act(Action::Choose(3));
    shown.take([Update::Connected, hello(&streams)]);
    assert!(
        !shown.text((80, 24)).contains("mic05"),
        "the chosen one alone"
    );
}
