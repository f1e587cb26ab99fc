//! How MariaDB and PostgreSQL find what is asked for, in a database of many images: each says for every statement of a request
//! which indexes it used and how many rows it looked at. The number is bounded, whatever the number of images.
//! `GLINT_PLANS_IMAGES` says how many there are, if not a few: a million takes some minutes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use glint::config::Database;
use serde_json::Value;

use crate::app::TestApp;
use crate::callers::{ADMIN, Caller, MEMBER, OTHER};
use crate::database_server::{DatabaseServer, Kind};

/// Enough for a scan to be seen.
const IMAGES_IN_CI: usize = 20_000;
/// The rows that a page of 25 may look at, with its properties, tags and locations, and those that tell which way is the shortest.
const ROWS_MAX: u64 = 1_200;
/// The same where what one of ten has is looked for in a stretch of the order, or what few have is taken one by one and sorted.
const ROWS_SORTED_MAX: u64 = 2_000;
/// The same where one of a hundred has it: a longer stretch is asked, or all that have it are taken one by one.
const ROWS_LONGER_MAX: u64 = 20_000;

const LOGGED: &str = "--slow-query-log --long-query-time=0 --log-slow-verbosity=query_plan,explain";
const EXPLAINED: &str = "-c shared_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 \
    -c auto_explain.log_analyze=on -c auto_explain.log_timing=off -c auto_explain.log_format=json";
