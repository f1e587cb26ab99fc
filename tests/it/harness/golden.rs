//! Golden files: what is printed for people or clients, kept beside the tests and compared as text.

use std::fs;
use std::path::PathBuf;

/// Holds `actual` against `golden/<name>`. With `GLINT_ACCEPT=1` in the environment the file is written instead.
pub fn matches(name: &str, actual: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if std::env::var_os("GLINT_ACCEPT").is_some() {
        fs::write(&file, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if expected == actual {
        return;
    }
    let first = expected.lines().zip(actual.lines()).position(|(old, new)| old != new);
    let at = first.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").to_owned();
    panic!(
        "golden/{name} differs from line {} on:\n  - {}\n  + {}\nGLINT_ACCEPT=1 writes the new one; read the difference before you commit it",
        at + 1,
        line(&expected),
        line(actual)
    );
}
