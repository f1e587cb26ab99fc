//! The programs from PyPI that stand beside ours: where `tests/run` has put them.

use std::path::{Path, PathBuf};

/// The folder of their commands, `python` among them.
pub fn commands() -> PathBuf {
    let venv = std::env::var_os("GLINT_TEST_VENV").expect("the real clients are installed by tests/run: use that");
    Path::new(&venv).join("bin")
}

/// Where `tests/run` has installed the reference and Keystone; none where it could not.
pub fn reference() -> Option<PathBuf> {
    std::env::var_os("GLINT_REFERENCE_VENV").map(PathBuf::from)
}
