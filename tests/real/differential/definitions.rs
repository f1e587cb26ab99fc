//! Random stories about metadata definitions: namespaces are made with whatever in them, changed, looked at and emptied.
//!
//! Told by administrators and by people of the project that owns everything: what others are told of namespaces that are
//! hidden from them, and what becomes of a thing that gets a name that is taken, are rows of docs/compat.md.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Pair;
use super::sequences::{SITE, side_by_side, tell};
use super::servers::Site;
use super::table::Request;
use crate::database_server::{DatabaseServer, Kind};

/// How many stories there are.
const STORIES: u32 = 32;
/// How many of them a database server is told.
const STORIES_ON_A_SERVER: u32 = 16;

const NAMESPACES: [&str; 2] = ["a", "b"];
const NAMES: [&str; 4] = ["x", "y", "z", "X"];
const TYPES: [&str; 3] = ["OS::Glance::Image", "OS::Nova::Flavor", "My::Type"];

#[test]
fn random_definitions() {
    tell(side_by_side, STORIES, step(), |_| String::new(), story);
}

#[test]
fn random_definitions_on_mariadb() {
    on_a_server(Kind::MariaDb);
}

#[test]
fn random_definitions_on_postgresql() {
    on_a_server(Kind::PostgreSql);
}

fn on_a_server(kind: Kind) {
    let server = DatabaseServer::start(kind);
    let both = |_: &Path| {
        let [theirs, ours] = ["theirs", "ours"].map(|whose| server.make(whose));
        Site::with_database(SITE, &[], &theirs).make_tables();
        Pair::on_a_server(SITE, &[], &theirs, &ours)
    };
    tell(both, STORIES_ON_A_SERVER, step(), |_| String::new(), story);
}

/// Whoever has told it looks at what is left.
fn story(steps: &[Step], number: usize) -> Vec<Request> {
    let story = steps.iter().map(|step| step.request(number));
    let looks = NAMESPACES
        .iter()
        .flat_map(|name| ["member", "admin"].map(|who| asked(who, "GET", &format!("{ROOT}/{name}{number}"), None)));
    story.chain(looks).collect()
}

const ROOT: &str = "/v2/metadefs/namespaces";

/// One step: somebody does something with one of the namespaces.
#[derive(Clone, Debug)]
struct Step {
    who: &'static str,
    namespace: &'static str,
    deed: Deed,
}

#[derive(Clone, Debug)]
enum Deed {
    /// Makes or replaces it, with these members.
    Write(&'static str, Vec<(&'static str, Value)>),
    /// Does something to what is in it, below this path.
    Ask(&'static str, String, Option<Value>),
    /// Adds tags to those there are.
    Append(Value),
    List(String),
}

impl Step {
    fn request(&self, number: usize) -> Request {
        let name = format!("{}{number}", self.namespace);
        match &self.deed {
            Deed::Write(method, members) => {
                let mut body = json!({"namespace": name, "owner": "p1"});
                for (name, value) in members {
                    body[*name] = value.clone();
                }
                let path = if *method == "PUT" { format!("{ROOT}/{name}") } else { ROOT.to_owned() };
                asked(self.who, method, &path, Some(&body))
            }
            Deed::Ask(method, path, body) => asked(self.who, method, &format!("{ROOT}/{name}{path}"), body.as_ref()),
            Deed::Append(body) => {
                let mut request = asked(self.who, "POST", &format!("{ROOT}/{name}/tags"), Some(body));
                request.headers.push(("X-Openstack-Append".to_owned(), Some("true".to_owned())));
                request
            }
            Deed::List(query) => asked(self.who, "GET", &format!("{ROOT}?{query}"), None),
        }
    }
}

