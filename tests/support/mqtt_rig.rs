//! Debian's mosquitto on a port of its own, somebody who reads along, and a way to the broker that can be cut.

use std::io::Write as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rumqttc::{Event, MqttOptions, Packet, QoS};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// The path of the program; `None`, with a line about what is skipped, where there is none.
pub fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Servers are in sbin, which not everybody has in their path.
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let there = folders.map(|f| f.join(program)).find(|p| p.is_file());
    if there.is_none() {
        println!("skipped: there is no {program} here");
    }
    there
}

pub fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// A broker that keeps nothing when it ends. Dropping it kills it.
pub struct Mosquitto {
    child: Child,
}

impl Mosquitto {
    /// `settings`: lines of its configuration, listeners among them; the first is on `port`.
    pub fn start(program: &Path, folder: &Path, settings: &str, port: u16) -> Self {
        let file = folder.join(format!("mosquitto-{port}.conf"));
        // Root becomes somebody else otherwise, who may not read the test's files.
        std::fs::write(&file, format!("user root\nlog_dest none\n{settings}")).unwrap();
        let child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut broker = Self { child };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(broker.child.try_wait().unwrap(), None, "it has ended");
            assert!(Instant::now() < deadline, "nobody listens on {port}");
            std::thread::sleep(Duration::from_millis(10));
        }
        broker
    }

    /// One that anybody may enter.
    pub fn open(program: &Path, folder: &Path, port: u16) -> Self {
        let settings = format!("listener {port} 127.0.0.1\nallow_anonymous true\n");
        Self::start(program, folder, &settings, port)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message as a subscriber gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// It was there before the subscriber came.
    pub retained: bool,
    pub topic: String,
    pub payload: String,
}

/// Gets everything that is published, until it is dropped; but not the clients' lists of their retained topics.
pub struct Reader {
    client: rumqttc::Client,
    received: Receiver<Received>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.client.try_disconnect();
    }
}

impl Reader {
    /// Returns once the broker has it on its list.
    pub fn subscribe(port: u16) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let id = format!("reader-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let options = MqttOptions::new(id, "127.0.0.1", port);
        let (client, mut connection) = rumqttc::Client::new(options, 10);
        client.subscribe("#", QoS::AtLeastOnce).unwrap();
        let (send, received) = channel();
        let (ready, subscribed) = channel();
        std::thread::spawn(move || {
            let mut connected = false;
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        connected = true;
                        let _ = ready.send(());
                    }
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        if publish.topic.ends_with("/retained") {
                            continue;
                        }
                        let message = Received {
                            retained: publish.retain,
                            topic: publish.topic,
                            payload: String::from_utf8(publish.payload.to_vec()).unwrap(),
                        };
                        if send.send(message).is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    // A broker that has just been started may not listen on every port yet.
                    Err(_) if !connected => std::thread::sleep(Duration::from_millis(50)),
                    Err(_) => return,
                }
            }
        });
        subscribed.recv_timeout(PATIENCE).unwrap();
        Self { client, received }
    }

    pub fn next(&self) -> Received {
        self.received.recv_timeout(PATIENCE).unwrap()
    }

    /// Everything up to a message on `topic` with `payload`, it included.
    pub fn until(&self, topic: &str, payload: &str) -> Vec<Received> {
        let mut all = Vec::new();
        loop {
            let Ok(message) = self.received.recv_timeout(PATIENCE) else {
                panic!("no {topic} {payload} after {all:#?}");
            };
            let last = message.topic == topic && message.payload == payload;
            all.push(message);
            if last {
                return all;
            }
        }
    }
}

/// A port that leads to another, as long as it is open.
pub struct Bridge {
    pub port: u16,
    to: u16,
    open: Option<Way>,
}

struct Way {
    closed: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    thread: std::thread::JoinHandle<()>,
}

impl Bridge {
    pub fn to(to: u16) -> Self {
        let mut bridge = Self {
            port: free_port(),
            to,
            open: None,
        };
        bridge.restore();
        bridge
    }

    pub fn restore(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        let (closed, streams) = (Arc::default(), Arc::default());
        let thread = std::thread::spawn({
            let (closed, streams) = (Arc::clone(&closed), Arc::clone(&streams));
            let to = self.to;
            move || lead(&listener, to, &closed, &streams)
        });
        self.open = Some(Way {
            closed,
            streams,
            thread,
        });
    }

    /// Whoever is on it falls, and nobody can enter.
    pub fn cut(&mut self) {
        let Some(way) = self.open.take() else { return };
        way.closed.store(true, Ordering::SeqCst);
        // Wakes the one who waits for others to come.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        way.thread.join().unwrap();
        for stream in way.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.cut();
    }
}

fn lead(listener: &TcpListener, to: u16, closed: &AtomicBool, streams: &Mutex<Vec<TcpStream>>) {
    for near in listener.incoming() {
        if closed.load(Ordering::SeqCst) {
            return;
        }
        let near = near.unwrap();
        let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else {
            continue;
        };
        let copy = |from: &TcpStream, to: &TcpStream| {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.flush();
                let _ = to.shutdown(Shutdown::Both);
            });
        };
        copy(&near, &far);
        copy(&far, &near);
        streams.lock().unwrap().extend([near, far]);
    }
}