/// Where a million images have room.
const ROOMY: [&str; 2] =
    [" --innodb-buffer-pool-size=3G --innodb-log-file-size=1G", " -c shared_buffers=2GB -c max_wal_size=4GB"];

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    bounded(Kind::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql() {
    bounded(Kind::PostgreSql).await;
}

async fn bounded(kind: Kind) {
    let images = std::env::var("GLINT_PLANS_IMAGES").map_or(IMAGES_IN_CI, |images| images.parse().unwrap());
    let many = images > IMAGES_IN_CI;
    let (log, options) = match kind {
        Kind::MariaDb => {
            ("data/slow.log", format!("{LOGGED} --slow-query-log-file=slow.log{}", if many { ROOMY[0] } else { "" }))
        }
        Kind::PostgreSql => ("log", format!("{EXPLAINED}{}", if many { ROOMY[1] } else { "" })),
    };
    let server = DatabaseServer::start_with(kind, &[("OPTIONS", &options)]);
    let url = server.make("plans");
    fill(&server, &url, images);
    let app = TestApp::with(|config| config.database = Database::at(&url).unwrap()).await;
    server.ask(&url, analysis(kind));
    let watch = Watch { kind, log: server.folder().join(log), url: &url, server: &server };
    let mut faults = Vec::new();
    // Each once more: what a server has prepared, it does not always do as it did when it was new.
    for (caller, query, most) in cases(images).into_iter().chain(cases(images)) {
        let path = format!("/v2/images{query}");
        let before = watch.now();
        let answer = app.get(caller, &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        // What the connection is asked next is done when the last statement is in the log.
        app.app.db.ping().await.unwrap();
        let looked = watch.since(before);
        if looked.rows > most || !looked.scans.is_empty() {
            let (name, scans) = (caller.name, looked.scans.join("; "));
            faults.push(format!("{name} {path}: {} rows of at most {most}; scans: {scans}", looked.rows));
        }
    }
    assert!(faults.is_empty(), "{kind:?}, {images} images:\n{}", faults.join("\n"));
}

/// Who asks for what, and how many rows may be looked at for it.
fn cases(images: usize) -> Vec<(Caller, String, u64)> {
    let mut cases = Vec::new();
    let middle = format!("00000000-0000-4000-8000-{:012}", images / 2 / 1000 * 1000 + 18);
    for caller in [MEMBER, ADMIN] {
        cases.push((caller, format!("/{middle}"), 30));
        for key in ["name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"] {
            for direction in ["asc", "desc"] {
                for marker in ["", "&marker="] {
                    let marker = if marker.is_empty() { String::new() } else { format!("{marker}{middle}") };
                    cases.push((caller, format!("?limit=25&sort_key={key}&sort_dir={direction}{marker}"), ROWS_MAX));
                }
            }
        }
    }
    let common = [
        ("name=name-4242", ROWS_MAX),
        ("name=in:name-4242,name-4243,name-4245", ROWS_MAX),
        ("status=active", ROWS_MAX),
        ("status=queued", ROWS_LONGER_MAX),
        ("visibility=public", ROWS_MAX),
        ("visibility=shared", ROWS_MAX),
        ("visibility=community", ROWS_SORTED_MAX),
        ("visibility=all", ROWS_MAX),
        ("owner=p1", ROWS_MAX),
        ("owner=p2", ROWS_SORTED_MAX),
        ("owner=nobody", ROWS_MAX),
        ("member_status=accepted", ROWS_MAX),
        ("member_status=all&visibility=shared", ROWS_MAX),
        ("os_hidden=true", ROWS_MAX),
        ("tag=all", ROWS_SORTED_MAX),
        ("tag=t42", ROWS_LONGER_MAX),
        // One of a hundred has it, and the member sees none of them: these are taken one by one.
        ("tag=t43", ROWS_LONGER_MAX + images as u64 / 8),
        ("tag=t43&sort=name:asc", ROWS_LONGER_MAX + images as u64 / 8),
        ("tag=rare", ROWS_MAX),
        ("tag=none", ROWS_MAX),
        ("os_distro=debian", ROWS_SORTED_MAX),
        ("number=4242", ROWS_MAX),
        ("number=none", ROWS_MAX),
        ("size_min=1000000", ROWS_SORTED_MAX),
        ("size_min=99999999999", ROWS_SORTED_MAX),
        ("size_min=4242000&size_max=4250000", ROWS_SORTED_MAX),
        ("size=4242000", ROWS_MAX),
        ("created_at=lt:2023-11-14T23:00:00Z", ROWS_SORTED_MAX),
        ("created_at=gt:2033-11-14T23:00:00Z", ROWS_SORTED_MAX),
        ("updated_at=gt:2023-11-14T23:00:00Z", ROWS_SORTED_MAX),
        ("updated_at=gt:2033-11-14T23:00:00Z", ROWS_SORTED_MAX),
        ("checksum=00000000000000000000000000004242", ROWS_MAX),
        ("os_hash_value=00000000000000000000000000004242", ROWS_MAX),
        ("disk_format=raw", ROWS_SORTED_MAX),
    ];
    for (filter, most) in common {
        for caller in [MEMBER, ADMIN, OTHER] {
            cases.push((caller, format!("?limit=25&{filter}"), most));
        }
        cases.push((ADMIN, format!("?limit=25&{filter}&marker={middle}"), most.max(ROWS_SORTED_MAX)));
    }
    // Who owns nothing sees few images of many, in whatever order.
    for key in ["name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"] {
        for direction in ["asc", "desc"] {
            cases.push((OTHER, format!("?limit=25&sort_key={key}&sort_dir={direction}"), ROWS_MAX));
        }
    }
    cases
}

/// What a server looked at.
#[derive(Debug, Default)]
struct Looked {
    rows: u64,
    /// Where it used no index.
    scans: Vec<String>,
}

/// Where a server says what it looks at.
struct Watch<'a> {
    kind: Kind,
    log: PathBuf,
    url: &'a str,
    server: &'a DatabaseServer,
}

impl Watch<'_> {
    /// How long the log is, and how many rows MariaDB has looked at, which it does not log for what an index answers.
    fn now(&self) -> (usize, u64) {
        let rows = match self.kind {
            Kind::MariaDb => self.server.ask(self.url, HANDLED).concat().parse().unwrap(),
            Kind::PostgreSql => 0,
        };
        (usize::try_from(fs::metadata(&self.log).unwrap().len()).unwrap(), rows)
    }

    fn since(&self, (length, rows): (usize, u64)) -> Looked {
        let text = fs::read(&self.log).unwrap();
        let text = String::from_utf8_lossy(&text[length..]);
        let mut looked = Looked::default();
        match self.kind {
            Kind::MariaDb => {
                looked.rows = (self.now().1 - rows).saturating_sub(ROWS_OF_A_LOOK);
                let steps = text.lines().filter_map(|line| line.strip_prefix("# explain: "));
                let whole = |step: &&str| {
                    let columns: Vec<&str> = step.split('\t').collect();
                    columns.get(3) == Some(&"ALL") && columns.get(2).is_some_and(|table| table.starts_with("image"))
                };
                looked.scans = steps.filter(whole).map(str::to_owned).collect();
            }
            Kind::PostgreSql => {
                for plan in text.split("plan:\n").skip(1) {
                    let plan = serde_json::Deserializer::from_str(plan).into_iter::<Value>().next().unwrap().unwrap();
                    look_at(&plan["Plan"], &mut looked);
                }
            }
        }
        looked
    }
}

/// How many rows and entries of indexes MariaDB has looked at.
const HANDLED: &str = "SELECT CAST(SUM(variable_value) AS INTEGER) FROM information_schema.global_status \
    WHERE variable_name LIKE 'Handler_read_%' OR variable_name = 'Handler_icp_attempts';";
/// What asking for that adds to it.
const ROWS_OF_A_LOOK: u64 = 600;

fn look_at(step: &Value, looked: &mut Looked) {
    let number = |name: &str| step[name].as_f64().unwrap_or(0.0);
    let kind = step["Node Type"].as_str().unwrap_or_default();
    if kind.ends_with("Scan") && (step["Relation Name"].is_string() || step["Index Name"].is_string()) {
        let rows = number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of rows")]
        let rows = (rows * number("Actual Loops")) as u64;
        looked.rows += rows;
        // A table of a few rows is read as a whole by anybody.
        if kind == "Seq Scan"
            && step["Relation Name"].as_str().is_some_and(|table| table.starts_with("image"))
            && rows > 1000
        {
            looked.scans.push(step.to_string());
        }
    }
    for step in step["Plans"].as_array().into_iter().flatten() {
        look_at(step, looked);
    }
}

