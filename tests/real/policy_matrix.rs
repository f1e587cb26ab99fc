//! Every rule asked by every kind of caller, by the reference's own code: the golden table is what it prints.

use std::path::Path;
use std::process::Command;

const TABLE: &str = include_str!("../it/golden/policy-matrix.txt");

#[test]
#[expect(clippy::print_stdout, reason = "that nothing was compared is worth reading")]
fn the_reference_prints_our_table() {
    let Some(venv) = std::env::var_os("GLINT_REFERENCE_VENV") else {
        println!("SKIPPED: the reference is not installed");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/policy_matrix.py");
    let output = Command::new(Path::new(&venv).join("bin/python")).arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    for (at, (theirs, ours)) in theirs.lines().zip(TABLE.lines()).enumerate() {
        assert_eq!(theirs, ours, "line {}", at + 1);
    }
    assert_eq!(theirs.lines().count(), TABLE.lines().count());
}
