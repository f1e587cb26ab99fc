//! Random stories: images are created, changed, tagged, shared, filled, switched off and deleted, in any order and with
//! any values, and after every step both servers have said the same.

use std::fmt::Debug;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::{Value, json};

use super::servers::Reference;
use super::table::{Case, Request};
use super::{Pair, Score, reference_is_there, rows_of_compat};
use crate::database_server::{DatabaseServer, Kind};

/// The configuration that they are told with.
pub const SITE: &str = "plain";
/// How many stories there are.
const STORIES: u32 = 48;
/// The most steps of one.
const STEPS_MAX: usize = 24;
/// How many images a story may be about.
const IMAGES: usize = 3;
/// Another seed tells other stories.
const SEED: &str = "GLINT_DIFFERENTIAL_SEED";

#[test]
fn random_stories() {
    tell(side_by_side, STORIES, step(), ids, story);
}

/// The same, where Glint and the reference serve one database and one store, and are asked by turns: nobody can tell which of
/// them has answered.
#[test]
fn random_stories_of_both_together() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}/shared.sqlite", folder.path().display());
    let together = |empty: &Path| Pair::mixed(Reference::on_its_own(SITE, empty, &[]), SITE, &url);
    tell(together, STORIES, step(), ids, story);
}

#[test]
fn random_stories_of_both_together_on_mariadb() {
    together_on(Kind::MariaDb);
}

#[test]
fn random_stories_of_both_together_on_postgresql() {
    together_on(Kind::PostgreSql);
}

/// The reference alone has a server's database, too: in which order rows come, and what fits into them, is the server's.
fn together_on(kind: Kind) {
    let server = DatabaseServer::start(kind);
    let [alone, shared] = ["alone", "shared"].map(|name| server.make(name));
    let together = |_: &Path| Pair::mixed(Reference::with_database(SITE, &[], &alone), SITE, &shared);
    tell(together, STORIES, step(), ids, story);
}

fn story(steps: &[Step], number: usize) -> Vec<Request> {
    steps.iter().map(|step| step.request(number)).chain(ending(number)).collect()
}

/// Both, each with a database of its own.
pub fn side_by_side(empty: &Path) -> Pair {
    Pair::start(SITE, empty, &[])
}

/// Tells the pair that `start` makes, which finds a database in a file or leaves one there, `stories` of random steps, each of
/// which is made into requests with its number. Ids that the story of a number has by itself are its `own`.
#[expect(clippy::print_stdout, reason = "how many answers were compared is worth reading")]
pub fn tell<S: Debug>(
    start: impl FnOnce(&Path) -> Pair,
    stories: u32,
    step: impl Strategy<Value = S>,
    own: impl Fn(usize) -> String,
    requests: impl Fn(&[S], usize) -> Vec<Request>,
) {
    if !reference_is_there() {
        return;
    }
    let seed: u64 = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x676c_696e);
    let scratch = tempfile::tempdir().unwrap();
    let pair = start(&scratch.path().join("empty.sqlite"));
    let known = rows_of_compat();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases: stories, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let (compared, number) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let told = TestRunner::new_with_rng(config, rng).run(&prop::collection::vec(step, 1..STEPS_MAX), |steps| {
        number.set(number.get() + 1);
        let requests = requests(&steps, number.get()).into_iter();
        let cases: Vec<Case> =
            requests.enumerate().map(|(line, request)| Case { line, request, ..Case::default() }).collect();
        let mut score = Score::default();
        pair.compare("story", &cases, &own(number.get()), &known, &mut score);
        compared.set(compared.get() + score.compared);
        score.wrong.is_empty().then_some(()).ok_or_else(|| TestCaseError::fail(score.wrong.join("\n\n")))
    });
    println!("seed {seed}: {} stories, {} requests compared", number.get(), compared.get());
    match told {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => panic!("seed {seed}: {why}\n\nthe story: {steps:#?}"),
        Err(other) => panic!("seed {seed}: {other}"),
    }
}

/// The id of image `at` of story `number`.
fn id(number: usize, at: usize) -> String {
    format!("00000000-0000-4000-8000-{number:08x}{at:04x}")
}

fn ids(number: usize) -> String {
    (0..IMAGES).map(|at| id(number, at)).collect::<Vec<_>>().join(" ")
}

