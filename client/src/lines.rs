//! JSON lines on a Unix socket or TCP.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use crate::ClientError;
use crate::client::{MESSAGE_BYTES_MAX, Transport};
use crate::socket::TimedSocket;

pub fn open(socket: TimedSocket) -> Lines {
    Lines {
        reader: BufReader::new(socket),
    }
}

pub struct Lines {
    reader: BufReader<TimedSocket>,
}

impl Transport for Lines {
    fn send(&mut self, text: &str) -> Result<(), ClientError> {
        let sent = self.socket().write_all(format!("{text}\n").as_bytes());
        match sent {
            // The daemon has closed the connection; its reason can still be read.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    fn next(&mut self) -> Result<Option<String>, ClientError> {
        let mut line = Vec::new();
        let most = MESSAGE_BYTES_MAX as u64 + 1;
        match self.reader.by_ref().take(most).read_until(b'\n', &mut line) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                return Err(ClientError::Silent { seconds: 0 });
            }
            read => read?,
        };
        match line.pop() {
            None => Ok(None),
            Some(b'\n') => String::from_utf8(line)
                .map(Some)
                .map_err(|_| ClientError::Malformed("it is not UTF-8".into())),
            Some(_) if line.len() >= MESSAGE_BYTES_MAX => Err(ClientError::TooLong {
                bytes_max: MESSAGE_BYTES_MAX,
            }),
            Some(_) => Err(ClientError::CutOff),
        }
    }

    fn socket(&mut self) -> &mut TimedSocket {
        self.reader.get_mut()
    }

    /// The other end is on this machine, whose kernel reports when it is gone; and a subscription to rare types may
    /// be silent for hours.
    fn silence_max(&self) -> Option<Duration> {
        None
    }
}
