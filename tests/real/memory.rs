//! Eight gibibytes in and out: what a transfer costs in memory does not depend on its length.

use serde_json::{Value, json};

use crate::process::{Process, download, upload};

/// The size of the image, in bytes.
const SIZE: u64 = 8 << 30;
/// The most memory that the process may ever hold, in KiB.
const PEAK_KIB: u64 = 64 << 10;

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

/// The most memory that the process ever held, in KiB.
fn peak_kib(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
