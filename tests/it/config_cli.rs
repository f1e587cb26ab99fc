//! `glint config`: the operator's files at the terminal.

use std::fs;
use std::process::{Command, Output};

use crate::harness::golden;

const FILE: &str = "\
[DEFAULT]
debug = true
enabled_backends = fast:file, web:http
metadata_encryption_key =
transport_url = rabbit://user:secret@host
public_endpoint = http://$bind_host/$$
wrong = 1
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = /srv/fast
[oslo_policy]
policy_dirs = /a
policy_dirs = /b
[import_filtering_opts]
disallowed_hosts = [a.example, b.example]
[database]
connection = sqlite:////srv/glance.db
[paste_deploy]
config_file = PASTE
";

pub const PASTE: &str = "\
[pipeline:glance-api]
pipeline = context api
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[app:api]
paste.app_factory = glance.api.v2.router:API.factory
";

fn glint(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_glint"))
        .arg("config")
        .args(arguments)
        .env_remove("HOME")
        .env_remove("OS_GLANCE_CONFIG_DIR")
        .output()
        .unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_file_to_start_from() {
    let output = glint(&["sample"]);
    assert!(output.status.success());
    golden::matches("config-sample.txt", &text(output.stdout));
}

#[test]
fn what_a_file_says_and_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("paste.ini"), PASTE).unwrap();
    fs::write(path("glance-api.conf"), FILE.replace("PASTE", &path("paste.ini"))).unwrap();
    fs::write(path("bad.conf"), "[DEFAULT]\napi_limit_max = 0\nbind_port = 70000\n").unwrap();
    let file = path("glance-api.conf");
    let cases: [&[&str]; 5] = [
        &["show", "--given", "--config-file", &file],
        &["check", "--config-file", &file],
        &["check", "--config-file", &file, "--config-file", &path("bad.conf")],
        &["check"],
        &["check", "--config-dir", "/nowhere"],
    ];
    let mut all = String::new();
    for arguments in cases {
        let output = glint(arguments);
        let end = if output.status.success() { "" } else { "(ends with an error)\n" };
        let said =
            format!("$ glint config {}\n{}{}{end}\n", arguments.join(" "), text(output.stdout), text(output.stderr));
        all += &said.replace(folder.path().to_str().unwrap(), "");
    }
    assert!(!all.contains("secret"), "{all}");
    golden::matches("config.txt", &all);
    let everything = text(glint(&["show", "--config-file", &file]).stdout);
    assert!(everything.contains("\napi_limit_max = 1000\n"), "{everything}");
}
