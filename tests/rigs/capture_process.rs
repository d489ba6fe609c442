//! The process that captures a device for the daemon: waited for, hung, killed, and never more than one.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::capture_rig::{CARD, CHANNELS, PERIOD_FRAMES, Rig};
use crate::support::daemon::{PATIENCE, resident_mb};
use crate::support::mqtt_rig::found;
use crate::support::program::{of_type, send_signal, sound, with_model};

/// The daemon's messages, and its capture process.
struct Run {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    all: Vec<Value>,
}

impl Run {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines,
            all: Vec::new(),
        }
    }

    /// The next change to `state`.
    #[track_caller]
    fn until(&mut self, state: &str) -> Value {
        let start = Instant::now();
        for line in &mut self.lines {
            assert!(start.elapsed() < PATIENCE, "no {state}");
            let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
            self.all.push(message.clone());
            if message["type"] == "state" && message["state"] == state {
                return message;
            }
        }
        panic!("no {state} in {:#?}", self.all)
    }

    /// Ids of the processes that the daemon has started.
    fn processes(&self) -> Vec<u32> {
        let own = self.child.id();
        let children = std::fs::read_dir(format!("/proc/{own}/task")).unwrap();
        let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
            let path = thread.ok()?.path().join("children");
            std::fs::read_to_string(path).ok()
        };
        let ids: Vec<String> = children.filter_map(of_thread).collect();
        ids.join(" ")
            .split_whitespace()
            .map(|id| id.parse().unwrap())
            .collect()
    }

    /// Threads and file handles of the daemon.
    fn held(&self) -> (usize, usize) {
        let count = |what: &str| {
            let folder = format!("/proc/{}/{what}", self.child.id());
            std::fs::read_dir(folder).unwrap().count()
        };
        (count("task"), count("fd"))
    }

    fn end(mut self) {
        send_signal(&self.child, libc::SIGINT);
        self.lines.by_ref().for_each(drop);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

fn signal(process: u32, signal: i32) {
    // SAFETY: nothing but a system call.
    assert_eq!(unsafe { libc::kill(process as i32, signal) }, 0);
}

/// Plays into the card, in real time, until it is dropped.
struct Player {
    stop: std::sync::mpsc::Sender<()>,
    thread: Option<std::thread::JoinHandle<Rig>>,
}

impl Player {
    fn play(mut rig: Rig) -> Self {
        let (stop, stopped) = std::sync::mpsc::channel();
        let samples = sound(48_000, CHANNELS as u16, 4.0);
        let thread = std::thread::spawn(move || {
            let (start, mut played) = (Instant::now(), Duration::ZERO);
            let periods = samples.chunks_exact(PERIOD_FRAMES * CHANNELS);
            for period in periods.cycle() {
                if stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Empty) {
                    return rig;
                }
                rig.play_if_room(period);
                played += Duration::from_secs_f64(PERIOD_FRAMES as f64 / 48_000.0);
                std::thread::sleep(played.saturating_sub(start.elapsed()));
            }
            rig
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn a_card_is_waited_for_and_a_capture_process_that_hangs_or_dies_is_replaced() {
    let Some(rig) = Rig::new() else { return };
    rig.pull_out();
    let line = format!("run device:{CARD} --rate 48000 --channels 2 --period {PERIOD_FRAMES}");
    let mut run = Run::start(with_model(&line).env("VOCALD_MODEL_LATENCY_BUDGET_S", "10"));
    let waiting = run.until("waiting");
    let reason = waiting["reason"].as_str().unwrap();
    assert!(reason.contains("there is no device"), "{reason}");
    rig.plug_in();
    let _player = Player::play(rig);
    run.until("running");
    let before = run.held();
    let first = run.processes();
    assert_eq!(first.len(), 1, "{first:?}");

    signal(first[0], libc::SIGSTOP);
    run.until("stalled");
    let lost = run.until("reconnecting");
    assert_eq!(lost["reason"], "the sound system hangs");
    run.until("running");
    let second = run.processes();
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");

    for _ in 0..3 {
        signal(run.processes()[0], libc::SIGKILL);
        let lost = run.until("reconnecting");
        assert_eq!(lost["reason"], "the capture process has ended");
        run.until("running");
        assert_eq!(run.processes().len(), 1);
    }
    assert_eq!(run.held(), before);
    assert_eq!(of_type(&run.all, "gap").len(), 4);
    let process = run.processes()[0];
    run.end();
    // A process that is killed may need a moment on a busy machine.
    let (start, process) = (Instant::now(), format!("/proc/{process}"));
    while Path::new(&process).exists() {
        assert!(start.elapsed() < PATIENCE, "{process} is there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// PulseAudio without a card, in a folder of its own.
struct Pulse {
    folder: tempfile::TempDir,
    server: Option<Child>,
}

impl Pulse {
    fn new() -> Option<Self> {
        found("pulseaudio")?;
        let mut pulse = Self {
            folder: tempfile::tempdir().unwrap(),
            server: None,
        };
        let text = "pcm.stage { type pulse device \"stage.monitor\" hint { show on description \"Monitor\" } }\n";
        std::fs::write(pulse.folder.path().join("asoundrc"), text).unwrap();
        pulse.start();
        Some(pulse)
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("HOME", self.folder.path())
            .env("ALSA_CONFIG_PATH", self.folder.path().join("asoundrc"))
    }

    fn start(&mut self) {
        let mut command = Command::new("pulseaudio");
        command
            .args([
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--disallow-exit=no",
            ])
            .args([
                "-L",
                "module-null-sink sink_name=stage rate=48000 channels=2",
            ])
            .args(["-L", "module-native-protocol-unix"])
            .stderr(Stdio::null());
        self.server = Some(self.environment(&mut command).spawn().unwrap());
    }

    fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
        // What a server that was killed leaves behind keeps the next one from starting.
        let _ = std::fs::remove_dir_all(self.folder.path().join("pulse"));
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.kill();
    }
}

fn sound_server_dies(times: usize) {
    let Some(mut pulse) = Pulse::new() else {
        return;
    };
    let mut command = with_model("run device:stage --only state,gap");
    let mut run = Run::start(pulse.environment(&mut command));
    run.until("running");
    let (held, memory) = (run.held(), resident_mb(run.child.id()));
    let began = Instant::now();
    for death in 1..=times {
        pulse.kill();
        run.until("reconnecting");
        pulse.start();
        run.until("running");
        assert_eq!(run.processes().len(), 1, "after {death} deaths");
        run.all.clear();
    }
    let after = resident_mb(run.child.id());
    println!(
        "{times} deaths in {:.0} s: {held:?} and then {:?} threads and handles, {memory:.1} and then {after:.1} MB",
        began.elapsed().as_secs_f64(),
        run.held()
    );
    assert_eq!(run.held(), held);
    assert!(after < memory + 5.0, "{memory} MB, then {after} MB");
    run.end();
}

#[test]
fn the_death_of_a_sound_server_leaves_nothing_behind() {
    sound_server_dies(2);
}

#[test]
fn what_capture_processes_print_again_and_again_is_passed_on_once() {
    // The loader of every process complains.
    let mut command = with_model("run device:nosuch --only state");
    command
        .env("LD_PRELOAD", "/nonexistent.so")
        .stderr(Stdio::piped());
    let mut run = Run::start(&mut command);
    let errors = run.child.stderr.take().unwrap();
    run.until("waiting");
    for _ in 0..3 {
        let (start, first) = (Instant::now(), run.processes());
        signal(first[0], libc::SIGKILL);
        while run.processes() == first || run.processes().is_empty() {
            assert!(start.elapsed() < PATIENCE, "no other process");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    run.end();
    let lines = BufReader::new(errors).lines().map(Result::unwrap);
    let complaints = lines.filter(|line| line.contains("/nonexistent.so"));
    assert_eq!(complaints.count(), 2, "of the daemon and of the others");
}

#[test]
fn of_many_different_lines_of_a_capture_process_it_is_said_that_the_last_are_left_out() {
    let objects: Vec<String> = (0..100).map(|n| format!("/nonexistent-{n}.so")).collect();
    let mut command = with_model("run device:nosuch --only state");
    command
        .env("LD_PRELOAD", objects.join(":"))
        .stderr(Stdio::piped());
    let mut run = Run::start(&mut command);
    let errors = run.child.stderr.take().unwrap();
    run.until("waiting");
    run.end();
    let lines: Vec<String> = BufReader::new(errors).lines().map(Result::unwrap).collect();
    let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!(
        count("/nonexistent-"),
        100 + 64,
        "of the daemon and of the capture process"
    );
    assert_eq!(count("further ones are left out"), 1);
}
