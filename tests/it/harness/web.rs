//! A web server in the test's process that answers as it is told, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A listening server; dropped, it ends.
pub struct Web {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    running: JoinHandle<()>,
}

/// What a server says: the head without its last line break, and the body.
pub struct Says(pub String, pub Vec<u8>);

impl Says {
    /// 200 and these bytes.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", bytes.len()), bytes.to_vec())
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n"), Vec::new())
    }

    /// A redirection.
    pub fn elsewhere(status: u16, url: &str) -> Self {
        Self(format!("HTTP/1.1 {status} X\r\nlocation: {url}\r\ncontent-length: 0\r\n"), Vec::new())
    }
}

impl Web {
    /// A server whose answers `answer` gives, from the path.
    pub async fn serve(answer: impl Fn(&str) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (Arc::clone(&asked), Arc::new(answer));
        let running = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                            return;
                        }
                        head.push(byte[0]);
                    }
                    let head = String::from_utf8(head).unwrap();
                    let mut words = head.split(' ');
                    let (method, path) = (words.next().unwrap(), words.next().unwrap());
                    noted.lock().unwrap().push(format!("{method} {path}"));
                    let Says(mut said, body) = answer(path);
                    said.push_str("connection: close\r\n\r\n");
                    let body = if method == "HEAD" { Vec::new() } else { body };
                    // The other side may hang up when it likes.
                    let _ = stream.write_all(&[said.into_bytes(), body].concat()).await;
                });
            }
        });
        Self { address, asked, running }
    }

    /// The URL of `path` there.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked until now, and not told before.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.running.abort();
    }
}
