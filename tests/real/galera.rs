//! Three nodes on a Galera cluster, each with a server of its own, one of which dies while everybody writes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use glint::config::Database;
use serde_json::json;
use tempfile::TempDir;

use crate::app::TestApp;
use crate::callers::{ADMIN, MEMBER};

/// Who writes all the time.
const WRITERS: usize = 16;
/// How long they write before a server dies, and how long after the others have agreed that it is gone.
const BEFORE: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_secs(5);
/// How long these may take for that, on a machine that has other things to do.
const AGREEMENT: Duration = Duration::from_secs(30);
/// How soon after it nobody is told any more that it cannot be done now.
const RECOVERY: Duration = Duration::from_secs(2);
/// Which of the servers dies.
const DOOMED: usize = 2;

/// A cluster of database servers that runs until this is dropped.
struct Cluster {
    folder: TempDir,
    /// Where each of them is reached.
    urls: Vec<String>,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let started = Self::control("start", folder.path()).stderr(Stdio::inherit()).output().unwrap();
        assert!(started.status.success(), "the cluster starts");
        let urls = String::from_utf8(started.stdout).unwrap().lines().map(str::to_owned).collect();
        Self { folder, urls }
    }

    /// Ends a server as a crash would.
    fn kill(&self, at: usize) {
        let pid = std::fs::read_to_string(self.folder.path().join(format!("node-{}/pid", at + 1))).unwrap();
        assert!(Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap().success());
    }

    /// Waits until the servers that are left have agreed that the one is gone.
    fn agree(&self) {
        let begun = Instant::now();
        let agreed = format!("wsrep_cluster_size\t{}\nwsrep_ready\tON\n", self.urls.len() - 1);
        loop {
            let told: Vec<String> =
                (0..self.urls.len()).filter(|at| *at != DOOMED).map(|at| self.told_by(at)).collect();
            if told.iter().all(|told| *told == agreed) {
                return;
            }
            assert!(begun.elapsed() < AGREEMENT, "the servers that are left do not agree: {told:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// How many servers there are, as one of them sees it, and whether it is ready.
    fn told_by(&self, at: usize) -> String {
        let socket = self.folder.path().join(format!("node-{}/sock", at + 1));
        let asking = "SHOW GLOBAL STATUS WHERE variable_name IN ('wsrep_cluster_size', 'wsrep_ready')";
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--user=root", "--skip-column-names", "-e", asking, "--socket"]).arg(socket);
        let told = client.output().unwrap();
        assert!(told.status.success(), "server {at}: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap()
    }

    fn control(verb: &str, folder: &Path) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/galera.sh"));
        command.arg(verb).arg(folder);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // What it holds goes with its folder.
        let _ = Self::control("stop", self.folder.path()).status();
    }
}

/// What a writer was told.
struct Told {
    at: Instant,
    node: usize,
    what: &'static str,
    status: u16,
    text: String,
}

/// What one writer has been told, and what it may rely on from then on.
#[derive(Default)]
struct Diary {
    told: Vec<Told>,
    /// Images that were made, and not deleted afterwards.
    kept: Vec<String>,
    deleted: Vec<String>,
    /// The last value of its property of the shared image that was acknowledged, and those that may have come after it.
    shared: (usize, Vec<usize>),
}

/// No server's death makes anybody say 500 or lose what was acknowledged, and those who are left go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_galera_dies() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let mut nodes = Vec::new();
    for url in &cluster.urls {
        let database = Database::at(url).unwrap();
        nodes.push(Arc::new(TestApp::with(|config| config.database = database).await));
    }
    let shared = nodes[0].create(MEMBER, json!({"name": "shared"})).await;
    let over = Arc::new(AtomicBool::new(false));
    let writers = (0..WRITERS).map(|writer| {
        let at = writer % nodes.len();
        tokio::spawn(write(Arc::clone(&nodes[at]), (at, writer), shared.clone(), Arc::clone(&over)))
    });
    let writers: Vec<_> = writers.collect();
    tokio::time::sleep(BEFORE).await;
    let gone = Instant::now();
    cluster.kill(DOOMED);
    let cluster = tokio::task::spawn_blocking(move || {
        cluster.agree();
        cluster
    });
    let cluster = cluster.await.unwrap();
    let agreed = Instant::now();
    tokio::time::sleep(AFTER).await;
    over.store(true, Ordering::Relaxed);
    let diaries: Vec<Diary> = join_all(writers).await.into_iter().map(Result::unwrap).collect();

    assert_told_well(&diaries, gone, agreed);
    let survivor = &nodes[0];
    for diary in &diaries {
        for id in &diary.kept {
            let shown = survivor.get(ADMIN, &format!("/v2/images/{id}")).await;
            assert_eq!((shown.status, shown.json()["step"].as_str()), (200, Some("changed")), "{id} was acknowledged");
        }
        for id in &diary.deleted {
            assert_eq!(survivor.get(ADMIN, &format!("/v2/images/{id}")).await.status, 404, "{id} was deleted");
        }
    }
    let image = nodes[1].get(ADMIN, &format!("/v2/images/{shared}")).await.json();
    for (writer, diary) in diaries.iter().enumerate() {
        let (last, later) = &diary.shared;
        let value: Option<usize> = image[format!("writer-{writer}")].as_str().map(|value| value.parse().unwrap());
        let known = value.is_some_and(|value| value == *last || later.contains(&value));
        assert!(known, "writer {writer}: {last} was acknowledged, {later:?} may be, {value:?} is there");
    }
    for node in &nodes {
        node.app.close().await;
    }
    tokio::task::spawn_blocking(move || drop(cluster)).await.unwrap();
}

/// Makes, changes and deletes images until it is `over`, and changes a shared one, too.
async fn write(app: Arc<TestApp>, (node, writer): (usize, usize), shared: String, over: Arc<AtomicBool>) -> Diary {
    let mut diary = Diary::default();
    for round in 1.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let image = json!({"name": format!("writer {writer}"), "os_distro": "debian", "tags": ["a"]});
        let made = app.request(MEMBER, "POST", "/v2/images").json(&image).send().await;
        diary.note(node, "create", made.status, made.text());
        if made.status == 201 {
            let id = made.json()["id"].as_str().unwrap().to_owned();
            let changed = app.patch(MEMBER, &id, json!([{"op": "add", "path": "/step", "value": "changed"}])).await;
            diary.note(node, "change", changed.status, changed.text());
            if changed.status == 200 && round % 3 > 0 {
                diary.kept.push(id);
            } else {
                let deleted = app.request(MEMBER, "DELETE", &format!("/v2/images/{id}")).send().await;
                diary.note(node, "delete", deleted.status, deleted.text());
                diary.deleted.extend((deleted.status == 204).then_some(id));
            }
        }
        let value = json!([{"op": "add", "path": format!("/writer-{writer}"), "value": round.to_string()}]);
        let changed = app.patch(MEMBER, &shared, value).await;
        diary.note(node, "change of what all change", changed.status, changed.text());
        match changed.status {
            200 => diary.shared = (round, Vec::new()),
            _ => diary.shared.1.push(round),
        }
        // Who is told to try again does so a little later.
        let pause = if changed.status == 503 { 100 } else { 5 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    diary
}

impl Diary {
    fn note(&mut self, node: usize, what: &'static str, status: u16, text: &str) {
        self.told.push(Told { at: Instant::now(), node, what, status, text: text.to_owned() });
    }
}

/// Everybody was told that it is done or, as long as that is so, that it cannot be done now.
#[expect(clippy::print_stdout, reason = "how much was done is worth reading")]
fn assert_told_well(diaries: &[Diary], gone: Instant, agreed: Instant) {
    let told = || diaries.iter().flat_map(|diary| &diary.told);
    for Told { at, node, what, status, text } in told() {
        assert!([200, 201, 204, 503].contains(status), "{what} by node {node}: {status} {text}");
        let excused = *at >= gone && (*node == DOOMED || *at <= agreed + RECOVERY);
        let since = at.saturating_duration_since(agreed);
        assert!(*status != 503 || excused, "{what} by node {node} {since:?} after the others agreed: {text}");
    }
    let done = |node: usize, after: Instant| {
        told().filter(|told| told.node == node && told.at >= after && told.status != 503).count()
    };
    for node in [0, 1] {
        assert!(done(node, agreed) > 0, "node {node} goes on");
    }
    assert_eq!(done(DOOMED, agreed), 0, "node {DOOMED} has no database");
    let acknowledged = told().filter(|told| told.status != 503).count();
    let took = agreed - gone;
    println!("{acknowledged} of {} writes acknowledged; the others agreed after {took:?}", told().count());
}
