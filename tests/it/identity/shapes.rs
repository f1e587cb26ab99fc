//! The JSON of every answer, as clients see it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Service, TOKENS, credential_login, in_project, scoped, with_credential, with_token};

#[tokio::test]
async fn shapes() {
    let service = Service::new().await;
    let (demo, said) = service.token("demo", None).await;
    let (admin, _) = service.token("admin", None).await;
    let user_id = said["user"]["id"].as_str().unwrap().to_owned();
    let project_id = said["project"]["id"].as_str().unwrap().to_owned();
    let wanted = json!({ "name": "c", "roles": [{ "name": "reader" }], "expires_at": "2999-01-01T00:00:00" });
    let created = service.credential(&demo, wanted).await.json();
    let credential_id = created["application_credential"]["id"].as_str().unwrap();
    let by_credential = with_credential(&credential_login(&created["application_credential"]));

    let mut all = Vec::new();
    for (title, login) in [
        ("a token for a project", service.demo()),
        ("a token for nothing", scoped(service.demo(), Some(json!("unscoped")))),
        ("a token made with another", scoped(with_token(&demo), Some(in_project("demo")))),
        ("a token of an application credential", by_credential),
        ("a login that is refused", json!({ "auth": { "identity": { "methods": [] } } })),
    ] {
        all.push((format!("POST {TOKENS}: {title}"), service.log_in(&login).await.json()));
    }
    all.push(("POST /identity/v3/users/{}/application_credentials".into(), created.clone()));
    for (token, path) in [
        (&demo, ""),
        (&demo, "/v3"),
        (&demo, "/v3/auth/catalog"),
        (&demo, "/v3/auth/projects"),
        (&demo, "/v3/auth/domains"),
        (&demo, "/v3/auth/system"),
        (&admin, "/v3/domains"),
        (&demo, "/v3/domains/default"),
        (&demo, "/v3/projects"),
        (&demo, &format!("/v3/projects/{project_id}")),
        (&demo, "/v3/users"),
        (&demo, &format!("/v3/users/{user_id}")),
        (&demo, &format!("/v3/users/{user_id}/projects")),
        (&demo, &format!("/v3/users/{user_id}/application_credentials")),
        (&demo, &format!("/v3/users/{user_id}/application_credentials/{credential_id}")),
        (&demo, "/v3/roles?name=reader"),
        (&admin, &format!("/v3/role_assignments?user.id={user_id}")),
        (&admin, &format!("/v3/role_assignments?user.id={user_id}&include_names")),
        (&demo, "/v3/services"),
        (&demo, "/v3/endpoints?interface=public"),
        (&demo, "/v3/regions"),
        (&demo, "/v3/regions/RegionOne"),
        (&demo, "/v3/regions/elsewhere"),
        (&demo, "/v3/role_assignments"),
    ] {
        let answer = service.get(token, &format!("/identity{path}")).await;
        all.push((format!("GET /identity{path}"), answer.json()));
    }
    let mut hidden = Hidden::default();
    let mut text = String::new();
    for (title, mut value) in all {
        hidden.hide(&mut value);
        let title = hidden.hidden(&title);
        write!(text, "## {title}\n{value:#}\n\n").unwrap();
    }
    crate::harness::golden::matches("identity-shapes.txt", &text);
}

/// Words for what is different each time, the same word for the same thing.
#[derive(Default)]
struct Hidden {
    seen: BTreeMap<String, String>,
}

impl Hidden {
    fn hide(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (name, value) in map.iter_mut() {
                    match name.as_str() {
                        "issued_at" => *value = hidden_time(value, "now"),
                        "expires_at" if !value.as_str().is_some_and(|at| at.starts_with("2999")) => {
                            *value = hidden_time(value, "end");
                        }
                        "secret" => *value = json!("<secret>"),
                        "audit_ids" => {
                            for id in value.as_array_mut().unwrap() {
                                *id = json!("<audit id>");
                            }
                        }
                        _ => self.hide(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide(value)),
            Value::String(text) => *text = self.hidden(text),
            _ => {}
        }
    }

    /// `text` with a word for each id. Those that are the same everywhere stay.
    fn hidden(&mut self, text: &str) -> String {
        let mut shown = text.to_owned();
        for word in text.split(|char: char| !char.is_ascii_hexdigit()).filter(|word| word.len() == 32) {
            if !word.starts_with("6a1a5f5e") {
                let next = format!("<id {}>", self.seen.len() + 1);
                let name = self.seen.entry(word.to_owned()).or_insert(next);
                shown = shown.replace(word, name);
            }
        }
        shown
    }
}

/// `name` for a time, in the form that it has.
fn hidden_time(value: &Value, name: &str) -> Value {
    let Some(text) = value.as_str() else {
        return Value::Null;
    };
    let form: String = text.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    json!(format!("<{name}: {form}>"))
}
