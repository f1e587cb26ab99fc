//! The wire between the service and a database server, which breaks or is slow at a commit when a test wants it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use glint::config::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::database;

/// What happens to the next commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCommit {
    /// Nothing.
    Pass,
    /// It waits, also when the service has closed its connection meanwhile.
    Hold,
    /// It is done, and the connection breaks before the answer. The next one passes.
    Break,
}

/// A wire to the server of the tests.
pub struct DatabaseWire {
    port: u16,
    at_commit: Arc<watch::Sender<AtCommit>>,
    /// Commits that wait.
    held: Arc<watch::Sender<usize>>,
    accepting: JoinHandle<()>,
}

impl DatabaseWire {
    pub async fn start() -> Self {
        let server = (Ipv4Addr::LOCALHOST, database::server_port());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let at_commit = Arc::new(watch::Sender::new(AtCommit::Pass));
        let held = Arc::new(watch::Sender::new(0));
        let each = (Arc::clone(&at_commit), Arc::clone(&held));
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (at_commit, held) = each.clone();
                tokio::spawn(carry(client, TcpStream::connect(server).await.unwrap(), at_commit, held));
            }
        });
        Self { port, at_commit, held, accepting }
    }

    /// Has whoever uses `database` go over this wire.
    pub fn stand_before(&self, database: &mut Database) {
        let Database::Server(server) = database else { panic!("there is no wire to a file") };
        server.port = Some(self.port);
    }

    /// Says what happens to commits from now on; what would have before.
    pub fn set(&self, at_commit: AtCommit) -> AtCommit {
        self.at_commit.send_replace(at_commit)
    }

    /// Waits until a commit waits.
    pub async fn holds(&self) {
        self.held.subscribe().wait_for(|held| *held > 0).await.unwrap();
    }
}

impl Drop for DatabaseWire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    at_commit: Arc<watch::Sender<AtCommit>>,
    held: Arc<watch::Sender<usize>>,
) {
    let (mut there, mut back) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut breaks = false;
    loop {
        tokio::select! {
            read = client.read(&mut there) => {
                let Ok(count @ 1..) = read else { return };
                if is_commit(&there[..count]) {
                    let mut says = at_commit.subscribe();
                    held.send_modify(|held| *held += usize::from(*says.borrow() == AtCommit::Hold));
                    says.wait_for(|it| *it != AtCommit::Hold).await.unwrap();
                    held.send_replace(0);
                    breaks = at_commit.send_replace(AtCommit::Pass) == AtCommit::Break;
                }
                server.write_all(&there[..count]).await.unwrap();
            }
            read = server.read(&mut back) => {
                let Ok(count @ 1..) = read else { return };
                if breaks || client.write_all(&back[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Whether `sent` is a text, as MySQL or as PostgreSQL frame it, that ends with a commit, or that writes: it is a transaction then.
fn is_commit(sent: &[u8]) -> bool {
    let ends = sent.strip_suffix(b"\0").unwrap_or(sent).ends_with(b"COMMIT");
    let Some((frame, text)) = sent.split_at_checked(5) else { return false };
    let writes = ["INSERT", "UPDATE", "DELETE", "EXECUTE"].iter().any(|word| text.starts_with(word.as_bytes()));
    ends || (writes && (frame[0] == b'Q' || frame[4] == 3))
}
