//! Certificates for connections to other servers, from the operator's files in PEM. To be read before anything is served.

use std::io;
use std::path::Path;

use reqwest::{Certificate, Identity};

/// Those in `file`, which are trusted.
///
/// # Errors
/// When it cannot be read, or is none.
pub fn trusted(file: &Path) -> io::Result<Vec<Certificate>> {
    Certificate::from_pem_bundle(&read(file)?).map_err(io::Error::other)
}

/// The one that we show: `certificate` with its `key`, where that is not in the same file.
///
/// # Errors
/// When a file cannot be read, or they are no such pair.
pub fn shown(certificate: &Path, key: Option<&Path>) -> io::Result<Identity> {
    let mut chain = read(certificate)?;
    if let Some(file) = key {
        chain.push(b'\n');
        chain.extend(read(file)?);
    }
    Identity::from_pem(&chain).map_err(io::Error::other)
}

#[expect(clippy::disallowed_methods, reason = "once, before anything is served")]
fn read(file: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| io::Error::other(format!("{}: {error}", file.display())))
}
