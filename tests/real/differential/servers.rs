//! The reference and Glint, side by side, each with its own folder and the same configuration.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::Process;
use crate::venv;

/// How long the reference may take to start.
const PATIENCE: Duration = Duration::from_mins(2);

/// Values with their names, as configurations and tables have them.
pub type Names = [(String, String)];

/// The reference, from PyPI, under uWSGI.
pub struct Reference {
    pub address: SocketAddr,
    pub folder: TempDir,
    child: Child,
}

impl Reference {
    /// Starts it as `site` says, and waits until it answers. A file in `database` is its database to begin with; where
    /// there is none yet, it is made.
    pub fn start(site: &str, database: &Path, names: &Names) -> Self {
        let venv = venv::reference().unwrap();
        let folder = tempfile::tempdir().unwrap();
        configure(site, folder.path(), names);
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

/// Glint.
pub struct Glint {
    pub process: Process,
    pub folder: TempDir,
}

impl Glint {
    pub fn start(site: &str, names: &Names) -> Self {
        let folder = tempfile::tempdir().unwrap();
        configure(site, folder.path(), names);
        let process = Process::serve("--config-file", &folder.path().join("glance-api.conf"), folder.path());
        Self { process, folder }
    }
}

/// Writes what `site` says, and what all say, into `folder`.
fn configure(site: &str, folder: &Path, names: &Names) {
    let sites = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/differential/sites");
    let files = fs::read_dir(sites.join(site)).unwrap().map(|entry| entry.unwrap().path());
    for file in files.chain([sites.join("paste.ini")]) {
        let mut text = fs::read_to_string(&file).unwrap().replace("{folder}", folder.to_str().unwrap());
        for (value, name) in names {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        fs::write(folder.join(file.file_name().unwrap()), text).unwrap();
    }
}
