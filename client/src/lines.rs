//! A message a line, on a Unix socket or TCP.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use crate::socket::TimedSocket;
use crate::{ClientError, MESSAGE_BYTES_MAX, Transport};

pub fn open(wire: TimedSocket) -> Lines {
    Lines {
        reader: BufReader::new(wire),
    }
}

pub struct Lines {
    reader: BufReader<TimedSocket>,
}

impl Transport for Lines {
    fn send(&mut self, text: &str) -> Result<(), ClientError> {
        let sent = self.socket().write_all(format!("{text}\n").as_bytes());
        match sent {
            // It has closed, and why can still be read.
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

    /// The other end is on this machine, whose kernel tells when it is gone; and a choice of rare
    /// types is silent for hours.
    fn silence_max(&self) -> Option<Duration> {
        None
    }
}
