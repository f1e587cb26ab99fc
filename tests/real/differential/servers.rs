//! The reference and Glint, each with a configuration in a folder: side by side with a folder each, or both on one.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::Process;
use crate::venv;

/// How long the reference may take to start.
const PATIENCE: Duration = Duration::from_mins(2);
/// The database of the configurations in `sites`.
const OWN_DATABASE: &str = "sqlite:///{folder}/glance.sqlite";

/// Values with their names, as configurations and tables have them.
pub type Names = [(String, String)];

/// A folder with a configuration, and all that belongs to whoever serves it.
pub struct Site {
    folder: TempDir,
}

impl Site {
    /// What the site `name` says, with a database in the folder.
    pub fn new(name: &str, names: &Names) -> Self {
        Self::with_database(name, names, OWN_DATABASE)
    }

    /// The same with the database at a URL.
    pub fn with_database(name: &str, names: &Names, url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        configure(name, folder.path(), names, url);
        Self { folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn conf(&self) -> PathBuf {
        self.folder().join("glance-api.conf")
    }

    /// Has the reference make its tables.
    pub fn make_tables(&self) {
        let mut manage = Command::new(venv::reference().unwrap().join("bin/glance-manage"));
        manage.arg("--config-file").arg(self.conf()).arg("db_sync").stdout(Stdio::null()).stderr(Stdio::null());
        assert!(manage.status().unwrap().success(), "the reference makes its database");
    }

    /// Glint, on this configuration.
    pub fn glint(&self) -> Process {
        Process::serve("--config-file", &self.conf(), self.folder())
    }
}

/// The reference, from PyPI, under uWSGI.
pub struct Reference {
    pub address: SocketAddr,
    child: Child,
}

impl Reference {
    /// Starts it on a site of its own, and waits until it answers. A file in `database` is its database to begin with;
    /// where there is none yet, it is made.
    pub fn on_its_own(name: &str, database: &Path, names: &Names) -> (Site, Self) {
        let site = Site::new(name, names);
        let file = site.folder().join("glance.sqlite");
        if database.exists() {
            fs::copy(database, file).unwrap();
        } else {
            site.make_tables();
            fs::copy(file, database).unwrap();
        }
        let reference = Self::start(&site);
        (site, reference)
    }

    /// Starts it on a site of its own with the empty database at `url`.
    pub fn with_database(name: &str, names: &Names, url: &str) -> (Site, Self) {
        let site = Site::with_database(name, names, url);
        site.make_tables();
        let reference = Self::start(&site);
        (site, reference)
    }

    /// Starts it on `site`, and waits until it answers.
    pub fn start(site: &Site) -> Self {
        let venv = venv::reference().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = site.folder().join("uwsgi.log");
        let output = fs::File::create(&log).unwrap();
        let child = Command::new(venv.join("bin/uwsgi"))
            .args(["--http-socket", &address.to_string(), "--module", "glance.wsgi.api:application", "--need-app"])
            .args(["--http-auto-chunked", "--http-chunked-input", "--http-raw-body", "--buffer-size", "65535"])
            .args(["--enable-threads", "--threads", "2", "--die-on-term", "--disable-logging"])
            .arg("--virtualenv")
            .arg(&venv)
            .env("OS_GLANCE_CONFIG_DIR", site.folder())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let reference = Self { address, child };
        reference.wait(&log);
        reference
    }

    fn wait(&self, log: &Path) {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let said = || fs::read_to_string(log).unwrap_or_default();
            assert!(start.elapsed() < PATIENCE, "the reference does not start:\n{}", said());
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

/// Writes what the site `name` says, and what all say, into `folder`.
fn configure(name: &str, folder: &Path, names: &Names, database: &str) {
    let sites = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/differential/sites");
    let files = fs::read_dir(sites.join(name)).unwrap().map(|entry| entry.unwrap().path());
    for file in files.chain([sites.join("paste.ini")]) {
        let text = fs::read_to_string(&file).unwrap().replace(OWN_DATABASE, database);
        let mut text = text.replace("{folder}", folder.to_str().unwrap());
        for (value, name) in names {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        fs::write(folder.join(file.file_name().unwrap()), text).unwrap();
    }
}
