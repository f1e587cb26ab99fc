//! A service behind a real socket, in the test's process.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use glint::app::App;
use glint::http::Server;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::raw::Raw;

/// How long a test waits for bytes that should come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A listening service; `stop` ends it.
pub struct Listening {
    pub address: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Listening {
    pub async fn start(app: &Arc<App>) -> Self {
        let server = Server::bind(Arc::clone(app)).await.unwrap();
        let (address, stop) = (server.address().unwrap(), CancellationToken::new());
        let running = tokio::spawn(server.run(stop.clone()));
        Self { address, stop, running }
    }

    /// Tells it to stop; what comes back ends when it has.
    pub fn stop(self) -> JoinHandle<()> {
        self.stop.cancel();
        self.running
    }

    pub fn connect(&self) -> Raw {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Raw::over(stream)
    }
}

/// Whether the other side closed, and sent nothing more before.
pub fn is_closed(raw: &mut Raw) -> bool {
    matches!(raw.stream.read(&mut [0]), Ok(0) | Err(_))
}
