//! HTTP over TLS with the program's own certificate.

use std::io::{Read as _, Write as _};
use std::path::Path;

use vocald_client::{Action, Address, Client, ClientError, Subscription};

use crate::support::daemon::{DEMO, Daemon, PATIENCE};
use crate::support::program::{run, with_model};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls");

fn file(name: &str) -> String {
    Path::new(FOLDER).join(name).display().to_string()
}

#[test]
fn a_client_that_trusts_the_certificate_gets_messages_and_others_are_told_why_not() {
    let daemon = Daemon::playing(30.0, |command| {
        command
            .env("VOCALD_TOKEN", "open sesame")
            .args(["--tls-cert", &file("localhost.pem")])
            .args(["--tls-key", &file("localhost.key")]);
    });
    let address: Address = format!("https://{}", daemon.http).parse().unwrap();
    let address = address.with_token("open sesame");
    let certificate = std::fs::read(file("localhost.pem")).unwrap();
    let trusting = address.clone().with_ca(certificate);
    let client = Client::connect(&trusting).unwrap();
    assert_eq!(client.hello().model, "untrained");
    let mut messages = client.subscribe(Subscription::everything()).unwrap();
    for _ in 0..5 {
        messages.next().unwrap().unwrap();
    }
    match Client::connect(&address.with_ca(*b"no certificate")).err() {
        Some(ClientError::Tls { reason, .. }) => {
            assert!(reason.contains("no certificate"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
    // What does not use TLS gets no answer in clear.
    let mut plain = std::net::TcpStream::connect(&daemon.http).unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut response = Vec::new();
    let _ = plain.read_to_end(&mut response);
    assert!(!response.starts_with(b"HTTP"), "{response:?}");
    daemon.interrupted_ends_well();
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_at_the_start() {
    for (key, reason) in [
        ("other.key", "no key of"),
        ("localhost.pem", "no private key in it"),
        ("nothing.key", "No such file"),
    ] {
        let mut command = with_model("run --http 127.0.0.1:0");
        command
            .arg(DEMO)
            .args(["--tls-cert", &file("localhost.pem")])
            .args(["--tls-key", &file(key)]);
        let output = run(&mut command);
        assert_ne!(output.code, Some(0));
        assert!(output.err.contains(reason), "{key}: {}", output.err);
    }
}

#[test]
fn a_certificate_that_is_renewed_is_used_without_a_restart_and_a_damaged_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let install = |pair: &str| {
        std::fs::copy(file(&format!("{pair}.pem")), &cert).unwrap();
        std::fs::copy(file(&format!("{pair}.key")), &key).unwrap();
    };
    install("localhost");
    let daemon = Daemon::playing(600.0, |command| {
        command
            .arg("--tls-cert")
            .arg(&cert)
            .arg("--tls-key")
            .arg(&key);
    });
    let address: Address = format!("https://{}", daemon.http).parse().unwrap();
    let trusts = |pair: &str| {
        let certificate = std::fs::read(file(&format!("{pair}.pem"))).unwrap();
        Client::connect(&address.clone().with_ca(certificate))
    };
    let mut client = trusts("localhost").unwrap();
    assert!(trusts("other").is_err());
    // The key is still the old one's: the two do not belong together, and the old pair stays in use.
    std::fs::copy(file("other.pem"), &cert).unwrap();
    assert!(trusts("localhost").is_ok());
    install("other");
    let start = std::time::Instant::now();
    while trusts("other").is_err() {
        assert!(start.elapsed() < PATIENCE, "it is never read again");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(trusts("localhost").is_err());
    // Who is connected stays.
    assert!(client.request(Action::Get { stream: None }).unwrap().ok);
    daemon.interrupted_ends_well();
}
