//! How long it takes from a sung note entering the sound card to the flag in a WebSocket client.
//!
//! `make latency` runs it: five minutes, and best on a machine that does nothing else. With
//! `VOCALD_NOTES=FOLDER` the notes are the WAV files there, 44 100 Hz and stereo, each with the note
//! from its first sample on.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vocald::audio::Decoder;
use vocald_client::Message;

use crate::support::capture_rig::{CARD, CHANNELS, PERIOD_FRAMES, Rig};
use crate::support::daemon::{DEMO, Daemon, PATIENCE, quantile};
use crate::support::program::vocald;

/// Phrases of the demo clip that the voice opens, seconds.
const SUNG_S: [(f64, f64); 5] = [
    (8.77, 10.77),
    (9.98, 11.10),
    (15.91, 17.00),
    (22.25, 24.25),
    (32.19, 33.17),
];
/// A part of the clip in which nobody sings.
const INSTRUMENTAL_S: (f64, f64) = (39.0, 53.0);
/// What is played between the phrases, seconds.
const BETWEEN_S: f64 = 2.5;
const ONSETS: usize = 40;
/// Level of a quiet room, of full scale.
const QUIET: f32 = 1e-4;

/// The clip as the card takes it: interleaved, `CHANNELS` channels.
struct Clip {
    rate_hz: u32,
    samples: Vec<f32>,
}

impl Clip {
    fn open(path: &Path) -> Self {
        let mut decoder = Decoder::open(path).unwrap();
        let format = decoder.format();
        assert_eq!(usize::from(format.channels), CHANNELS);
        let mut samples = Vec::new();
        while let Some(block) = decoder.next_block().unwrap() {
            samples.extend_from_slice(block);
        }
        Self {
            rate_hz: format.rate_hz,
            samples,
        }
    }

    /// Whole periods from a place on.
    fn part(&self, from_s: f64, length_s: f64) -> Vec<f32> {
        let frame = |s: f64| (s * f64::from(self.rate_hz)) as usize;
        let frames = frame(length_s).next_multiple_of(PERIOD_FRAMES);
        let from = frame(from_s) * CHANNELS;
        self.samples[from..from + frames * CHANNELS].to_vec()
    }

    /// All of it but the last, broken period.
    fn whole_periods(mut self) -> Vec<f32> {
        let period = PERIOD_FRAMES * CHANNELS;
        self.samples.truncate(self.samples.len() / period * period);
        self.samples
    }

    fn quiet(&self, length_s: f64) -> Vec<f32> {
        let count = self.part(0.0, length_s).len();
        let noise =
            |n: usize| (n as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5;
        (0..count).map(|n| QUIET * noise(n)).collect()
    }
}

/// What is sung, in whole periods.
fn notes(demo: &Clip) -> Vec<Vec<f32>> {
    let Some(folder) = std::env::var_os("VOCALD_NOTES") else {
        let part = |&(from_s, to_s): &(f64, f64)| demo.part(from_s, to_s - from_s);
        return SUNG_S.iter().map(part).collect();
    };
    let files = std::fs::read_dir(&folder).expect("VOCALD_NOTES is a folder");
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    println!("{} notes from {}", files.len(), folder.display());
    let note = |file: &PathBuf| {
        let clip = Clip::open(file);
        assert_eq!(clip.rate_hz, demo.rate_hz, "{}", file.display());
        clip.whole_periods()
    };
    files.iter().map(note).collect()
}

/// A clock that the periods are played by.
struct Player {
    rig: Rig,
    next: Instant,
    period: Duration,
}

impl Player {
    /// When the first sample went in.
    fn play(&mut self, samples: &[f32]) -> f64 {
        let mut first = None;
        for period in samples.chunks(PERIOD_FRAMES * CHANNELS) {
            std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
            self.next += self.period;
            let now = unix_now_s();
            self.rig.play(period);
            first.get_or_insert(now);
        }
        first.unwrap()
    }
}

fn unix_now_s() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs_f64()
}

/// Passes on what a WebSocket client gets, and when.
fn listen(address: &str, messages: Sender<(f64, Message)>) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut socket, _) = tungstenite::client(format!("ws://{address}/ws"), stream).unwrap();
    std::thread::spawn(move || {
        while let Ok(frame) = socket.read() {
            let received_s = unix_now_s();
            if let tungstenite::Message::Text(text) = frame {
                let message = serde_json::from_str(&text).unwrap();
                if messages.send((received_s, message)).is_err() {
                    return;
                }
            }
        }
    });
}

/// From the note's first sample, seconds.
#[derive(Default)]
struct Delays {
    /// Until a decision with voice, and so the onset, was received.
    flag: Vec<f64>,
    /// Until the first decision at or above the threshold was.
    likely: Vec<f64>,
    missed: usize,
    latency: Vec<f64>,
}

