//! The examples of `docs/clients.md`, run as they stand there against the demo clip. Those whose tool is not
//! installed are named.

use std::net::UdpSocket;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::daemon::{DEMO, Daemon};
use crate::support::mqtt_rig;
use crate::support::mqtt_rig::{Mosquitto, found};
use crate::support::program::vocald;

const DOCS: &str = include_str!("../../docs/clients.md");
/// The demo clip's first onset is at 3 s; starting tools takes a while on a busy machine.
const PATIENCE: Duration = Duration::from_secs(45);

/// A fenced block.
struct Block<'a> {
    /// What stands after the fence: a language, and `needs=` with programs, or `python3:` with a module.
    info: &'a str,
    text: &'a str,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let inside = text.split("```").skip(1).step_by(2);
    let block = |inside| -> Option<Block> {
        let (info, text) = str::split_once(inside, '\n')?;
        Some(Block { info, text })
    };
    inside.filter_map(block).collect()
}

/// An example and what it prints by the page.
struct Example<'a> {
    language: &'a str,
    needs: Vec<&'a str>,
    text: String,
    prints: &'a str,
}

/// Where things are in the test, in place of the page's addresses.
struct Places {
    http: String,
    tcp: String,
    osc: [u16; 2],
    broker: u16,
}

fn examples<'a>(blocks: &'a [Block<'a>], places: &Places) -> Vec<Example<'a>> {
    let (_, http_port) = places.http.rsplit_once(':').unwrap();
    let (_, tcp_port) = places.tcp.rsplit_once(':').unwrap();
    let mut examples = Vec::new();
    for pair in blocks.windows(2) {
        let Some((language, needs)) = pair[0].info.split_once(" needs=") else {
            continue;
        };
        assert_eq!(
            pair[1].info, "text",
            "what {language} prints is shown below it"
        );
        let text = pair[0].text;
        let text = text
            .replace("127.0.0.1:8770", &format!("127.0.0.1:{http_port}"))
            .replace("127.0.0.1 8771", &format!("127.0.0.1 {tcp_port}"))
            .replace("-b 9000", &format!("-b {}", places.osc[0]))
            .replace("9001", &places.osc[1].to_string())
            .replace(
                "mosquitto_sub",
                &format!("mosquitto_sub -p {}", places.broker),
            );
        examples.push(Example {
            language,
            needs: needs.split(',').collect(),
            text,
            prints: pair[1].text,
        });
    }
    examples
}

/// A running example; it goes with all that it started.
struct Running {
    child: Child,
    output: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        // SAFETY: nothing but a system call; the group is the child's own.
        unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        let _ = self.child.wait();
    }
}

impl Example<'_> {
    fn title(&self) -> String {
        format!("{} ({})", self.language, self.needs.join(", "))
    }

    /// What is missing for it.
    fn missing(&self) -> Option<String> {
        let missing = self.needs.iter().find(|need| match need.split_once(':') {
            Some((program, module)) => !succeeds(program, &["-c", &format!("import {module}")]),
            None if **need == "node" => node().is_none(),
            None => found(need).is_none(),
        })?;
        Some((*missing).into())
    }

    fn start(&self, number: usize, folder: &Path) -> Running {
        let file = folder.join(format!("example-{number}.{}", self.language));
        std::fs::write(&file, &self.text).unwrap();
        let output = folder.join(format!("output-{number}"));
        let into = std::fs::File::create(&output).unwrap();
        let line: &[&str] = match self.language {
            "sh" => &["sh"],
            "python" => &["python3"],
            "js" => node().unwrap(),
            "pd" => &["pd", "-nogui", "-noaudio", "-nomidi", "-stderr"],
            "supercollider" => &["sclang"],
            other => panic!("nobody knows how to run {other}"),
        };
        let child = Command::new("timeout")
            .arg("120")
            .args(line)
            .arg(&file)
            .env("XDG_RUNTIME_DIR", folder)
            .stdin(Stdio::null())
            .stdout(into.try_clone().unwrap())
            .stderr(into)
            .process_group(0)
            .spawn()
            .unwrap();
        Running { child, output }
    }
}

/// How to have Node run a program that uses WebSocket; None where it knows none.
fn node() -> Option<&'static [&'static str]> {
    let version = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(version.stdout).ok()?;
    let major: u32 = version.strip_prefix('v')?.split('.').next()?.parse().ok()?;
    match major {
        ..20 => None,
        20..22 => Some(&["node", "--experimental-websocket"]),
        _ => Some(&["node"]),
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let run = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .status();
    run.is_ok_and(|status| status.success())
}

/// A line with its numbers left out: they differ from run to run.
fn shape(line: &str) -> String {
    let mut shape = String::new();
    for c in line.trim().chars() {
        match c {
            '0'..='9' | '.' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            c => shape.push(c),
        }
    }
    shape
}

/// A port that nobody listens on at the moment.
fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

#[test]
fn the_examples_print_what_the_page_says() {
    let blocks = blocks(DOCS);
    let config = blocks.iter().find(|b| b.info == "toml").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hall.toml");
    let input = format!("input = \"{DEMO}\"\npace = \"realtime\"");
    let text = config
        .text
        .replace("input = \"device:USB Audio CODEC\"", &input);
    assert_ne!(text, config.text);
    let port = mqtt_rig::free_port();
    let broker = found("mosquitto");
    let _broker = broker.map(|program| Mosquitto::open(&program, folder.path(), port));
    let text = text.replace("mqtt://127.0.0.1", &format!("mqtt://127.0.0.1:{port}"));
    std::fs::write(&file, text).unwrap();
    let osc = [free_port(), free_port()];
    let mut command = vocald("run --osc 127.0.0.1:57120");
    command.arg("--config").arg(&file);
    for port in osc {
        command.args(["--osc", &format!("127.0.0.1:{port}")]);
    }
    let daemon = Daemon::start(command);
    let places = Places {
        http: daemon.http.clone(),
        tcp: daemon.tcp.clone(),
        osc,
        broker: port,
    };
    let mut running = Vec::new();
    for (number, example) in examples(&blocks, &places).into_iter().enumerate() {
        match example.missing() {
            Some(missing) => println!("not run: {}, {missing} is not here", example.title()),
            None => running.push((example.start(number, daemon.folder()), example)),
        }
    }
    let start = Instant::now();
    for (running, example) in running {
        for line in example.prints.lines() {
            let printed = || std::fs::read_to_string(&running.output).unwrap();
            while !printed().lines().any(|l| shape(l) == shape(line)) {
                assert!(
                    start.elapsed() < PATIENCE,
                    "{} never printed a line like `{line}`, but:\n{}",
                    example.title(),
                    printed()
                );
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        println!("run: {}", example.title());
    }
}
