//! A real Keystone that stops in the middle, and comes back: whoever is known goes on, whoever is not is told what
//! Keystone's own `auth_token` tells, and nothing piles up.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Accounts, PATIENCE, People, Served, log_in, project, start_keystone, user};
use crate::process::Process;
use crate::raw::{Raw, RawAnswer};
use crate::venv;

/// Requests that wait for it at a time.
const WAITING: usize = 200;
/// The most connections to it.
const CONNECTIONS_MAX: usize = 32;
/// How long it may take for an answer, in seconds.
const TIMEOUT_S: u64 = 4;

const PASTE: &str = "
[pipeline:glance-api-keystone]
pipeline = authtoken context rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/v2: apiv2app
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
";

#[test]
#[expect(clippy::print_stdout, reason = "that something was left out is worth reading")]
fn known_tokens_go_on_and_others_are_told() {
    if venv::reference().is_none() {
        println!("SKIPPED: Keystone is not installed (tests/run does that, where PyPI can be reached)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let keystone = start_keystone(folder.path(), 3600);
    People::make(&Accounts::open(&keystone));
    let glint = start_glint(folder.path(), &keystone);
    let theirs = Served::start("auth_token.py", &[&keystone.url(), "glance", "glance", "service", "image", "false"]);
    let [known, late, later, unknown] =
        [0; 4].map(|_| log_in(&keystone, &user("demo"), Some(&project("demo"))).unwrap());
    assert_eq!(list(&glint, &known).status, 200);
    assert_eq!(theirs.ask("GET", "/v2/images", &[("X-Auth-Token", &known)], None).status, 200);
    let threads = threads(&glint);

    keystone.signal("STOP");
    silence_does_not_pile_up(&glint, &keystone, &known);
    keystone.signal("CONT");
    until_well(&glint, &late);

    let address = keystone.address.clone();
    drop(keystone);
    assert_eq!(list(&glint, &known).status, 200, "known already");
    assert_eq!(list(&glint, &late).status, 200, "known already");
    let ours = list(&glint, &unknown);
    let theirs = theirs.ask("GET", "/v2/images", &[("X-Auth-Token", &unknown)], None);
    assert_eq!(told(&ours), told(&theirs));
    assert_eq!(ours.status, 503);
    let refused: Vec<Raw> = (0..WAITING).map(|n| begin(&glint, &format!("none-{n}"))).collect();
    assert!(refused.into_iter().all(|mut raw| raw.answer().unwrap().status == 503));

    let port = address.rsplit_once(':').unwrap().1;
    let keystone = Served::start("serve.py", &[folder.path().to_str().unwrap(), "3600", port]);
    until_well(&glint, &later);
    assert_eq!(list(&glint, &unknown).status, 200, "that it could not be asked for is not remembered");
    assert!(connections(&glint, &keystone) <= CONNECTIONS_MAX);
    assert!(self::threads(&glint) <= threads + 8, "{threads} threads at first, {} now", self::threads(&glint));
}

/// While nobody gets an answer, only so many ask, and known tokens are as good as ever.
fn silence_does_not_pile_up(glint: &Process, keystone: &Served, known: &str) {
    let began = Instant::now();
    let waiting: Vec<Raw> = (0..WAITING).map(|n| begin(glint, &format!("token-{n}"))).collect();
    let mut most = 0;
    while began.elapsed() < Duration::from_secs(TIMEOUT_S / 2) {
        most = most.max(connections(glint, keystone));
        assert_eq!(list(glint, known).status, 200);
    }
    assert!((1..=CONNECTIONS_MAX).contains(&most), "{most} connections");
    for mut raw in waiting {
        assert_eq!(raw.answer().unwrap().status, 503);
    }
    assert!(began.elapsed() < Duration::from_secs(5 * TIMEOUT_S), "{:?}", began.elapsed());
}

/// A Keystone that answers again is asked again, after the moment for which it is left alone.
fn until_well(glint: &Process, token: &str) {
    let began = Instant::now();
    while list(glint, token).status != 200 {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Served {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

fn start_glint(folder: &Path, keystone: &Served) -> Process {
    fs::write(folder.join("glance-api-paste.ini"), PASTE).unwrap();
    let configuration = folder.join("glance-api.conf");
    let text = format!(
        "[DEFAULT]\nenabled_backends = a:file\n[glance_store]\ndefault_backend = a\n\
         [a]\nfilesystem_store_datadir = {folder}/a\n[os_glance_staging_store]\nfilesystem_store_datadir = {folder}/s\n\
         [database]\nconnection = sqlite:///{folder}/glance.sqlite\n[paste_deploy]\nflavor = keystone\n\
         [keystone_authtoken]\nauth_url = {url}\nauth_type = password\nusername = glance\npassword = glance\n\
         project_name = service\nuser_domain_id = default\nproject_domain_id = default\n\
         http_request_max_retries = 0\nhttp_connect_timeout = {TIMEOUT_S}\n",
        folder = folder.display(),
        url = keystone.url(),
    );
    fs::write(&configuration, text).unwrap();
    Process::serve("--config-file", &configuration, folder)
}

fn list(glint: &Process, token: &str) -> RawAnswer {
    glint.ask(Some(token), "GET", "/v2/images", None)
}

/// A request that is sent, and whose answer nobody waits for yet.
fn begin(glint: &Process, token: &str) -> Raw {
    let mut raw = glint.connect();
    raw.send(format!("GET /v2/images HTTP/1.1\r\nHost: t\r\nX-Auth-Token: {token}\r\n\r\n")).unwrap();
    raw
}

/// What a client learns, but for what each answer of the service has.
fn told(answer: &RawAnswer) -> (u16, Vec<String>, String) {
    let here = ["date", "server", "x-openstack-request-id", "connection"];
    let headers = answer.head.lines().skip(1).filter(|line| !line.is_empty()).map(str::to_lowercase);
    let mut headers: Vec<String> = headers.filter(|line| !here.iter().any(|name| line.starts_with(name))).collect();
    headers.sort();
    (answer.status, headers, String::from_utf8_lossy(&answer.body).into_owned())
}

/// Connections of this machine to `keystone`: open ones, and those that are being opened.
fn connections(glint: &Process, keystone: &Served) -> usize {
    let port: u16 = keystone.address.rsplit_once(':').unwrap().1.parse().unwrap();
    let there = format!("0100007F:{port:04X}");
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", glint.child.id())).unwrap();
    let is_open = |row: &&str| {
        let words: Vec<&str> = row.split_whitespace().collect();
        words.get(2) == Some(&there.as_str()) && matches!(words.get(3), Some(&("01" | "02")))
    };
    table.lines().filter(is_open).count()
}

fn threads(glint: &Process) -> usize {
    fs::read_dir(format!("/proc/{}/task", glint.child.id())).unwrap().count()
}
