//! Every rule asked by every kind of caller: the defaults as a table that a change of them has to change too.
//! `GLINT_ACCEPT=1 cargo test policy_matrix` writes the table anew.

use std::fmt::Write;

use crate::harness::golden;
use chrono::DateTime;
use glint::model::identity::Identity;
use glint::model::image::{Image, Visibility};
use glint::model::lifecycle::Status;
use glint::policy::{ImageTarget, Policy, Rule, Settings};
use serde_json::Map;

const OWNER: &str = "ours";

#[test]
fn the_defaults() {
    let old = Settings { enforce_new_defaults: false, ..Settings::default() };
    let old = Policy::new(&old, &Map::new()).expect("the defaults are readable");
    let mut table = legend();
    section(&mut table, "a private image of project ours", &Policy::default(), Visibility::Private);
    section(&mut table, "a shared image of project ours", &Policy::default(), Visibility::Shared);
    section(&mut table, "a private image of project ours, enforce_new_defaults=false", &old, Visibility::Private);
    golden::matches("policy-matrix.txt", &table);
}

/// The callers: name, roles, project, and whether the token is for the system.
const PERSONAS: [(&str, &[&str], Option<&str>, bool); 8] = [
    ("anonymous", &[], None, false),
    ("reader", &["reader"], Some(OWNER), false),
    ("member", &["member", "reader"], Some(OWNER), false),
    // Without the roles that Keystone lets it imply: alone it means nothing here.
    ("manager", &["manager"], Some(OWNER), false),
    ("admin", &["admin", "manager", "member", "reader"], Some("admins"), false),
    ("other", &["member", "reader"], Some("theirs"), false),
    ("service", &["service"], Some("services"), false),
    ("system", &["admin", "manager", "member", "reader"], None, true),
];

fn legend() -> String {
    let mut legend = String::new();
    for (name, roles, project, system) in PERSONAS {
        let roles = if roles.is_empty() { "-".to_owned() } else { roles.join(",") };
        let scope = if system { "system" } else { project.unwrap_or("-") };
        writeln!(legend, "{name:<10}roles {roles}, token for {scope}").expect("strings take everything");
    }
    legend
}

fn section(table: &mut String, title: &str, policy: &Policy, visibility: Visibility) {
    let image = image(visibility);
    let mut line = |cells: &[&str]| {
        let (last, cells) = cells.split_last().expect("a line has cells");
        let start = cells.iter().enumerate().fold(String::new(), |line, (at, cell)| {
            let width = if at == 0 { 42 } else { 10 };
            line + &format!("{cell:<width$}")
        });
        writeln!(table, "{start}{last}").expect("strings take everything");
    };
    line(&[""]);
    line(&[title]);
    let mut header = vec!["rule"];
    header.extend(PERSONAS.map(|persona| persona.0));
    line(&header);
    for rule in Rule::ALL {
        let mut cells = vec![rule.name()];
        for (_, roles, project, system) in PERSONAS {
            let caller = identity(roles, project, system);
            let target = ImageTarget { image: &image, caller: &caller };
            cells.push(if policy.check(rule, &caller, &target) { "yes" } else { "." });
        }
        line(&cells);
    }
}

fn identity(roles: &[&str], project: Option<&str>, system: bool) -> Identity {
    Identity {
        user_id: (!roles.is_empty()).then(|| "someone".to_owned()),
        project_id: project.map(str::to_owned),
        system_scope: system.then(|| "all".to_owned()),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Identity::default()
    }
}

fn image(visibility: Visibility) -> Image {
    Image {
        id: "71c675ab-d94f-49cd-a114-e12490b328d9".to_owned(),
        name: None,
        status: Status::Active,
        visibility,
        owner: Some(OWNER.to_owned()),
        container_format: None,
        disk_format: None,
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        min_disk: 0,
        min_ram: 0,
        protected: false,
        os_hidden: false,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: None,
        properties: [].into(),
        tags: [].into(),
        locations: Vec::new(),
    }
}