/// Writes the images, before there are the indexes that each of them would have to be entered in.
fn fill(server: &DatabaseServer, url: &str, images: usize) {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("glance-api.conf");
    fs::write(&conf, format!("[database]\nconnection = {url}\n")).unwrap();
    for step in ["expand", "contract"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glint"));
        assert!(command.args(["db", step, "--config-file"]).arg(&conf).status().unwrap().success());
    }
    server.ask(url, &rows(server.kind(), images));
}

fn analysis(kind: Kind) -> &'static str {
    match kind {
        Kind::MariaDb => "ANALYZE TABLE images, image_properties, image_tags, image_members, image_locations;",
        Kind::PostgreSql => "VACUUM ANALYZE images, image_properties, image_tags, image_members, image_locations;",
    }
}

/// Half of the images are the member's. Few are public, and few are shared: who owns nothing sees few. Somebody is a member of half of
/// them, so that a server expects as much of everybody.
fn rows(kind: Kind, images: usize) -> String {
    let (numbers, at, yes) = match kind {
        Kind::MariaDb => (
            format!("(SELECT seq AS i FROM seq_0_to_{}) AS numbers", images - 1),
            "TIMESTAMP'2023-11-14 22:13:20' + INTERVAL i SECOND",
            "1",
        ),
        Kind::PostgreSql => (
            format!("generate_series(0, {}) AS numbers (i)", images - 1),
            "TIMESTAMP '2023-11-14 22:13:20' + i * INTERVAL '1 second'",
            "true",
        ),
    };
    let no = if yes == "1" { "0" } else { "false" };
    let id = "CONCAT('00000000-0000-4000-8000-', LPAD(CAST(i AS CHAR(12)), 12, '0'))";
    let hash = "LPAD(CAST(i AS CHAR(12)), 32, '0')";
    let visibility = "CASE WHEN i < 40 THEN 'public' WHEN i % 1000 = 3 THEN 'community' WHEN i % 7 = 0 THEN 'private' \
         ELSE 'shared' END";
    let visibility = if kind == Kind::PostgreSql {
        format!("CAST({visibility} AS image_visibility)")
    } else {
        visibility.to_owned()
    };
    let truth = |condition: &str| format!("CASE WHEN {condition} THEN {yes} ELSE {no} END");
    format!(
        "INSERT INTO images (id, name, size, status, created_at, updated_at, deleted, disk_format, container_format, checksum,
             owner, min_disk, min_ram, protected, visibility, os_hidden, os_hash_algo, os_hash_value)
           SELECT {id}, CASE WHEN i % 50 = 8 THEN NULL ELSE CONCAT('name-', i) END,
             CASE WHEN i % 20 = 6 THEN NULL ELSE i * 1000 END,
             CASE i % 100 WHEN 2 THEN 'queued' WHEN 3 THEN 'deactivated' ELSE 'active' END, {at}, {at}, {deleted},
             CASE WHEN i % 10 = 0 THEN 'raw' ELSE 'qcow2' END, 'bare', {hash},
             CASE i % 2 WHEN 0 THEN 'p1' ELSE 'somebody' END, 0, 0, {protected}, {visibility}, {hidden}, 'sha512', {hash}
           FROM {numbers};
         INSERT INTO image_properties (image_id, name, value, created_at, deleted)
           SELECT {id}, 'number', i, {at}, {no} FROM {numbers};
         INSERT INTO image_properties (image_id, name, value, created_at, deleted)
           SELECT {id}, 'os_distro', CASE WHEN i % 10 = 4 THEN 'debian' ELSE 'other' END, {at}, {no} FROM {numbers};
         INSERT INTO image_tags (image_id, value, created_at, deleted) SELECT {id}, 'all', {at}, {no} FROM {numbers};
         INSERT INTO image_tags (image_id, value, created_at, deleted)
           SELECT {id}, CASE WHEN i < 10 THEN 'rare' ELSE CONCAT('t', i % 100) END, {at}, {no} FROM {numbers};
         INSERT INTO image_members (image_id, member, can_share, status, created_at, deleted)
           SELECT {id}, CASE i % 1000 WHEN 1 THEN 'p1' ELSE 'p2' END, {no}, 'accepted', {at}, {no} FROM {numbers}
           WHERE i % 1000 IN (1, 2) AND i < 20000;
         INSERT INTO image_members (image_id, member, can_share, status, created_at, deleted)
           SELECT {id}, 'crowd', {no}, 'pending', {at}, {no} FROM {numbers} WHERE i % 2 = 1;
         INSERT INTO image_locations (image_id, value, meta_data, status, created_at, deleted)
           SELECT {id}, CONCAT('file:///store/', i), '{{}}', 'active', {at}, {no} FROM {numbers};\n",
        deleted = truth("i % 20 = 7"),
        protected = truth("i = 11"),
        hidden = truth("i % 100 = 5"),
    )
}