/// What every story ends with: everybody looks at everything that is left.
fn ending(number: usize) -> Vec<Request> {
    let look =
        |who: &str, path: String| Request { who: who.to_owned(), method: "GET".to_owned(), path, ..Request::default() };
    let mut requests: Vec<Request> = Vec::new();
    for who in WHO {
        requests.push(look(who, format!("/v2/images?story={number}&visibility=all")));
        requests.push(look(who, format!("/v2/images?story={number}&os_hidden=true&member_status=all")));
    }
    for at in 0..IMAGES {
        requests.push(look("admin", format!("/v2/images/{}/file", id(number, at))));
        requests.push(look("admin", format!("/v2/images/{}/members", id(number, at))));
    }
    requests
}

const WHO: [&str; 4] = ["member", "other", "reader", "admin"];

/// One step: somebody does something with one of the images.
#[derive(Clone, Debug)]
struct Step {
    who: &'static str,
    image: usize,
    deed: Deed,
}

#[derive(Clone, Debug)]
enum Deed {
    Create(Vec<(&'static str, Value)>),
    Patch(Vec<Value>),
    Show,
    List(String),
    Tag(&'static str, &'static str),
    Share(Value),
    Answer(&'static str, Value),
    Unshare(&'static str),
    Upload(Vec<u8>, Option<usize>),
    Download,
    Switch(&'static str),
    Delete,
}

impl Step {
    fn request(&self, number: usize) -> Request {
        let id = id(number, self.image);
        let image = format!("/v2/images/{id}");
        let plain = |method: &str, path: String, body: Option<Vec<u8>>| Request {
            who: self.who.to_owned(),
            method: method.to_owned(),
            path,
            headers: Vec::new(),
            body,
        };
        let json = |method: &str, path: String, body: &Value| plain(method, path, Some(body.to_string().into_bytes()));
        let header = |mut request: Request, name: &str, value: &str| {
            request.headers.push((name.to_owned(), Some(value.to_owned())));
            request
        };
        match &self.deed {
            Deed::Create(attributes) => {
                let mut body = json!({"id": id, "story": number.to_string()});
                for (name, value) in attributes {
                    body[*name] = value.clone();
                }
                json("POST", "/v2/images".to_owned(), &body)
            }
            Deed::Patch(operations) => {
                let request = json("PATCH", image, &json!(operations));
                header(request, "Content-Type", "application/openstack-images-v2.1-json-patch")
            }
            Deed::Show => plain("GET", image, None),
            Deed::List(query) => plain("GET", format!("/v2/images?story={number}&{query}"), None),
            Deed::Tag(method, tag) => plain(method, format!("{image}/tags/{tag}"), None),
            Deed::Share(body) => json("POST", format!("{image}/members"), body),
            Deed::Answer(member, body) => json("PUT", format!("{image}/members/{member}"), body),
            Deed::Unshare(member) => plain("DELETE", format!("{image}/members/{member}"), None),
            Deed::Upload(bytes, size) => {
                let request = plain("PUT", format!("{image}/file"), Some(bytes.clone()));
                let request = header(request, "Content-Type", "application/octet-stream");
                match size {
                    Some(size) => header(request, "X-OpenStack-Image-Size", &size.to_string()),
                    None => request,
                }
            }
            Deed::Download => plain("GET", format!("{image}/file"), None),
            Deed::Switch(action) => plain("POST", format!("{image}/actions/{action}"), None),
            Deed::Delete => plain("DELETE", image, None),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![5 => Just("member"), 2 => Just("other"), 1 => Just("reader"), 2 => Just("admin")];
    (who, 0..IMAGES, deed()).prop_map(|(who, image, deed)| Step { who, image, deed })
}

fn deed() -> impl Strategy<Value = Deed> {
    let some = |most| prop::collection::vec(attribute(), 0..most);
    let member = || prop::sample::select(vec!["p1", "p2", "adm"]);
    let status = prop::sample::select(vec!["accepted", "rejected", "pending", "x"]);
    let bytes = prop::collection::vec(any::<u8>(), 0..100);
    let size = prop_oneof![3 => Just(None), 1 => (0_usize..100).prop_map(Some)];
    prop_oneof![
        6 => some(5).prop_map(Deed::Create),
        6 => prop::collection::vec(operation(), 0..4).prop_map(Deed::Patch),
        2 => Just(Deed::Show),
        4 => query().prop_map(Deed::List),
        2 => (prop::sample::select(vec!["PUT", "DELETE"]), prop::sample::select(vec!["a", "b", "c%20d"]))
            .prop_map(|(method, tag)| Deed::Tag(method, tag)),
        2 => member().prop_map(|member| Deed::Share(json!({"member": member}))),
        2 => (member(), status).prop_map(|(member, status)| Deed::Answer(member, json!({"status": status}))),
        1 => member().prop_map(Deed::Unshare),
        4 => (bytes, size).prop_map(|(bytes, size)| Deed::Upload(bytes, size)),
        2 => Just(Deed::Download),
        2 => prop::sample::select(vec!["deactivate", "reactivate"]).prop_map(Deed::Switch),
        1 => Just(Deed::Delete),
    ]
}

/// An attribute or a property with a value that it may have, or may not.
fn attribute() -> impl Strategy<Value = (&'static str, Value)> {
    let one = |name: &'static str, values: Vec<Value>| {
        prop::sample::select(values).prop_map(move |value| (name, value)).boxed()
    };
    let text =
        vec![json!("a"), json!("b"), json!(""), json!("ünïcode"), json!("it's"), json!("x".repeat(256)), json!(1)];
    let nullable = [text.clone(), vec![Value::Null]].concat();
    let truth = vec![json!(true), json!(false), json!("true"), Value::Null];
    let number = vec![json!(0), json!(1), json!(7), json!(-1), json!("1"), json!(2_147_483_647_u32), Value::Null];
    prop_oneof![
        3 => one("disk_format", vec![json!("raw"), json!("raw"), json!("raw"), Value::Null, json!("x")]),
        3 => one("container_format", vec![json!("bare"), json!("bare"), json!("bare"), Value::Null, json!("x")]),
        2 => one("name", nullable),
        2 => one("visibility", ["private", "shared", "community", "public", "x"].map(Value::from).to_vec()),
        1 => one("protected", truth.clone()),
        1 => one("os_hidden", truth),
        1 => one("min_ram", number.clone()),
        1 => one("min_disk", number),
        2 => one("tags", vec![json!([]), json!(["a", "b"]), json!(["a", "a"]), json!([1]), json!("a")]),
        1 => one("owner", vec![json!("p1"), json!("p2"), json!(""), Value::Null]),
        2 => one("p", text.clone()),
        2 => one("q", text),
        1 => one("status", vec![json!("active"), json!("x")]),
        1 => one("size", vec![json!(1), Value::Null]),
        1 => one("os_glance_x", vec![json!("x")]),
    ]
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "replace", "replace", "remove"]);
    (op, attribute()).prop_map(|(op, (name, value))| match (op, name) {
        ("remove", name) => json!({"op": "remove", "path": format!("/{name}")}),
        // What `add` does to an owner is a row of docs/compat.md, and no story goes on the same after it.
        ("add", "owner") => json!({"op": "replace", "path": "/owner", "value": value}),
        (op, name) => json!({"op": op, "path": format!("/{name}"), "value": value}),
    })
}

fn query() -> impl Strategy<Value = String> {
    let filter = prop::sample::select(vec![
        "",
        "name=a",
        "name=in:a,b",
        "status=active",
        "status=in:queued,deactivated",
        "visibility=shared",
        "visibility=public",
        "visibility=community",
        "visibility=all",
        "member_status=all",
        "member_status=pending",
        "os_hidden=true",
        "protected=true",
        "tag=a",
        "p=a",
        "q=",
        "min_ram_min=1",
        "size_min=10",
        "size_max=50",
        "owner=p1",
        "disk_format=raw",
    ]);
    let sort = prop::sample::select(vec![
        "",
        "&sort=name:asc",
        "&sort=size:asc,name:desc",
        "&sort_key=status&sort_dir=asc",
        "&sort=updated_at",
        "&sort=id:asc",
        "&limit=1",
        "&limit=2&sort=created_at:asc",
    ]);
    (filter, sort).prop_map(|(filter, sort)| format!("{filter}{sort}"))
}
