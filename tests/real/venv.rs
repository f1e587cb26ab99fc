//! The programs from PyPI that stand beside ours: where `tests/run` has put them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of their commands, `python` among them.
pub fn commands() -> PathBuf {
    let venv = std::env::var_os("GLINT_TEST_VENV").expect("the real clients are installed by tests/run: use that");
    Path::new(&venv).join("bin")
}

/// Where `tests/run` has installed the reference and Keystone; none where it could not.
pub fn reference() -> Option<PathBuf> {
    std::env::var_os("GLINT_REFERENCE_VENV").map(PathBuf::from)
}

/// What the Python script `name` of this folder prints, line by line, when it is given these lines.
pub fn ask(name: &str, lines: &[String]) -> Vec<String> {
    ask_of(&commands(), name, lines)
}

/// The same, where it is the reference that has to be asked.
pub fn ask_reference(name: &str, lines: &[String]) -> Vec<String> {
    ask_of(&reference().unwrap().join("bin"), name, lines)
}

fn ask_of(commands: &Path, name: &str, lines: &[String]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name);
    let mut python =
        Command::new(commands.join("python")).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = python.stdin.take().unwrap();
    let lines = lines.join("\n") + "\n";
    // Beside the reading: who waits for us to read does not read.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
