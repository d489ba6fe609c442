//! `vocald_client` against the built program, and against servers that mean no good.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use vocald_client::message::StreamState;
use vocald_client::{
    Address, Client, ClientError, Message, MessageType, Reconnecting, Subscription, Update,
};

use crate::support::daemon::{DEMO, Daemon, PATIENCE};
use crate::support::program;
use crate::support::program::{send_signal, vocald, wav, with_model};

fn unix(daemon: &Daemon) -> Address {
    Address::unix(daemon.unix.clone())
}

fn tcp(daemon: &Daemon) -> Address {
    format!("tcp:{}", daemon.tcp).parse().unwrap()
}

fn http(daemon: &Daemon) -> Address {
    format!("http://{}/", daemon.http).parse().unwrap()
}

/// All that comes until the daemon closes the connection.
fn collect(address: &Address, expected: Subscription) -> JoinHandle<Vec<Message>> {
    let messages = Client::connect(address)
        .unwrap()
        .subscribe(expected)
        .unwrap();
    std::thread::spawn(move || messages.collect::<Result<_, _>>().unwrap())
}

fn seqs(messages: &[Message]) -> Vec<u64> {
    let seq = |message: &Message| match message {
        Message::Decision(decision) => Some(decision.seq),
        _ => None,
    };
    messages.iter().filter_map(seq).collect()
}

fn types(messages: &[Message]) -> Vec<MessageType> {
    let mut types: Vec<_> = messages.iter().filter_map(MessageType::of).collect();
    types.dedup();
    types
}

/// The demo clip with the network that is built in: there are voices in it.
#[test]
fn every_way_yields_what_was_chosen_in_order() {
    let mut command = vocald("run --device cpu --pace realtime --duration 5");
    command.arg(DEMO);
    let daemon = Daemon::start(command);
    let ways = [unix(&daemon), tcp(&daemon), http(&daemon)];
    let all = ways.each_ref().map(|a| collect(a, Subscription::default()));
    let voices = Subscription::default().with_types(vec![MessageType::Onset, MessageType::Offset]);
    let voices = ways.each_ref().map(|a| collect(a, voices.clone()));
    let levels = Subscription::everything()
        .with_types(vec![MessageType::Level])
        .with_streams(vec![DEMO.into()])
        .with_rate(2.0);
    let levels = collect(&http(&daemon), levels);
    let elsewhere = Subscription::everything().with_streams(vec!["elsewhere".into()]);
    let elsewhere = collect(&unix(&daemon), elsewhere);

    let all = all.map(|thread| thread.join().unwrap());
    for messages in &all {
        let Message::Hello(hello) = &messages[0] else {
            panic!("{:?}", messages[0])
        };
        assert_eq!(hello.streams[0].stream, DEMO);
        assert!(hello.thresholds.is_some());
        let seqs = seqs(messages);
        assert!(seqs.len() > 45, "{}", seqs.len());
        assert!(
            seqs.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{seqs:?}"
        );
        assert!(!types(messages).contains(&MessageType::Level));
        let Some(Message::State(last)) = messages.last() else {
            panic!("{:?}", messages.last())
        };
        assert_eq!(last.state, StreamState::Ended);
    }
    let sung = |messages: &[Message]| -> Vec<Message> {
        let of = |m: &&Message| matches!(m, Message::Onset(_) | Message::Offset(_));
        messages.iter().filter(of).cloned().collect()
    };
    assert!(sung(&all[0]).len() >= 2, "{:?}", sung(&all[0]));
    for voices in voices.map(|thread| thread.join().unwrap()) {
        assert!(matches!(voices[0], Message::Hello(_)));
        assert_eq!(voices[1..], sung(&all[0]));
    }
    let levels = levels.join().unwrap();
    assert_eq!(types(&levels), [MessageType::Level]);
    assert!(
        (5..13).contains(&levels.len()),
        "two a second of 5 s: {}",
        levels.len()
    );
    let elsewhere = elsewhere.join().unwrap();
    assert_eq!(elsewhere.len(), 1, "only hello: {elsewhere:?}");
}

