//! A web server with a few images on it, for locations that lead there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// What is on it; `/broken` is broken, and everything else is not there.
const PAGES: [(&str, &str); 5] =
    [("/four", "four"), ("/other", "other"), ("/first", "first"), ("/nine", "nine"), ("/more", "more and more")];

/// Starts it. It ends with the process.
pub fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(|| answer(stream));
        }
    });
    address
}

/// One request on each connection. A client that goes away has its reasons.
fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut block = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut block) {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(&block[..count]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let page = PAGES.iter().find(|(known, _)| *known == path);
    let (status, text) = match page {
        Some((_, text)) => ("200 OK", *text),
        None if path == "/broken" => ("500 Internal Server Error", ""),
        None => ("404 Not Found", ""),
    };
    let length = text.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    if method != "HEAD" {
        let _ = stream.write_all(text.as_bytes());
    }
}
