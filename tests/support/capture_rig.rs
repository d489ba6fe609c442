//! A sound card made of ALSA's `file` plugin and a FIFO: what is written to the FIFO, 32-bit
//! floats, is what the card captures, sample for sample.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use vocald::audio::{RingReader, SourceEvent, SourceHandle};

/// Frames of a period. A stereo period is 2 KiB, less than what a pipe takes in one piece.
pub const PERIOD_FRAMES: usize = 256;
pub const CHANNELS: usize = 2;
/// The name of the card.
pub const CARD: &str = "vocald_fifo";

pub struct Rig {
    folder: tempfile::TempDir,
    fifo: File,
    _turn: Turn,
}

/// ALSA's configuration is the process's: one test at a time has a card.
struct Turn;

static TAKEN: Mutex<bool> = Mutex::new(false);
static FREE: Condvar = Condvar::new();

impl Turn {
    fn wait() -> Self {
        let taken = TAKEN.lock().unwrap();
        *FREE.wait_while(taken, |taken| *taken).unwrap() = true;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap() = false;
        FREE.notify_one();
    }
}

impl Rig {
    /// Plugs the card in for this process. `None`, with a message, if that is impossible.
    pub fn new() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            println!("skipped: there is no ALSA here");
            return None;
        }
        let turn = Turn::wait();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: there is no mkfifo here");
            return None;
        }
        // Opened for both, so that opening does not wait and the card may come and go.
        let fifo = File::options().read(true).write(true).open(&path).unwrap();
        let rig = Self {
            folder,
            fifo,
            _turn: turn,
        };
        rig.plug_in();
        // SAFETY: of what tests with a rig and those beside them run, only ALSA reads the environment
        // past Rust's lock, and only for the test whose turn it is.
        unsafe { std::env::set_var("ALSA_CONFIG_PATH", rig.config()) };
        Some(rig)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("asoundrc")
    }

    pub fn plug_in(&self) {
        let fifo = self.folder.path().join("fifo");
        let text = format!(
            "pcm.{CARD} {{\n type file\n slave.pcm {{ type null }}\n file /dev/null\n infile {}\n \
             format raw\n hint {{ show on description \"Test card on a FIFO\" }}\n}}\n",
            fifo.display()
        );
        std::fs::write(self.config(), text).unwrap();
    }

    pub fn pull_out(&self) {
        std::fs::write(self.config(), "# no cards\n").unwrap();
    }

    /// Plays a period, unless the card has taken none for so long that it would not fit.
    pub fn play_if_room(&mut self, period: &[f32]) {
        let waiting = rustix::io::ioctl_fionread(&self.fifo).unwrap();
        if waiting < 32 * 1024 {
            self.play(period);
        }
    }

    /// Plays interleaved samples into the card, a period at a time.
    pub fn play(&mut self, samples: &[f32]) {
        for period in samples.chunks(PERIOD_FRAMES * CHANNELS) {
            let bytes: Vec<u8> = period.iter().flat_map(|x| x.to_le_bytes()).collect();
            self.fifo.write_all(&bytes).unwrap();
        }
    }
}

/// `periods` periods that no two samples of are the same, from a place that `seed` chooses.
pub fn pattern(periods: usize, seed: u32) -> Vec<f32> {
    (0..periods * PERIOD_FRAMES * CHANNELS)
        .map(|n| {
            let bits = (n as u32)
                .wrapping_add(seed << 20)
                .wrapping_mul(2_654_435_761);
            (bits >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// The next event, or a panic when none comes.
pub fn next_event(source: &SourceHandle) -> SourceEvent {
    source
        .events
        .recv_timeout(Duration::from_secs(20))
        .expect("an event")
}

pub fn started(event: SourceEvent) -> RingReader {
    match event {
        SourceEvent::Started { format, reader } => {
            assert_eq!(
                (format.rate_hz, usize::from(format.channels)),
                (48_000, CHANNELS)
            );
            reader
        }
        SourceEvent::State(change) => panic!("not started: {change:?}"),
    }
}

/// Reads `frames` frames, and fails if a single one was lost.
pub fn read_frames(reader: &mut RingReader, frames: usize) -> Vec<f32> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let (mut all, mut block) = (Vec::new(), Vec::new());
    while all.len() < frames * CHANNELS && Instant::now() < deadline {
        if let Some(stamp) = reader.read_timeout(&mut block, Duration::from_millis(100)) {
            assert_eq!(stamp.lost_before_frames, 0);
            all.extend_from_slice(&block);
        }
    }
    all
}
