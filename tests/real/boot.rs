//! A real disk image, through the service and back, boots: the bytes that come out are the bytes that went in.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::Process;

/// How long software emulation may take to get to the boot loader.
const BOOT_PATIENCE: Duration = Duration::from_mins(2);

#[test]
fn a_downloaded_qcow2_boots() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("qemu-img")
        .args(["convert", "-O", "qcow2", "/usr/lib/grub-rescue/grub-rescue-cdrom.iso", "rescue.qcow2"])
        .current_dir(folder.path())
        .status();
    assert!(made.unwrap().success());
    let original = fs::read(folder.path().join("rescue.qcow2")).unwrap();

    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let process = Process::start(&data);
    let token = process.log_in(&data);
    let new = json!({"name": "rescue", "disk_format": "qcow2", "container_format": "bare"});
    let created = process.ask(Some(&token), "POST", "/v2/images", Some(&new));
    let image: Value = serde_json::from_slice(&created.body).unwrap();
    let path = format!("/v2/images/{}/file", image["id"].as_str().unwrap());
    let mut raw = process.connect();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: t\r\nX-Auth-Token: {token}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {}\r\n\r\n",
        original.len()
    );
    raw.send(head).unwrap();
    raw.send(&original).unwrap();
    assert_eq!(raw.answer().unwrap().status, 204);
    let downloaded = process.ask(Some(&token), "GET", &path, None);
    assert_eq!(downloaded.status, 200);
    assert!(downloaded.body == original);
    fs::write(folder.path().join("downloaded.qcow2"), &downloaded.body).unwrap();

    let machine = Machine::boot(folder.path(), "downloaded.qcow2");
    machine.wait_for("GNU GRUB");
}

/// An emulated computer.
struct Machine {
    child: Child,
    monitor: std::path::PathBuf,
}

impl Machine {
    fn boot(folder: &Path, disk: &str) -> Self {
        let monitor = folder.join("monitor");
        let child = Command::new("qemu-system-x86_64")
            .args(["-accel", "tcg", "-m", "128", "-display", "none", "-nodefaults", "-vga", "std", "-no-reboot"])
            .args(["-drive", &format!("file={disk},format=qcow2,media=cdrom,readonly=on"), "-boot", "d"])
            .args(["-monitor", &format!("unix:{},server=on,wait=off", monitor.display())])
            .current_dir(folder)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, monitor }
    }

    /// Waits until `text` is on the screen.
    fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        let mut screen = String::new();
        while begun.elapsed() < BOOT_PATIENCE {
            std::thread::sleep(Duration::from_millis(500));
            screen = self.screen().unwrap_or_default();
            if screen.contains(text) {
                return;
            }
        }
        panic!("{text:?} did not come up; the screen says:\n{screen}");
    }

    /// The text on the screen: the memory of a VGA card in text mode, a character and its colour by turns.
    fn screen(&self) -> std::io::Result<String> {
        let mut monitor = UnixStream::connect(&self.monitor)?;
        monitor.set_read_timeout(Some(Duration::from_secs(5)))?;
        monitor.write_all(b"xp /4000xb 0xb8000\n")?;
        let mut said = Vec::new();
        let mut block = [0; 8 << 10];
        while String::from_utf8_lossy(&said).matches("(qemu)").count() < 2 {
            match monitor.read(&mut block)? {
                0 => break,
                count => said.extend_from_slice(&block[..count]),
            }
        }
        let said = String::from_utf8_lossy(&said).into_owned();
        let cells = said.split_whitespace().filter_map(|word| word.strip_prefix("0x"));
        let bytes: Vec<u8> =
            cells.filter(|cell| cell.len() == 2).filter_map(|c| u8::from_str_radix(c, 16).ok()).collect();
        Ok(bytes.iter().step_by(2).map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { ' ' }).collect())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It has nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
