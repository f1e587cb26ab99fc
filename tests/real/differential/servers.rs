//! The reference and Glint, side by side, each with its own folder and the same configuration.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use glint::app::App;
use glint::clock::Clock;
use glint::config::{Callers, Config, Driver, FileStore, StoreConfig};
use glint::http::Server;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::venv;

/// How long the reference may take to start.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where the configurations are.
pub fn sites() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/differential/sites")
}

/// The reference, from PyPI, under uWSGI.
pub struct Reference {
    pub address: SocketAddr,
    pub folder: TempDir,
    child: Child,
}

impl Reference {
    /// Starts it as `site` says, and waits until it answers. A file in `database` is its database to begin with; where
    /// there is none yet, it is made.
    pub fn start(site: &str, database: &Path) -> Self {
        let venv = venv::reference().unwrap();
        let folder = tempfile::tempdir().unwrap();
        configure(site, folder.path());
        let conf = folder.path().join("glance-api.conf");
        if !database.exists() {
            let manage = Command::new(venv.join("bin/glance-manage"))
                .arg("--config-file")
                .arg(&conf)
                .arg("db_sync")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(manage.success(), "the reference makes its database");
            fs::copy(folder.path().join("glance.sqlite"), database).unwrap();
        }
        fs::copy(database, folder.path().join("glance.sqlite")).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = fs::File::create(folder.path().join("uwsgi.log")).unwrap();
        let child = Command::new(venv.join("bin/uwsgi"))
            .args(["--http-socket", &address.to_string(), "--module", "glance.wsgi.api:application", "--need-app"])
            .args(["--http-auto-chunked", "--http-chunked-input", "--http-raw-body", "--buffer-size", "65535"])
            .args(["--enable-threads", "--threads", "2", "--die-on-term", "--disable-logging"])
            .arg("--virtualenv")
            .arg(&venv)
            .env("OS_GLANCE_CONFIG_DIR", folder.path())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let reference = Self { address, folder, child };
        reference.wait();
        reference
    }

    fn wait(&self) {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let log = || fs::read_to_string(self.folder.path().join("uwsgi.log")).unwrap_or_default();
            assert!(start.elapsed() < PATIENCE, "the reference does not start:\n{}", log());
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Glint, in this process.
pub struct Glint {
    pub address: SocketAddr,
    pub folder: TempDir,
    _runtime: Runtime,
}

impl Glint {
    pub fn start(site: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = in_process(site, folder.path());
        let server = runtime.block_on(async {
            let app = App::open(config, Clock::default()).await.unwrap();
            Server::bind(Arc::clone(&app)).await.unwrap()
        });
        let address = server.address().unwrap();
        runtime.spawn(server.run(CancellationToken::new()));
        Self { address, folder, _runtime: runtime }
    }
}

fn in_process(site: &str, folder: &Path) -> Config {
    assert!(["plain", "lists"].contains(&site));
    let folder = folder.to_str().unwrap();
    let store = |id: &str| StoreConfig {
        id: id.to_owned(),
        description: None,
        weight: 0,
        driver: Driver::File(FileStore::in_folder(format!("{folder}/{id}"))),
    };
    let mut config = Config::stand_alone(folder);
    config.callers = Callers::TrustedHeaders;
    config.listener.address = SocketAddr::from(([127, 0, 0, 1], 0));
    config.stores.enabled = vec![store("store1"), store("store2")];
    config.stores.default = "store1".into();
    config
}

/// Writes what `site` says into `folder`.
fn configure(site: &str, folder: &Path) {
    for file in [format!("{site}.conf"), "paste.ini".to_owned()] {
        let text = fs::read_to_string(sites().join(&file)).unwrap();
        let name = if file == "paste.ini" { "paste.ini" } else { "glance-api.conf" };
        fs::write(folder.join(name), text.replace("{folder}", folder.to_str().unwrap())).unwrap();
    }
}
