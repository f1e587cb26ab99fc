//! The listener: accepts connections, bounds how many and how slow, and lets them end in order at the stop.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::http::layers;
use crate::http::stall::StallGuard;
use crate::http::tls::Certificate;

/// The longest head of a request, in bytes; also the most of a body that is read at once.
const BUFFER_MAX: usize = 512 << 10;
/// The most headers in a request; more are answered with 431.
const HEADERS_MAX: usize = 128;
/// The wait after an accept that failed, for want of file descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A service that listens.
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    certificate: Option<Certificate>,
}

impl Server {
    /// Binds the address that the configuration names.
    ///
    /// # Errors
    /// When it is taken, or certificate or key cannot be used.
    pub async fn bind(app: Arc<App>) -> io::Result<Self> {
        let certificate = app.config.listener.tls.as_ref().map(Certificate::read).transpose()?;
        let listener = TcpListener::bind(app.config.listener.address).await?;
        Ok(Self { app, listener, certificate })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The certificate, with HTTPS.
    pub fn certificate(&self) -> Option<Certificate> {
        self.certificate.clone()
    }

    /// Serves until `stop`: then accepts no more, lets running requests finish within their grace, and cuts what is
    /// left. Returns when no connection is open.
    pub async fn run(self, stop: CancellationToken) {
        let options = &self.app.config.listener;
        let room = Arc::new(Semaphore::new(options.connections_max));
        let connections = TaskTracker::new();
        let cut = CancellationToken::new();
        while let Some((stream, permit)) = self.next(&room, &stop).await {
            let (app, tls) = (Arc::clone(&self.app), self.certificate.as_ref().map(Certificate::acceptor));
            let (stop, cut) = (stop.clone(), cut.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = connection(app, stream, tls, stop) => {}
                    () = cut.cancelled() => {}
                }
                drop(permit);
            });
        }
        drop(self.listener);
        connections.close();
        if timeout(options.grace, connections.wait()).await.is_err() {
            tracing::warn!(open = connections.len(), "grace is over: cutting connections that are still busy");
            cut.cancel();
            connections.wait().await;
        }
    }

    /// The next connection, as soon as there is room for it; none when it is time to stop.
    async fn next(
        &self,
        room: &Arc<Semaphore>,
        stop: &CancellationToken,
    ) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        loop {
            let accepted = async {
                let permit = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
                Ok::<_, io::Error>((self.listener.accept().await?.0, permit))
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                accepted = accepted => match accepted {
                    Ok(accepted) => return Some(accepted),
                    Err(error) => {
                        tracing::error!("accepting a connection failed: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }
}

async fn connection(app: Arc<App>, stream: TcpStream, tls: Option<TlsAcceptor>, stop: CancellationToken) {
    // Answers are written whole; waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("connection lost before it began: {error}");
        return;
    }
    match tls {
        None => requests(app, stream, "http", stop).await,
        Some(tls) => match timeout(app.config.listener.head_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(app, stream, "https", stop).await,
            Ok(Err(error)) => tracing::debug!("TLS handshake failed: {error}"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        },
    }
}

async fn requests<S>(app: Arc<App>, stream: S, scheme: &'static str, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let head_timeout = app.config.listener.head_timeout;
    let io = TokioIo::new(StallGuard::new(stream, app.config.listener.stall_timeout));
    let service = service_fn(move |request| layers::answer(Arc::clone(&app), request, scheme));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(BUFFER_MAX).max_headers(HEADERS_MAX);
    let mut connection = pin!(http.serve_connection(io, service));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("connection ended: {error}");
    }
}
