//! HTTPS: the certificate that handshakes are answered with, read again when somebody says so.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// A certificate with its key, as they were last read. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct Certificate {
    files: TlsFiles,
    acceptor: Arc<RwLock<TlsAcceptor>>,
}

impl Certificate {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn read(files: &TlsFiles) -> io::Result<Self> {
        Ok(Self { acceptor: Arc::new(RwLock::new(acceptor(files)?)), files: files.clone() })
    }

    /// Reads them again, for connections that begin from now on.
    ///
    /// # Errors
    /// As `read`; then the old ones stay.
    pub fn read_again(&self) -> io::Result<()> {
        let renewed = acceptor(&self.files)?;
        *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    /// What answers the next handshake.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn acceptor(files: &TlsFiles) -> io::Result<TlsAcceptor> {
    let in_file = |path: &Path, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| in_file(&files.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| in_file(&files.key, &error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| in_file(&files.certificate, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
