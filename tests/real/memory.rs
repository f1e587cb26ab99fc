//! What requests cost in memory: eight gibibytes in and out no more than a few, and hostile JSON not much either.

use serde_json::{Value, json};

use crate::process::{Process, download, upload};

/// The size of the image, in bytes.
const SIZE: u64 = 8 << 30;
/// The most memory that the process may ever hold, in KiB.
const PEAK_KIB: u64 = 64 << 10;
/// The same, while four clients at a time send JSON as large as may be.
const HOSTILE_PEAK_KIB: u64 = 192 << 10;

#[test]
#[expect(clippy::print_stdout, reason = "the figure is worth reading even when it is good")]
fn eight_gibibytes_in_and_out() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let token = process.log_in(folder.path());
    let new = json!({"disk_format": "raw", "container_format": "bare"});
    let created = process.ask(Some(&token), "POST", "/v2/images", Some(&new));
    let image: Value = serde_json::from_slice(&created.body).unwrap();
    let id = image["id"].as_str().unwrap();
    let block: Vec<u8> = (0..1 << 20).map(|at: u32| at.wrapping_mul(0x9E37_79B9).to_be_bytes()[0]).collect();

    let answer = upload(&mut process.connect(), &token, id, &block, SIZE).unwrap();
    assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
    let after_upload = peak_kib(&process);
    assert_eq!(download(&mut process.connect(), &token, id, &block), (SIZE, true));
    let after_download = peak_kib(&process);
    assert!(after_download < PEAK_KIB, "{after_upload} KiB after the upload, {after_download} KiB after the download");
    println!("peak resident memory: {after_upload} KiB after the upload, {after_download} KiB after the download");
    assert_eq!(process.ask(Some(&token), "DELETE", &format!("/v2/images/{id}"), None).status, 204);
}

/// Bodies at the bound, or far beyond it, made to cost as much as they can, from four clients at a time.
#[test]
#[expect(clippy::print_stdout, reason = "the figure is worth reading even when it is good")]
fn hostile_json() {
    const LONGEST: usize = 10 << 20;
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let token = process.log_in(folder.path());
    let filled = |unit: &str| unit.repeat((LONGEST - 2) / unit.len());
    let bodies = [
        (format!("[{}1]", filled("1,")), 413),
        (format!("[{}{{}}]", filled("{},")), 413),
        (format!("[{}[]]", filled("[],")), 413),
        (filled("["), 413),
        (filled("{\"a\":"), 413),
        (format!("{{{}\"a\":1}}", filled("\"\":1,")), 413),
        (format!("[\"{}\"]", filled("\\n").trim_end_matches('\\').get(..LONGEST - 64).unwrap()), 400),
        (format!("[{}1]", "1,".repeat(90_000)), 400),
        (" ".repeat(64 << 20), 413),
        ("[1, 2, 3".repeat(8 << 20), 413),
    ];
    for (body, status) in &bodies {
        std::thread::scope(|clients| {
            for _ in 0..4 {
                clients.spawn(|| {
                    let mut raw = process.connect();
                    let length = body.len();
                    let head = format!("POST /v2/images HTTP/1.1\r\nHost: t\r\nX-Auth-Token: {token}\r\n");
                    raw.send(format!("{head}Content-Length: {length}\r\n\r\n")).unwrap();
                    raw.send(body).unwrap();
                    let answer = raw.answer().unwrap();
                    assert_eq!(answer.status, *status, "{}…: {}", &body[..20], String::from_utf8_lossy(&answer.body));
                });
            }
        });
    }
    let peak = peak_kib(&process);
    assert!(peak < HOSTILE_PEAK_KIB, "{peak} KiB");
    println!("peak resident memory: {peak} KiB with hostile JSON");
}

/// The most memory that the process ever held, in KiB.
fn peak_kib(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
