//! One request on a connection of its own, byte for byte as the table has it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use super::table::Request;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Zero when there was none.
    pub status: u16,
    /// Names in lower case, sorted.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// How often it is asked whether something has come about, and how long it waits between.
const TRIES: (u32, Duration) = (100, Duration::from_millis(100));

/// The property of an image on which something goes on.
const UNDER_WAY: &[u8] = b"os_glance_import_task";

/// The answer to `request`, once it says that its status is the one that is waited for, where one is.
pub fn ask_until(address: SocketAddr, request: &Request, headers: &[(String, String)]) -> Answer {
    let Some(status) = request.method.strip_prefix("UNTIL:") else {
        return ask(address, request, headers);
    };
    let get = Request { method: "GET".to_owned(), ..request.clone() };
    let wanted = format!("\"status\":\"{status}\"").into_bytes();
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|here| here == part);
    let mut answer = ask(address, &get, headers);
    for _ in 0..TRIES.0 {
        let text: Vec<u8> = answer.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        if has(&text, &wanted) && !has(&text, UNDER_WAY) {
            break;
        }
        sleep(TRIES.1);
        answer = ask(address, &get, headers);
    }
    answer
}

/// Sends `request` with `headers` before its own, and reads until the server closes.
fn ask(address: SocketAddr, request: &Request, headers: &[(String, String)]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (head, body) = serialised(request, headers);
    // A server that answers early may close before everything is sent: what it said is read all the same.
    let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    parsed(&bytes).unwrap_or_else(|| Answer {
        status: 0,
        headers: Vec::new(),
        body: format!("no answer: {sent:?}, {read:?}").into_bytes(),
    })
}

fn serialised(request: &Request, usual: &[(String, String)]) -> (String, Vec<u8>) {
    let mut headers: Vec<(String, String)> = usual.to_vec();
    for (name, value) in &request.headers {
        headers.retain(|(there, _)| !there.eq_ignore_ascii_case(name));
        headers.extend(value.as_ref().map(|value| (name.clone(), value.clone())));
    }
    let has = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let chunked = has("transfer-encoding");
    let body = request.body.clone().unwrap_or_default();
    if !chunked && !has("content-length") && request.body.is_some() {
        headers.push(("Content-Length".into(), body.len().to_string()));
    }
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let line = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", request.method, request.path);
    let head = line + &lines.concat() + "\r\n";
    let body = match chunked {
        true if body.is_empty() => b"0\r\n\r\n".to_vec(),
        true => [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat(),
        false => body,
    };
    (head, body)
}

fn parsed(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut headers: Vec<(String, String)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    headers.sort();
    let mut body = bytes[end + 4..].to_vec();
    if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        body = without_chunks(&body)?;
    }
    Some(Answer { status, headers, body })
}

fn without_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend(rest.get(line + 2..line + 2 + length)?);
        rest = rest.get(line + 4 + length..)?;
    }
}