#[test]
fn a_daemon_that_is_killed_and_started_anew_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 60.0);
    let socket = folder.path().join("vocald.sock");
    let start = || {
        let mut command = with_model("run --pace realtime");
        command.arg(&song);
        Daemon::start_on(command, &socket)
    };
    let first = start();
    let mut updates = Reconnecting::new(unix(&first), Subscription::default());
    let until = |updates: &mut Reconnecting, done: fn(&Update) -> bool| {
        let begun = Instant::now();
        loop {
            let update = updates.next().unwrap();
            if done(&update) {
                return update;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not come");
        }
    };
    assert!(matches!(updates.next(), Some(Update::Connected)));
    assert!(matches!(
        updates.next(),
        Some(Update::Message(Message::Hello(_)))
    ));
    let is_decision = |u: &Update| matches!(u, Update::Message(Message::Decision(_)));
    until(&mut updates, is_decision);
    // SIGKILL: the socket stays behind, and no good-bye is sent.
    send_signal(&first.child, libc::SIGKILL);
    let gone = until(&mut updates, |u| matches!(u, Update::Disconnected { .. }));
    let Update::Disconnected { retry_in, .. } = gone else {
        unreachable!()
    };
    assert_eq!(retry_in, Duration::from_millis(250));
    drop(first);
    let Some(Update::Disconnected { reason, retry_in }) = updates.next() else {
        panic!("nobody is there")
    };
    assert!(
        matches!(reason, ClientError::Unreachable { .. }),
        "{reason}"
    );
    assert_eq!(
        retry_in,
        Duration::from_millis(500),
        "each attempt waits longer"
    );
    let _second = start();
    until(&mut updates, |u| matches!(u, Update::Connected));
    assert!(matches!(
        updates.next(),
        Some(Update::Message(Message::Hello(_)))
    ));
    let Update::Message(Message::Decision(decision)) = until(&mut updates, is_decision) else {
        unreachable!()
    };
    assert!(
        decision.t < 50.0,
        "the new daemon's own time: {}",
        decision.t
    );
}

#[test]
fn a_token_is_shown_where_one_is_demanded() {
    let daemon = Daemon::playing(30.0, |command| {
        command.env("VOCALD_TOKEN", "open sesame");
    });
    let address = http(&daemon);
    let refused = Client::connect(&address).err().unwrap();
    assert!(
        matches!(refused, ClientError::Http { status: 401, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("token"), "{refused}");
    let wrong = address.clone().with_token("open barley");
    assert!(Client::connect(&wrong).is_err());
    assert!(Client::connect(&address.clone().with_token("open sesame")).is_ok());
    let in_query: Address = format!("{address}?token=open%20sesame").parse().unwrap();
    assert!(Client::connect(&in_query).is_ok());
}

const HELLO: &str = r#"{"type":"hello","v":1,"stream":"*","version":"1","model":"m","device":"cpu","horizons":[0.1],"lookahead":0.1,"hop":0.07,"streams":[]}"#;

/// A server for one client, which first receives `sends` and then whatever `then` does.
fn server(
    sends: impl Into<Vec<u8>>,
    then: impl FnOnce(std::net::TcpStream) + Send + 'static,
) -> Address {
    let sends = sends.into();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The client may have gone by then, which is what it should do.
        let _ = stream.write_all(&sends);
        then(stream);
    });
    Address::tcp("127.0.0.1", port)
}

/// Listens for as long as the client is there.
fn listen(mut stream: std::net::TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

fn received(address: &Address) -> Vec<Result<Message, ClientError>> {
    let client = Client::connect(address).unwrap();
    client.subscribe(Subscription::default()).unwrap().collect()
}

#[test]
fn garbage_in_place_of_hello_is_an_error_at_once() {
    for garbage in ["SSH-2.0-OpenSSH_9.2p1\r\n", "\n", "{}\n", "\u{fffd}\u{0}\n"] {
        let error = Client::connect(&server(garbage, listen)).err().unwrap();
        assert!(matches!(error, ClientError::Malformed(_)), "{error}");
    }
    let error = Client::connect(&server(b"\xff\xfe\n", listen))
        .err()
        .unwrap();
    assert!(matches!(error, ClientError::Malformed(_)), "{error}");
    let error = Client::connect(&server(
        format!("{HELLO}\n").replace("\"v\":1", "\"v\":2"),
        listen,
    ));
    assert!(matches!(error.err().unwrap(), ClientError::Version(2)));
    let error = Client::connect(&server("", drop)).err().unwrap();
    assert!(
        matches!(error, ClientError::Closed | ClientError::Broken(_)),
        "{error}"
    );
    let full = r#"{"type":"refused","v":1,"stream":"*","reason":"there are 1 clients already"}"#;
    let error = Client::connect(&server(format!("{full}\n"), listen))
        .err()
        .unwrap();
    assert!(
        matches!(&error, ClientError::Refused(why) if why.contains("clients")),
        "{error}"
    );
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = Client::connect(&Address::tcp("127.0.0.1", nobody.port()))
        .err()
        .unwrap();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
}

#[test]
fn a_server_that_says_nothing_or_a_byte_a_second_is_given_up() {
    let trickle = |mut stream: std::net::TcpStream| {
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(300));
        }
    };
    let silent = server("", listen);
    let slow = server("", trickle);
    let silent_web = server("", listen);
    let slow_web = server("HTTP/1.1 101 ", trickle);
    let web = |address: &Address| -> Address {
        address
            .to_string()
            .replace("tcp:", "http://")
            .parse()
            .unwrap()
    };
    let attempts = [silent, slow, web(&silent_web), web(&slow_web)].map(|address| {
        std::thread::spawn(move || {
            let begun = Instant::now();
            (Client::connect(&address).err().unwrap(), begun.elapsed())
        })
    });
    for attempt in attempts {
        let (error, waited) = attempt.join().unwrap();
        assert!(matches!(error, ClientError::NoHello { .. }), "{error}");
        assert!(waited < Duration::from_secs(30), "{waited:?}");
    }
}

