//! A database server of a test's own: `tests/servers` starts it in a folder that goes with it.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    MariaDb,
    PostgreSql,
}

impl Kind {
    fn script(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb.sh",
            Self::PostgreSql => "postgres.sh",
        }
    }

    /// A program that runs the statements of its standard input on the server at `port`, in `database`.
    fn client(self, port: &str, database: &str) -> Command {
        let mut command = match self {
            Self::MariaDb => Command::new("mariadb"),
            Self::PostgreSql => Command::new("psql"),
        };
        match self {
            Self::MariaDb => command
                .args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=glance", "--password=glance"])
                .args(["--batch", "--skip-column-names", "--port", port, database]),
            Self::PostgreSql => command
                .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
                .args(["--host=127.0.0.1", "--username=glance", "--port", port, database]),
        };
        command
    }
}

/// What the scripts take for the wish to wait for the disk.
const DURABLE: &[(&str, &str)] = &[("DURABLE", "1")];

/// A server that runs until this is dropped.
pub struct DatabaseServer {
    kind: Kind,
    folder: TempDir,
    url: String,
}

impl DatabaseServer {
    pub fn start(kind: Kind) -> Self {
        Self::start_with(kind, &[])
    }

    /// One that waits for the disk at each commit.
    pub fn start_durable(kind: Kind) -> Self {
        Self::start_with(kind, DURABLE)
    }

    /// One that is started with more in its environment, of which its script says what it means.
    pub fn start_with(kind: Kind, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut start = control(kind, "start", folder.path());
        let started = start.envs(environment.iter().copied()).stderr(Stdio::inherit()).output().unwrap();
        assert!(started.status.success(), "{kind:?} starts");
        Self { kind, folder, url: String::from_utf8(started.stdout).unwrap().trim().to_owned() }
    }

    /// What kind of server it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it as a crash would.
    pub fn kill(&self) {
        let signal = match self.kind {
            Kind::MariaDb => "-KILL",
            // What it started ends with it; left alone, that would keep it from starting again.
            Kind::PostgreSql => "-QUIT",
        };
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap();
        assert!(Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
    }

    /// Starts it again, at the same place, to be durable.
    pub fn restart(&self) {
        let mut start = control(self.kind, "start", self.folder.path());
        let started = start.envs(DURABLE.iter().copied()).stderr(Stdio::inherit()).output().unwrap();
        assert_eq!(String::from_utf8(started.stdout).unwrap().trim(), self.url);
    }

    /// Makes an empty database; its URL in SQLAlchemy's form.
    pub fn make(&self, database: &str) -> String {
        let characters = if self.kind == Kind::MariaDb { " CHARACTER SET utf8" } else { "" };
        self.ask(&self.url, &format!("CREATE DATABASE {database}{characters};"));
        let (server, _) = self.url.rsplit_once('/').unwrap();
        format!("{server}/{database}")
    }

    /// Makes a database with what is in the one at `url`, which nobody uses meanwhile; its URL.
    pub fn copy(&self, url: &str, database: &str) -> String {
        let (server, original) = url.rsplit_once('/').unwrap();
        if self.kind == Kind::PostgreSql {
            self.ask(&self.url, &format!("CREATE DATABASE {database} TEMPLATE {original};"));
            return format!("{server}/{database}");
        }
        let (_, port) = server.rsplit_once(':').unwrap();
        let mut dump = Command::new("mariadb-dump");
        dump.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=glance", "--password=glance"]);
        let dumped = dump.args(["--port", port, original]).stderr(Stdio::inherit()).output().unwrap();
        assert!(dumped.status.success(), "{original} is dumped");
        let copy = self.make(database);
        self.ask(&copy, &String::from_utf8(dumped.stdout).unwrap());
        copy
    }

    /// The lines that the server's own client prints for `statements` in the database at `url`.
    pub fn ask(&self, url: &str, statements: &str) -> Vec<String> {
        let (server, database) = url.rsplit_once('/').unwrap();
        let (_, port) = server.rsplit_once(':').unwrap();
        let input = self.folder.path().join("statements.sql");
        std::fs::write(&input, statements).unwrap();
        let input = std::fs::File::open(input).unwrap();
        let mut client = self.kind.client(port, database);
        let asked = client.stdin(input).stderr(Stdio::inherit()).output().unwrap();
        assert!(asked.status.success(), "{statements}");
        String::from_utf8(asked.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        // What it holds goes with its folder.
        let _ = control(self.kind, "stop", self.folder.path()).status();
    }
}

fn control(kind: Kind, verb: &str, folder: &Path) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers").join(kind.script());
    let mut command = Command::new(script);
    command.arg(verb).arg(folder);
    command
}
