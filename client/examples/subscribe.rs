//! Prints the onsets and offsets of a daemon, and connects again when the connection is lost.
//!
//! `cargo run -p vocald-client --example subscribe -- http://127.0.0.1:8770`

use vocald_client::{Address, Message, MessageType, Reconnecting, Subscription, Update};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => Address::default(),
    };
    eprintln!("connecting to {address}");
    let subscription =
        Subscription::default().with_types(vec![MessageType::Onset, MessageType::Offset]);
    for update in Reconnecting::new(address, subscription) {
        match update {
            Update::Connected => eprintln!("connected"),
            Update::Disconnected { reason, retry_in } => {
                eprintln!("{reason}; next attempt in {:.1} s", retry_in.as_secs_f64());
            }
            Update::Message(Message::Onset(onset)) => {
                println!("{:9.3} s  {}: voice begins", onset.t, onset.stream);
            }
            Update::Message(Message::Offset(offset)) => println!(
                "{:9.3} s  {}: voice ends after {:.3} s",
                offset.t, offset.stream, offset.duration
            ),
            Update::Message(_) => {}
        }
    }
    Ok(())
}