#[test]
fn what_breaks_off_after_hello_is_an_error_and_then_the_end() {
    let known = r#"{"type":"state","v":1,"stream":"hall","state":"running"}"#;
    let newer = r#"{"type":"applause","v":1,"stream":"hall","loud":true}"#;
    let sends = |rest: &str| format!("{HELLO}\n{newer}\n{known}\n{rest}");
    // A new type is passed over; a clean end is no error.
    let close = |stream: std::net::TcpStream| {
        // What the client sends is taken, or the end would be a reset.
        let _ = BufReader::new(&stream).read_line(&mut String::new());
    };
    let messages = received(&server(sends(""), close));
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages.iter().all(Result::is_ok), "{messages:?}");

    let cut = received(&server(sends(&known[..20]), close));
    assert!(
        matches!(cut[..], [Ok(_), Ok(_), Err(ClientError::CutOff)]),
        "{cut:?}"
    );
    let garbage = received(&server(sends("<html>\n"), listen));
    assert!(
        matches!(garbage[2], Err(ClientError::Malformed(_))),
        "{garbage:?}"
    );
    assert_eq!(garbage.len(), 3);
    let lacking = received(&server(
        sends("{\"type\":\"onset\",\"v\":1,\"stream\":\"hall\"}\n"),
        listen,
    ));
    assert!(
        matches!(lacking[2], Err(ClientError::Malformed(_))),
        "{lacking:?}"
    );
    let refused = r#"{"type":"refused","v":1,"stream":"*","reason":"no"}"#;
    let refused = received(&server(sends(&format!("{refused}\n")), listen));
    assert!(
        matches!(refused[2], Err(ClientError::Refused(_))),
        "{refused:?}"
    );
}

#[test]
fn a_line_without_end_is_given_up_before_it_fills_the_memory() {
    let flood = |mut stream: std::net::TcpStream| {
        let piece = [b'x'; 65536];
        let mut sent = 0u64;
        while stream.write_all(&piece).is_ok() {
            sent += piece.len() as u64;
            assert!(sent < 100 << 20, "the client takes whatever comes");
        }
    };
    let error = Client::connect(&server("", flood)).err().unwrap();
    assert!(matches!(error, ClientError::TooLong { .. }), "{error}");
    let messages = received(&server(format!("{HELLO}\n"), flood));
    assert!(
        matches!(messages[..], [Ok(_), Err(ClientError::TooLong { .. })]),
        "{messages:?}"
    );
}

/// A WebSocket server for one client.
fn web_server(
    then: impl FnOnce(&mut tungstenite::WebSocket<std::net::TcpStream>) + Send + 'static,
) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(tungstenite::Message::text(HELLO)).unwrap();
        then(&mut socket);
    });
    format!("http://127.0.0.1:{port}").parse().unwrap()
}

#[test]
fn a_websocket_that_misbehaves_is_an_error_and_then_the_end() {
    let huge = received(&web_server(|socket| {
        let _ = socket.send(tungstenite::Message::text("x".repeat(2 << 20)));
        let _ = socket.read();
    }));
    assert!(
        matches!(huge[..], [Ok(_), Err(ClientError::TooLong { .. })]),
        "{huge:?}"
    );
    let garbage = received(&web_server(|socket| {
        let _ = socket.send(tungstenite::Message::text("<html>"));
        while socket.read().is_ok() {}
    }));
    assert!(
        matches!(garbage[..], [Ok(_), Err(ClientError::Malformed(_))]),
        "{garbage:?}"
    );
    // Gone without a good-bye.
    let cut = received(&web_server(|socket| drop(socket.read())));
    assert!(
        matches!(
            cut[..],
            [Ok(_), Err(ClientError::CutOff | ClientError::Broken(_))]
        ),
        "{cut:?}"
    );
    // A page that is no daemon's.
    let page = "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nnothing here";
    let address: Address = server(page, listen)
        .to_string()
        .replace("tcp:", "http://")
        .parse()
        .unwrap();
    let error = Client::connect(&address).err().unwrap();
    assert!(
        matches!(error, ClientError::Http { status: 404, .. }),
        "{error}"
    );
}

#[test]
fn watch_says_in_a_sentence_what_it_needs() {
    let output = program::run(&mut vocald("watch"));
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("socat") && output.err.contains("vocald run"),
        "{}",
        output.err
    );
    assert_eq!(output.out, "");
    let output = program::run(&mut vocald("watch ftp://desk"));
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("no address of a daemon"),
        "{}",
        output.err
    );
}
