//! The table of options beside the reference's own: every option that it has, we know, in the same form and with the
//! same default.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use glint::config::options::{self, Opt, Standing};
use glint::config::value::{Item, Kind};
use serde_json::{Value as Json, json};

use crate::{config, venv};

/// Groups that we leave alone as a whole.
const WITHOUT: &[&str] = &["profiler"];
/// Options whose form is freer with us.
const FREER: &[&str] = &["DEFAULT.pydev_worker_debug_host"];
/// Options that cannot be below zero with us.
const STRICTER: &[&str] = &["oslo_limit.timeout"];
/// Options that we show to nobody, though the reference does: there may be a password in the URL.
const MORE_SECRET: &[&str] = &["DEFAULT.transport_url"];

#[test]
#[expect(clippy::print_stdout, reason = "how many options were compared is worth reading")]
fn every_option_of_the_reference_is_known() {
    let Some(reference) = venv::reference() else {
        println!("SKIPPED: there is no reference here (GLINT_REFERENCE_VENV)");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/options.py");
    let output = Command::new(reference.join("bin/python")).arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (mut own, mut all) = (BTreeSet::new(), BTreeSet::new());
    let mut wrong = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let theirs: Json = serde_json::from_str(line).unwrap();
        let (group, name) = (theirs[0].as_str().unwrap(), theirs[1].as_str().unwrap());
        if WITHOUT.contains(&group) {
            continue;
        }
        if theirs[7] == true {
            own.insert(format!("{group}.{name}"));
        }
        all.insert(format!("{group}.{name}"));
        match find(group, name) {
            None => wrong.push(format!("[{group}] {name} is not known")),
            Some(ours) => wrong.extend(differences(ours, &theirs).map(|what| format!("[{group}] {name}: {what}"))),
        }
    }
    println!("{} options compared, {} of them the reference's own", all.len(), own.len());
    assert!(own.len() >= 67, "{own:?}");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn find(group: &str, name: &str) -> Option<&'static Opt> {
    let of_group = options::groups().filter(|known| known.name == group).flat_map(|known| known.options);
    let of_stores =
        ["file", "http"].iter().filter_map(|driver| options::of_driver(driver)).flatten().copied().flatten();
    of_group.chain(of_stores.filter(|_| group == "glance_store")).find(|option| option.name == name)
}

fn differences(ours: &Opt, theirs: &Json) -> impl Iterator<Item = String> {
    let name = format!("{}.{}", theirs[0].as_str().unwrap(), ours.name);
    let (form, limits) = form(ours.kind);
    let mut wrong = Vec::new();
    let mut hold = |what: &str, ours: Json, theirs: &Json| {
        if ours != *theirs {
            wrong.push(format!("{what} {ours}, and for the reference {theirs}"));
        }
    };
    if !FREER.contains(&name.as_str()) {
        hold("form", form.into(), &theirs[2]);
    }
    hold("secret", ours.secret.into(), &json!(theirs[6] == true || MORE_SECRET.contains(&name.as_str())));
    // What decides nothing here may be as it likes.
    if !matches!(ours.standing, Standing::Idle(_)) {
        hold("default", config::as_json(ours.default_value()), &theirs[3]);
        if !STRICTER.contains(&name.as_str()) {
            hold("limits", limits, &theirs[4]);
        }
        hold("choices", choices(ours.kind), &theirs[5]);
    }
    wrong.into_iter()
}

/// The class of such an option for oslo.config, and its limits.
fn form(kind: Kind) -> (&'static str, Json) {
    let limit = |number: i128| match number {
        i128::MIN | i128::MAX => json!(null),
        number => number.to_string().into(),
    };
    match kind {
        Kind::Text | Kind::Choice(_) | Kind::ChoiceInAnyCase(_) => ("StrOpt", json!([null, null])),
        Kind::Flag => ("BoolOpt", json!([null, null])),
        Kind::Number(0, 65535) => ("PortOpt", json!(["0", "65535"])),
        Kind::Number(least, most) => ("IntOpt", json!([limit(least), limit(most)])),
        Kind::Real => ("FloatOpt", json!(["0", null])),
        Kind::List | Kind::Bracketed(_) | Kind::Ports => ("ListOpt", json!([null, null])),
        Kind::Map => ("DictOpt", json!([null, null])),
        Kind::Lines => ("MultiStrOpt", json!([null, null])),
    }
}

fn choices(kind: Kind) -> Json {
    match kind {
        Kind::Choice(words) | Kind::ChoiceInAnyCase(words) => json!(words),
        Kind::Text
        | Kind::Flag
        | Kind::Number(..)
        | Kind::Real
        | Kind::List
        | Kind::Bracketed(Item::Text | Item::Choice(_) | Item::Host)
        | Kind::Ports
        | Kind::Map
        | Kind::Lines => json!(null),
    }
}