fn asked(who: &str, method: &str, path: &str, body: Option<&Value>) -> Request {
    Request {
        who: who.to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: body.map(|body| body.to_string().into_bytes()),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![6 => Just("admin"), 1 => Just("member"), 1 => Just("reader")];
    (who, prop::sample::select(NAMESPACES.to_vec()), deed()).prop_map(|(who, namespace, deed)| Step {
        who,
        namespace,
        deed,
    })
}

fn deed() -> impl Strategy<Value = Deed> {
    let name = || prop::sample::select(NAMES.to_vec());
    let resource_type = || prop::sample::select(TYPES.to_vec());
    let kind = || prop::sample::select(vec!["objects", "properties", "tags"]);
    prop_oneof![
        6 => prop::collection::vec(member(), 0..5).prop_map(|members| Deed::Write("POST", members)),
        2 => prop::collection::vec(member(), 0..3).prop_map(|members| Deed::Write("PUT", members)),
        2 => Just(Deed::Ask("GET", String::new(), None)),
        1 => resource_type().prop_map(|of| Deed::Ask("GET", format!("?resource_type={of}"), None)),
        3 => object().prop_map(|object| Deed::Ask("POST", "/objects".to_owned(), Some(object))),
        3 => (name(), schema()).prop_map(|(name, schema)| Deed::Ask("POST", "/properties".to_owned(), Some(named(schema, name)))),
        2 => name().prop_map(|name| Deed::Ask("POST", format!("/tags/{name}"), None)),
        2 => tags().prop_map(|tags| Deed::Ask("POST", "/tags".to_owned(), Some(json!({"tags": tags})))),
        2 => tags().prop_map(|tags| Deed::Append(json!({"tags": tags}))),
        3 => association().prop_map(|new| Deed::Ask("POST", "/resource_types".to_owned(), Some(new))),
        // A thing keeps its name: what becomes of one that gets another's is not the same.
        2 => (name(), object()).prop_map(|(name, object)| Deed::Ask("PUT", format!("/objects/{name}"), Some(named(object, name)))),
        2 => (name(), schema()).prop_map(|(name, schema)| Deed::Ask("PUT", format!("/properties/{name}"), Some(named(schema, name)))),
        2 => (name(), name()).prop_map(|(old, new)| Deed::Ask("PUT", format!("/tags/{old}"), Some(json!({"name": new})))),
        3 => (kind(), name()).prop_map(|(kind, name)| Deed::Ask("GET", format!("/{kind}/{name}"), None)),
        2 => (name(), resource_type()).prop_map(|(name, of)| Deed::Ask("GET", format!("/properties/p_{name}?resource_type={of}"), None)),
        2 => (kind(), name()).prop_map(|(kind, name)| Deed::Ask("DELETE", format!("/{kind}/{name}"), None)),
        1 => resource_type().prop_map(|of| Deed::Ask("DELETE", format!("/resource_types/{of}"), None)),
        3 => prop::sample::select(vec!["objects", "properties", "tags", "resource_types"]).prop_map(|kind| Deed::Ask("GET", format!("/{kind}"), None)),
        1 => kind().prop_map(|kind| Deed::Ask("DELETE", format!("/{kind}"), None)),
        1 => Just(Deed::Ask("DELETE", String::new(), None)),
        2 => query().prop_map(Deed::List),
    ]
}

/// A member of a namespace, with a value that it may have, or may not. Names come once, without regard to case: of what fails
/// halfway, the reference leaves something.
fn member() -> impl Strategy<Value = (&'static str, Value)> {
    let one = |name: &'static str, values: Vec<Value>| {
        prop::sample::select(values).prop_map(move |value| (name, value)).boxed()
    };
    let text =
        vec![json!("a"), json!("ünïcode"), json!(""), json!("it's"), json!("x".repeat(81)), json!(1), Value::Null];
    prop_oneof![
        1 => one("display_name", text.clone()),
        1 => one("description", text),
        2 => one("visibility", vec![json!("public"), json!("private"), json!("x"), Value::Null]),
        1 => one("protected", vec![json!(true), json!(false), json!("true")]),
        2 => prop::collection::vec(object(), 0..2).prop_map(|objects| ("objects", json!(objects))),
        2 => (prop::sample::select(NAMES.to_vec()), schema()).prop_map(|(name, schema)| ("properties", json!({name: schema}))),
        2 => prop::sample::subsequence(NAMES[..3].to_vec(), 0..4).prop_map(|names| ("tags", all_named(&names))),
        2 => association().prop_map(|new| ("resource_type_associations", json!([new]))),
        1 => one("self", vec![json!("x")]),
        1 => one("x", vec![json!("x")]),
    ]
}

fn object() -> impl Strategy<Value = Value> {
    let required =
        prop::sample::select(vec![json!([]), json!(["x"]), json!(["x", "y"]), json!(["x", "x"]), json!("x")]);
    let properties = prop::collection::vec((prop::sample::select(NAMES.to_vec()), schema()), 0..3);
    (prop::sample::select(NAMES.to_vec()), prop::option::of(required), prop::option::of(properties)).prop_map(
        |(name, required, properties)| {
            let mut object = json!({"name": name});
            if let Some(required) = required {
                object["required"] = required;
            }
            if let Some(properties) = properties {
                object["properties"] = properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
            }
            object
        },
    )
}

/// The schema of a property.
fn schema() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["string", "integer", "number", "boolean", "array", "object", "x"]);
    let more = prop::sample::select(vec![
        ("minimum", json!(1)),
        ("maximum", json!(2.5)),
        ("minLength", json!(-1)),
        ("maxLength", json!(7)),
        ("pattern", json!("^a")),
        ("enum", json!(["a", "b"])),
        ("enum", json!("a")),
        ("default", json!("a")),
        ("default", json!(7)),
        ("default", json!(true)),
        ("default", json!([1])),
        ("readonly", json!(true)),
        ("readonly", json!("true")),
        ("operators", json!(["<in>"])),
        ("items", json!({"type": "string", "enum": ["a"]})),
        ("uniqueItems", json!(true)),
        ("description", json!("ü")),
    ]);
    (kind, prop::collection::vec(more, 0..3)).prop_map(|(kind, more)| {
        let mut schema = json!({"title": "T", "type": kind});
        for (name, value) in more {
            schema[name] = value;
        }
        schema
    })
}

fn named(mut thing: Value, name: &str) -> Value {
    thing["name"] = name.into();
    thing
}

fn tags() -> impl Strategy<Value = Value> {
    prop::collection::vec(prop::sample::select(NAMES.to_vec()), 0..4).prop_map(|names| all_named(&names))
}

fn all_named(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name})).collect()
}

fn association() -> impl Strategy<Value = Value> {
    let prefix = prop::sample::select(vec![json!("p_"), json!("p_"), json!(""), json!("x".repeat(80)), json!(1)]);
    (prop::sample::select(TYPES.to_vec()), prop::option::of(prefix)).prop_map(|(name, prefix)| match prefix {
        Some(prefix) => json!({"name": name, "prefix": prefix}),
        None => json!({"name": name}),
    })
}

fn query() -> impl Strategy<Value = String> {
    let filter = prop::sample::select(vec!["", "visibility=public", "visibility=private", "resource_types=My::Type"]);
    let sort = prop::sample::select(vec!["", "&sort_key=namespace", "&sort_key=protected&sort_dir=asc", "&limit=1"]);
    (filter, sort).prop_map(|(filter, sort)| format!("{filter}{sort}"))
}
