//! HTTPS with certificates from `openssl`, and a new one while the service runs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::Process;

/// How long a signal may take to be heeded.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_new_certificate_is_read_at_the_signal_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    new_certificate(&file("tls.pem"), &file("tls.key"));
    let (certificate, key) = (file("tls.pem"), file("tls.key"));
    let arguments = ["--tls-certificate", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let service = Process::serve_with("--data-dir", folder.path(), folder.path(), &arguments);
    let shown = || fingerprint_at(&service.address.to_string());
    let first = shown();
    assert_eq!(first, fingerprint_of(&file("tls.pem")));

    new_certificate(&file("tls.pem"), &file("tls.key"));
    assert_eq!(shown(), first, "nobody has said so yet");
    hang_up(&service);
    let second = fingerprint_of(&file("tls.pem"));
    let begun = Instant::now();
    while shown() != second {
        assert!(begun.elapsed() < PATIENCE, "the new certificate does not come");
    }

    std::fs::write(file("tls.key"), "no key").unwrap();
    hang_up(&service);
    let log = || std::fs::read_to_string(file("log")).unwrap();
    let begun = Instant::now();
    while !log().contains("SIGHUP: the old certificate stays") {
        assert!(begun.elapsed() < PATIENCE, "the broken key is not noticed: {}", log());
    }
    assert_eq!(shown(), second);
}

fn hang_up(service: &Process) {
    let done = Command::new("kill").args(["-HUP", &service.child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

/// A certificate of its own maker.
fn new_certificate(certificate: &Path, key: &Path) {
    let done = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-out"])
        .arg(certificate)
        .arg("-keyout")
        .arg(key)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success());
}

fn fingerprint_of(certificate: &Path) -> String {
    output(Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-in"]).arg(certificate))
}

/// The fingerprint of the certificate that a server shows.
fn fingerprint_at(address: &str) -> String {
    let shown = output(Command::new("openssl").args(["s_client", "-connect", address]).stdin(Stdio::null()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shown.pem");
    std::fs::write(&file, shown).unwrap();
    fingerprint_of(&file)
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.stderr(Stdio::null()).output().unwrap().stdout).unwrap()
}
