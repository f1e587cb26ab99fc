//! A client that sends exactly the bytes it is told to.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// A connection on which every byte is the test's own. Blocking: use it from `spawn_blocking`.
pub struct Raw {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl RawAnswer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|h| h.1)
    }
}

impl Raw {
    pub fn over(stream: TcpStream) -> Self {
        Self { stream, unread: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// The next answer on this connection.
    pub fn answer(&mut self) -> io::Result<RawAnswer> {
        let answer = self.head()?;
        let mut body = vec![0; answer.header("content-length").map_or(0, |length| length.parse().unwrap())];
        self.read_exact(&mut body)?;
        Ok(RawAnswer { body, ..answer })
    }

    /// The head of the next answer; its body is still to be read.
    pub fn head(&mut self) -> io::Result<RawAnswer> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let mut block = [0; 16 << 10];
            match self.stream.read(&mut block) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.unread.extend_from_slice(&block[..count]),
                // A child of the test has ended, which it is told by a signal.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(RawAnswer { status, head, body: Vec::new() })
    }

    /// As many bytes as `buffer` has room for.
    pub fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let ready = buffer.len().min(self.unread.len());
        buffer[..ready].copy_from_slice(&self.unread[..ready]);
        self.unread.drain(..ready);
        self.stream.read_exact(&mut buffer[ready..])
    }
}
