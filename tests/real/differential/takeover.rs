//! A database goes from the reference to Glint and back: not a row is touched by the change, and everybody is told the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::compare::{self, Comparable, Names};
use super::servers::{Reference, Site};
use super::table::{Accepted, Request, Scope};
use super::{apart, headers_of, reference_is_there, rows_of_compat, verdict, wire};
use crate::database_server::{DatabaseServer, Kind};
use crate::venv;

/// What is told otherwise than by the reference, and the row of `docs/compat.md` that says why.
const HIDDEN: (&str, &str) = ("other /v2/metadefs/namespaces/N2", "a metadata namespace that others hide");
/// Who looks at everything.
const WHO: [&str; 3] = ["admin", "member", "other"];

#[test]
fn sqlite_from_the_reference_and_back() {
    let folder = tempfile::tempdir().unwrap();
    there_and_back(&format!("sqlite:///{}/glance.sqlite", folder.path().display()));
}

#[test]
fn mariadb_from_the_reference_and_back() {
    let server = DatabaseServer::start(Kind::MariaDb);
    there_and_back(&server.make("images"));
}

#[test]
fn postgresql_from_the_reference_and_back() {
    let server = DatabaseServer::start(Kind::PostgreSql);
    there_and_back(&server.make("images"));
}

#[expect(clippy::print_stdout, reason = "how much was compared is worth reading")]
fn there_and_back(url: &str) {
    if !reference_is_there() {
        return;
    }
    let site = Site::with_database("plain", &[], url);
    site.make_tables();
    python(url, &["fill", site.folder().join("store1").to_str().unwrap()]);
    let before = rows(url);

    let glint = site.glint();
    let ours = everything(&site, glint.address, &WHO);
    drop(glint);
    assert_eq!(lost(&before, url, &[]), [""; 0], "neither taking over nor looking touches a row");
    let reference = Reference::start(&site);
    // When it looks for the first time, it notes in locations which stores they are in, and does not say so yet.
    everything(&site, reference.address, &WHO[..1]);
    let theirs = everything(&site, reference.address, &WHO);
    drop(reference);
    assert_same(&theirs, &ours);

    let before = rows(url);
    let glint = site.glint();
    let touched = work(glint.address, [2, 6]);
    let ours = everything(&site, glint.address, &WHO);
    drop(glint);
    assert_eq!(lost(&before, url, &touched), [""; 0], "rows that nobody asked to change");

    let after = rows(url);
    let mut drop_extras = Command::new(env!("CARGO_BIN_EXE_glint"));
    assert!(drop_extras.args(["db", "drop-extras", "--config-file"]).arg(site.conf()).status().unwrap().success());
    assert_eq!(lost(&after, url, &[]), [""; 0], "what is ours goes without a trace");
    let reference = Reference::start(&site);
    let theirs = everything(&site, reference.address, &WHO);
    assert_same(&theirs, &ours);
    work(reference.address, [11, 24]);
    println!("{} answers and {} rows compared", 2 * theirs.len(), before.len());
}

/// A request, and what is compared of its answer.
type Told = (String, Comparable);

/// What these callers are told of everything that there is.
fn everything(site: &Site, address: SocketAddr, callers: &[&str]) -> Vec<Told> {
    let look = |who: &str, path: &str| {
        let request = Request { method: "GET".into(), path: path.into(), ..Request::default() };
        let answer = wire::ask_until(address, &request, &headers_of(who));
        let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        let names = Names { kept: &[], folder: site.folder(), own: "", sets: &["tags"] };
        ((format!("{who} {path}"), compare::comparable(&answer, &names)), body)
    };
    let mut told = Vec::new();
    let mut see = |who: &str, path: &str| {
        let (one, body) = look(who, path);
        told.push(one);
        body
    };
    for who in callers {
        for query in
            ["visibility=all", "os_hidden=true", "member_status=all", "sort=name:asc,size:desc", "tag=a", "size_min=21"]
        {
            see(who, &format!("/v2/images?limit=1000&{query}"));
        }
        let all = see(who, "/v2/images?limit=1000&sort=created_at:asc");
        let ids = all["images"].as_array().unwrap().iter().map(|image| image["id"].as_str().unwrap().to_owned());
        let of_fill = (0..72).map(|number| format!("00000001-0000-4000-8000-{number:012}"));
        let made = ids.filter(|id| !id.starts_with("00000001-")).collect::<Vec<_>>();
        for id in of_fill.chain(made) {
            for part in ["", "/file", "/members"] {
                see(who, &format!("/v2/images/{id}{part}"));
            }
        }
        see(who, "/v2/tasks");
        (0..12).for_each(|number| drop(see(who, &format!("/v2/tasks/00000002-0000-4000-8000-{number:012}"))));
        see(who, "/v2/metadefs/namespaces");
        see(who, "/v2/metadefs/resource_types");
        for namespace in ["N1", "N2"] {
            for part in
                ["", "/objects", "/objects/O", "/properties", "/properties/P", "/tags", "/tags/T", "/resource_types"]
            {
                see(who, &format!("/v2/metadefs/namespaces/{namespace}{part}"));
            }
        }
    }
    told
}