#[test]
#[ignore = "five minutes on a machine that does nothing else: make latency"]
fn from_a_sung_note_to_the_flag() {
    let Some(rig) = Rig::new() else { return };
    let clip = Clip::open(Path::new(DEMO));
    let notes = notes(&clip);
    let line = format!(
        "run device:{CARD} --rate {} --channels {CHANNELS} --period {PERIOD_FRAMES}",
        clip.rate_hz
    );
    let daemon = Daemon::start(vocald(&line));
    let (sender, messages) = channel();
    listen(&daemon.http, sender);
    let (_, hello) = messages.recv_timeout(PATIENCE).unwrap();
    let Message::Hello(hello) = hello else {
        panic!("no hello: {hello:?}");
    };
    let thresholds = hello.thresholds.expect("thresholds in hello");
    // What may be enough: without voice of late it takes more.
    let enter = thresholds.reenter.unwrap_or(thresholds.enter);
    let mut player = Player {
        rig,
        next: Instant::now(),
        period: Duration::from_secs_f64(PERIOD_FRAMES as f64 / f64::from(clip.rate_hz)),
    };
    println!(
        "from a sung note's first sample into the card to the WebSocket client; look-ahead {:.0} ms,\n\
         a decision every {:.0} ms, a period of the card {:.1} ms; load {}",
        hello.lookahead * 1e3,
        hello.hop * 1e3,
        player.period.as_secs_f64() * 1e3,
        std::fs::read_to_string("/proc/loadavg").unwrap().trim(),
    );
    let quiet = clip.quiet(BETWEEN_S);
    let places = ((INSTRUMENTAL_S.1 - INSTRUMENTAL_S.0) / BETWEEN_S) as usize;
    let band: Vec<Vec<f32>> = (0..places)
        .map(|n| clip.part(INSTRUMENTAL_S.0 + n as f64 * BETWEEN_S, BETWEEN_S))
        .collect();
    let before = [
        ("after a quiet room", vec![quiet]),
        ("after the band without a voice", band),
    ];
    for (what, between) in before {
        let mut delays = Delays::default();
        player.play(&between[0]);
        let mut voice_before = voice_at_the_end(&messages.try_iter().collect::<Vec<_>>());
        for n in 0..ONSETS {
            let began_s = player.play(&notes[n % notes.len()]);
            // What belongs to the note may come a little after it.
            let until_s = player.play(&between[(n + 1) % between.len()]) + 0.3;
            let received: Vec<_> = messages.try_iter().collect();
            match voice_before {
                true => delays.missed += 1,
                false => note(&received, began_s, until_s, enter, &mut delays),
            }
            voice_before = voice_at_the_end(&received);
        }
        print(what, delays);
    }
}

/// Whether the newest decision is voice.
fn voice_at_the_end(received: &[(f64, Message)]) -> bool {
    let newest = received
        .iter()
        .rev()
        .find_map(|(_, message)| match message {
            Message::Decision(d) => Some(d.voice),
            _ => None,
        });
    newest.expect("decisions while a note was played")
}

/// What came of one note that began at `began_s`.
fn note(received: &[(f64, Message)], began_s: f64, until_s: f64, enter: f32, delays: &mut Delays) {
    let (mut likely, mut flag) = (None, None);
    for (received_s, message) in received {
        assert!(!matches!(message, Message::Gap(_)), "{message:?}");
        let Message::Decision(d) = message else {
            continue;
        };
        delays.latency.push(d.latency);
        if !(began_s..until_s).contains(received_s) {
            continue;
        }
        if d.p >= enter {
            likely.get_or_insert(received_s - began_s);
        }
        if d.voice {
            flag.get_or_insert(received_s - began_s);
        }
    }
    match (likely, flag) {
        (Some(likely), Some(flag)) => {
            delays.likely.push(likely);
            delays.flag.push(flag);
        }
        _ => delays.missed += 1,
    }
}

fn print(what: &str, mut delays: Delays) {
    let found = delays.flag.len();
    assert!(
        found >= ONSETS / 2,
        "{what}: only {found} of {ONSETS} notes found"
    );
    let mut confirm: Vec<f64> = delays
        .flag
        .iter()
        .zip(&delays.likely)
        .map(|(f, l)| f - l)
        .collect();
    println!(
        "{what}: {found} of {ONSETS} notes found, {} not",
        delays.missed
    );
    for (name, values) in [
        ("note to flag", &mut delays.flag),
        ("note to first likely decision", &mut delays.likely),
        ("confirmation by further windows", &mut confirm),
        ("last sample to publication", &mut delays.latency),
    ] {
        values.sort_by(f64::total_cmp);
        println!(
            "  {name:34} median {:4.0} ms   99 % {:4.0} ms   longest {:4.0} ms",
            quantile(values, 0.5) * 1e3,
            quantile(values, 0.99) * 1e3,
            quantile(values, 1.0) * 1e3,
        );
    }
}
