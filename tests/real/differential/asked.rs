//! Rules that another service decides, in the policy and for single properties: it is asked the same by the reference and
//! by Glint, in both forms, and its answers mean the same to both.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::pace::Pace;
use super::servers::{Reference, Site};
use super::{Pair, Score, reference_is_there, rows_of_compat, table};
use crate::database::Engine;
use crate::wire::{Asked, Reply, Wire};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "how much was compared is worth reading")]
async fn other_services_are_asked_the_same() {
    if !reference_is_there() {
        return;
    }
    let table = table::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/differential/asked.txt"));
    let scratch = tempfile::tempdir().unwrap();
    for form in [FORM, JSON] {
        let asked_by = [Wire::start(answer).await, Wire::start(answer).await];
        let [theirs, ours] = asked_by.each_ref().map(|wire| names(wire, form));
        let mut score = Score::default();
        tokio::task::block_in_place(|| {
            let reference = Reference::on_its_own(&table.site, &scratch.path().join("empty.sqlite"), &theirs);
            let pair = Pair::beside(reference, Site::new(&table.site, &ours), &[], Engine::Sqlite, Pace::Free);
            pair.compare(form, &table.cases, &table.text, &rows_of_compat(), &mut score);
        });
        assert!(score.wrong.is_empty(), "{} unexplained:\n\n{}", score.wrong.len(), score.wrong.join("\n\n"));
        let [theirs, ours] = asked_by.map(|wire| questions(&wire, form));
        println!("{form}: {} requests, {} questions", score.compared, ours.len());
        assert!(ours.len() > 15, "{ours:#?}");
        let only_in =
            |one: &BTreeSet<String>, other| one.difference(other).cloned().collect::<Vec<String>>().join("\n");
        assert_eq!(theirs, ours, "theirs:\n{}\nours:\n{}", only_in(&theirs, &ours), only_in(&ours, &theirs));
    }
}

/// What the configurations name.
fn names(wire: &Wire, form: &str) -> Vec<(String, String)> {
    vec![(format!("http://{}", wire.address), "server".to_owned()), (form.to_owned(), "content_type".to_owned())]
}

/// What the service says, by the path.
fn answer(asked: &Asked) -> Reply {
    let says = |status, headers: &str, text: &str| Reply::Answer(status, headers.to_owned(), text.into());
    match asked.path.as_str() {
        "/list/p2" | "/false" => says(200, "", "False"),
        "/small" => says(200, "", "true"),
        "/broken" => says(500, "", "True"),
        "/redirected" => says(302, "Location: /elsewhere\r\n", ""),
        "/hang-up" => Reply::HangUp,
        "/silence" => Reply::Silence,
        path if path.starts_with("/quoted/") => says(200, "", "\"True\""),
        _ => says(200, "", "True"),
    }
}

/// All different questions that came. Where a redirection leads only the reference asks.
fn questions(wire: &Wire, form: &str) -> BTreeSet<String> {
    let seen = wire.seen();
    let questions = seen.iter().filter(|asked| asked.method == "POST").map(|asked| {
        assert_eq!(asked.header("content-type"), Some(form));
        let body: Value = if form == JSON { serde_json::from_slice(&asked.body).unwrap() } else { asked.form() };
        format!("{} {}", asked.path, sorted(&body))
    });
    questions.collect()
}

/// The text of `value` with the names of objects in order.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name}: {}", sorted(value))).collect();
            members.sort();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(sorted).collect::<Vec<_>>().join(", ")),
        plain => plain.to_string(),
    }
}