fn assert_same(theirs: &[Told], ours: &[Told]) {
    let known = rows_of_compat();
    let hidden = Accepted { row: HIDDEN.1.to_owned(), scope: Scope::Text };
    let mut wrong = String::new();
    for ((request, theirs), (_, ours)) in theirs.iter().zip(ours) {
        let told = verdict(None, theirs, ours, &known);
        let told = told.or_else(|fault| {
            let explained = request.starts_with(HIDDEN.0);
            if explained { verdict(Some(&hidden), theirs, ours, &known) } else { Err(fault) }
        });
        if let Err(fault) = told {
            // Writing to a String cannot fail.
            let _ = write!(wrong, "{request}: {fault}\n{}", apart(theirs, ours));
        }
    }
    assert!(theirs.len() == ours.len() && wrong.is_empty(), "{wrong}");
}

/// Changes of every kind, some of them to an image that is active and one that is deactivated, as `fill` has numbered them; the
/// ids of what they are about.
fn work(address: SocketAddr, [active, off]: [usize; 2]) -> Vec<String> {
    let send = |method: &str, path: &str, kind: &str, body: Vec<u8>| {
        let headers = vec![("Content-Type".to_owned(), Some(kind.to_owned()))];
        let request =
            Request { method: method.into(), path: path.into(), headers, body: Some(body), ..Request::default() };
        let answer = wire::ask_until(address, &request, &headers_of("admin"));
        assert!(
            (200..300).contains(&answer.status),
            "{method} {path}: {} {:?}",
            answer.status,
            answer.body.escape_ascii()
        );
        serde_json::from_slice::<Value>(&answer.body).unwrap_or_default()
    };
    let json = |method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        send(method, path, "application/json", body)
    };
    let filled = |number: usize| format!("00000001-0000-4000-8000-{number:012}");
    let mut touched = Vec::new();

    let new = json(
        "POST",
        "/v2/images",
        &json!({"name": "new", "disk_format": "raw", "container_format": "bare", "tags": ["x"], "p": "v"}),
    );
    let new = new["id"].as_str().unwrap().to_owned();
    send("PUT", &format!("/v2/images/{new}/file"), "application/octet-stream", b"new bytes".to_vec());
    json("POST", &format!("/v2/images/{new}/members"), &json!({"member": "p2"}));
    touched.push(new);
    let (active, off) = (filled(active), filled(off));
    let patch = json!([
        {"op": "replace", "path": "/name", "value": "renamed"},
        {"op": "add", "path": "/gone", "value": "again"},
        {"op": "remove", "path": "/viel"},
    ]);
    send(
        "PATCH",
        &format!("/v2/images/{active}"),
        "application/openstack-images-v2.1-json-patch",
        patch.to_string().into_bytes(),
    );
    json("PUT", &format!("/v2/images/{active}/tags/gone"), &Value::Null);
    json("POST", &format!("/v2/images/{active}/actions/deactivate"), &Value::Null);
    json("POST", &format!("/v2/images/{active}/actions/reactivate"), &Value::Null);
    json("POST", &format!("/v2/images/{off}/actions/reactivate"), &Value::Null);
    json("POST", &format!("/v2/images/{off}/actions/deactivate"), &Value::Null);
    touched.extend([active, off]);
    let spare = json("POST", "/v2/images", &json!({"name": "spare"}));
    let spare = spare["id"].as_str().unwrap().to_owned();
    send("DELETE", &format!("/v2/images/{spare}"), "application/json", Vec::new());
    touched.push(spare);
    let namespace = json!({"namespace": "Made", "visibility": "public"});
    json("POST", "/v2/metadefs/namespaces", &namespace);
    json("POST", "/v2/metadefs/namespaces/Made/tags/t", &Value::Null);
    send("DELETE", "/v2/metadefs/namespaces/Made", "application/json", Vec::new());
    touched
}

/// Those of the rows `before` that are not there any more as they were, but for those about `touched` ids.
fn lost(before: &BTreeSet<String>, url: &str, touched: &[String]) -> Vec<String> {
    let now = rows(url);
    before.difference(&now).filter(|row| !touched.iter().any(|id| row.contains(id))).cloned().collect()
}

/// Every row of the reference's tables.
fn rows(url: &str) -> BTreeSet<String> {
    python(url, &["rows"]).lines().map(str::to_owned).collect()
}

fn python(url: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/takeover.py");
    let mut python = Command::new(venv::reference().unwrap().join("bin/python"));
    let output = python.arg(script).arg(url).args(arguments).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
