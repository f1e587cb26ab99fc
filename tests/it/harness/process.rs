//! The real program as a process of its own, to be killed, and a plain client for it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::raw::{Raw, RawAnswer};

/// How long a start or an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// `glint serve` on a port of its own.
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// Starts it on the data in `folder`, and waits until it listens.
    pub fn start(folder: &Path) -> Self {
        Self::serve("--data-dir", folder, folder)
    }

    /// Starts it with what `option` names, logging into `folder`, and waits until it listens.
    pub fn serve(option: &str, named: &Path, folder: &Path) -> Self {
        Self::serve_with(option, named, folder, &[])
    }

    /// The same with more arguments.
    pub fn serve_with(option: &str, named: &Path, folder: &Path, arguments: &[&str]) -> Self {
        Self::serve_in(&[], option, named, folder, arguments)
    }

    /// The same with more in its environment.
    pub fn serve_in(
        environment: &[(&str, &str)],
        option: &str,
        named: &Path,
        folder: &Path,
        arguments: &[&str],
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_glint"))
            .args(["serve", "--listen", "127.0.0.1:0", option])
            .arg(named)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(fs::File::options().append(true).create(true).open(folder.join("log")).unwrap()))
            .spawn()
            .unwrap();
        let mut address = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((_, place)) = line.strip_prefix("image service:  ").and_then(|url| url.split_once("://")) {
                address = Some(place.parse().unwrap());
                break;
            }
        }
        Self { child, address: address.expect("it says where it listens") }
    }

    pub fn connect(&self) -> Raw {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Raw::over(stream)
    }

    /// One request on a connection of its own.
    pub fn ask(&self, token: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> RawAnswer {
        let token = token.map_or_else(String::new, |token| format!("X-Auth-Token: {token}\r\n"));
        let body = body.map_or_else(String::new, Value::to_string);
        let length = body.len();
        let mut raw = self.connect();
        raw.send(format!("{method} {path} HTTP/1.1\r\nHost: t\r\n{token}Content-Length: {length}\r\n\r\n{body}"))
            .unwrap();
        raw.answer().unwrap()
    }

    /// A token of the first user, with the password that the data directory keeps.
    pub fn log_in(&self, folder: &Path) -> String {
        let clouds = fs::read_to_string(folder.join("clouds.yaml")).unwrap();
        let password = clouds.lines().find_map(|line| line.trim().strip_prefix("password: ")).unwrap();
        let password = password.trim_matches(['\'', '"']);
        let domain = json!({"id": "default"});
        let body = json!({"auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": "demo", "domain": domain, "password": password}},
            },
            "scope": {"project": {"name": "demo", "domain": domain}},
        }});
        let answer = self.ask(None, "POST", "/identity/v3/auth/tokens", Some(&body));
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        answer.header("x-subject-token").unwrap().to_owned()
    }
}

/// `kill -9`: no guard in the process runs, no buffer is written.
impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Sends `length` bytes of a repeating block as an image's data; what the server said, if it lived to say something.
pub fn upload(raw: &mut Raw, token: &str, id: &str, block: &[u8], length: u64) -> std::io::Result<RawAnswer> {
    raw.send(format!(
        "PUT /v2/images/{id}/file HTTP/1.1\r\nHost: t\r\nX-Auth-Token: {token}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    ))?;
    let mut left = length;
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        raw.stream.write_all(&block[..size])?;
        left -= size as u64;
    }
    raw.answer()
}

/// Reads the data of an image to its end; how many bytes, and whether all are `block` over and over.
pub fn download(raw: &mut Raw, token: &str, id: &str, block: &[u8]) -> (u64, bool) {
    raw.send(format!("GET /v2/images/{id}/file HTTP/1.1\r\nHost: t\r\nX-Auth-Token: {token}\r\n\r\n")).unwrap();
    let head = raw.head().unwrap();
    assert_eq!(head.status, 200);
    let length: u64 = head.header("content-length").unwrap().parse().unwrap();
    let (mut read, mut same) = (0, true);
    let mut buffer = vec![0; block.len()];
    while read < length {
        let size = usize::try_from(length - read).unwrap_or(usize::MAX).min(block.len());
        raw.read_exact(&mut buffer[..size]).unwrap();
        same &= buffer[..size] == block[..size];
        read += size as u64;
    }
    (read, same)
}
