//! A server at the other end of the wire that does what a test wants, faults above all: not at all, late, in pieces, wrong.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What came over the wire.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub path: String,
    head: String,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as a form, each of whose fields is JSON.
    pub fn form(&self) -> Value {
        let field = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap();
            // Python writes a space as a plus.
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value).decode_utf8().unwrap();
            (name.to_owned(), serde_json::from_str(&value).unwrap())
        };
        Value::Object(std::str::from_utf8(&self.body).unwrap().split('&').map(field).collect())
    }
}

/// What goes back.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A whole answer: status, further headers (each with its line end), body.
    Answer(u16, String, Vec<u8>),
    /// The same, after a while.
    Late(Duration, u16, String, Vec<u8>),
    /// These bytes, and the end.
    Raw(Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// The end.
    HangUp,
}

/// A listening server; it ends with its value.
pub struct Wire {
    pub address: SocketAddr,
    open: Arc<AtomicUsize>,
    most_open: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl Wire {
    /// Starts one that answers with `answer`.
    pub async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, most_open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let counts = (Arc::clone(&open), Arc::clone(&most_open), Arc::clone(&seen));
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, (open, most_open, seen)) = (Arc::clone(&answer), counts.clone());
                tokio::spawn(async move {
                    let mut stream = stream;
                    while let Some(asked) = read(&mut stream).await {
                        most_open.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        seen.lock().unwrap().push(asked.clone());
                        let goes_on = write(&mut stream, answer(&asked)).await;
                        open.fetch_sub(1, Ordering::SeqCst);
                        if !goes_on {
                            break;
                        }
                    }
                });
            }
        });
        Self { address, open, most_open, seen, accepting }
    }

    /// Everything that came so far.
    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }

    /// Requests that wait for their answer now, and the most there ever were at a time.
    pub fn open(&self) -> (usize, usize) {
        (self.open.load(Ordering::SeqCst), self.most_open.load(Ordering::SeqCst))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut words = head.split(' ').map(str::to_owned);
    let mut asked =
        Asked { method: words.next().unwrap(), path: words.next().unwrap(), head, body: bytes.split_off(end) };
    let length: usize = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    while asked.body.len() < length {
        if stream.read_buf(&mut asked.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(asked)
}

/// Whether the connection goes on.
async fn write(stream: &mut TcpStream, reply: Reply) -> bool {
    match reply {
        Reply::Late(wait, status, headers, body) => {
            tokio::time::sleep(wait).await;
            send(stream, status, &headers, &body).await
        }
        Reply::Answer(status, headers, body) => send(stream, status, &headers, &body).await,
        Reply::Raw(bytes) => {
            // A client that has heard enough may be gone.
            let _ = stream.write_all(&bytes).await;
            false
        }
        Reply::Silence => {
            // Until the other side gives up.
            let _ = stream.read(&mut [0]).await;
            false
        }
        Reply::HangUp => false,
    }
}

async fn send(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> bool {
    let head = format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    let all = [head.as_bytes(), body].concat();
    stream.write_all(&all).await.is_ok()
}
