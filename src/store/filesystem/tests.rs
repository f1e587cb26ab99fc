//! What the operating system says becomes what a caller can act on.

use std::io;

use rustix::io::Errno;

use super::failure;
use crate::store::StoreError;

#[test]
fn failures_are_told_apart() {
    let of = |errno: Errno| failure(io::Error::from(errno));
    for full in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
        assert!(matches!(of(full), StoreError::Full(_)), "{full}");
    }
    for denied in [Errno::ACCESS, Errno::PERM, Errno::ROFS] {
        assert!(matches!(of(denied), StoreError::Denied(_)), "{denied}");
    }
    for other in [Errno::IO, Errno::STALE, Errno::NOENT] {
        assert!(matches!(of(other), StoreError::Io(_)), "{other}");
    }
}
