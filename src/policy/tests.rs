//! Asking rules: defaults, an operator's rules, targets, scopes, limits and reasons.

use std::borrow::Cow;

use chrono::{DateTime, Duration};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::rules::Deprecation;
use super::target::ATTRIBUTES;
use super::{CallerTarget, ImageTarget, Nothing, Policy, Rule, Settings, Target, Undecided, new_image, parse};
use crate::model::identity::Identity;
use crate::model::image::{Image, Visibility};
use crate::model::lifecycle::Status;

/// A policy with these rules of an operator.
fn policy(rules: &Value) -> Policy {
    Policy::new(&Settings::default(), rules.as_object().expect("rules are a mapping")).expect("readable rules")
}

fn caller(roles: &[&str], project: Option<&str>) -> Identity {
    Identity {
        user_id: Some("user".to_owned()),
        project_id: project.map(str::to_owned),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Identity::default()
    }
}

fn image(owner: Option<&str>, visibility: Visibility) -> Image {
    Image {
        id: "7f3c".to_owned(),
        name: None,
        status: Status::Active,
        visibility,
        owner: owner.map(str::to_owned),
        container_format: Some("bare".to_owned()),
        disk_format: Some("qcow2".to_owned()),
        size: Some(3),
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        min_disk: 0,
        min_ram: 512,
        protected: true,
        os_hidden: false,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: Some(DateTime::UNIX_EPOCH + Duration::microseconds(1500)),
        properties: [("os_distro", "debian"), ("member_id", "p2"), ("project_id", "p2"), ("id", "p2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        tags: ["a".to_owned()].into(),
        locations: Vec::new(),
    }
}

/// What one rule text says to one caller about one small target: yes, no, or an error.
fn is_admin(policy: &Policy, caller: &Identity) -> bool {
    policy.check(Rule::ContextIsAdmin, caller, &CallerTarget(caller))
}

#[test]
fn checks() {
    let rules = json!({
        "yes": "@", "no": "!", "circle": "rule:circle", "odd": "http://host/%(missing)s",
        "twice": "rule:yes and rule:yes",
    });
    let caller = caller(&["Member", "É"], Some("p1"));
    let target = [("owner", Some("p1")), ("none", None), ("role", Some("MEMBER")), ("n", Some("1"))];
    for (text, answer) in [
        ("", Some(true)),
        ("role:member", Some(true)),
        ("role:MEMBER", Some(true)),
        ("role:é", Some(true)),
        ("role:%(role)s", Some(true)),
        ("role:%(missing)s", Some(false)),
        ("role:admin", Some(false)),
        ("roles:Member", Some(true)),
        ("roles:member", Some(false)),
        ("project_id:%(owner)s", Some(true)),
        ("project_id:p%(n)s", Some(true)),
        ("project_id:%(missing)s", Some(false)),
        ("not project_id:%(missing)s", Some(true)),
        ("user_domain_id:%(none)s", Some(true)),
        ("None:%(none)s", Some(true)),
        ("'p1':%(owner)s", Some(true)),
        ("1:%(n)s", Some(true)),
        ("is_admin:True", Some(false)),
        ("is_admin_project:True", Some(true)),
        ("system:all", Some(false)),
        ("service_user_id:None", Some(true)),
        ("user.name:x", Some(false)),
        ("user-id:x", Some(false)),
        ("rule:yes", Some(true)),
        ("rule:nowhere", Some(true)),
        ("rule:twice", Some(true)),
        // No answer, whatever stands around it. What is not asked does no harm.
        ("@ or rule:circle", Some(true)),
        ("! and rule:circle", Some(false)),
        ("rule:circle", None),
        ("not rule:circle", None),
        ("not http://host", None),
        ("project_id.x:1", None),
        ("roles.x:1", None),
        ("service_roles.x:1", Some(false)),
        ("1abc:1", None),
        ("not project_id:%(owner)q", None),
        ("http://host/%(missing)s or @", None),
        // Named as a rule, a missing key in an address is a no.
        ("rule:odd or @", Some(true)),
    ] {
        let mut all = rules.clone();
        all["get_image"] = json!(text);
        let policy = policy(&all);
        let decided = policy.decide(Rule::GetImage, &caller, &target);
        assert_eq!(decided.as_ref().ok().copied(), answer, "{text:?}: {decided:?}");
        assert_eq!(policy.check(Rule::GetImage, &caller, &target), answer == Some(true), "{text:?}");
        assert_eq!(policy.check_named("get_image", &caller, &target), answer == Some(true), "{text:?}");
        assert_eq!(policy.explain("get_image", &caller, &target).allowed, answer == Some(true), "{text:?}");
    }
}

#[test]
fn what_a_service_token_says_can_be_asked() {
    let mut service = caller(&[], None);
    let policy = policy(&json!({"get_image": "service_user_id:nova", "get_images": "service_roles:service"}));
    assert!(!policy.check(Rule::GetImage, &service, &Nothing));
    assert!(!policy.check(Rule::GetImages, &service, &Nothing));
    service.service_roles = vec!["service".to_owned()];
    service.service_user_id = Some("nova".to_owned());
    assert!(policy.check(Rule::GetImage, &service, &Nothing));
    assert!(policy.check(Rule::GetImages, &service, &Nothing));
}

#[test]
fn the_default_rule_stands_in_for_missing_ones() {
    let nobody = caller(&[], None);
    let settings = |name: &str| Settings { policy_default_rule: name.to_owned(), ..Settings::default() };
    let rules = json!({"locked": "!", "asks": "rule:nowhere"});
    let rules = rules.as_object().expect("a mapping");
    for (default, allowed) in [("default", true), ("locked", false), ("nowhere", false), ("", false)] {
        let policy = Policy::new(&settings(default), rules).expect("readable rules");
        assert_eq!(policy.check_named("nowhere", &nobody, &Nothing), allowed, "{default}");
        assert_eq!(policy.check_named("asks", &nobody, &Nothing), allowed, "{default}");
    }
}

#[test]
fn tokens_that_are_not_for_a_project() {
    let mut system = caller(&["admin"], None);
    system.system_scope = Some("all".to_owned());
    let mut domain = caller(&["admin"], None);
    domain.domain_id = Some("default".to_owned());
    let mut neither = caller(&["admin"], None);
    neither.system_scope = Some(String::new());
    neither.domain_id = Some(String::new());
    let policy = policy(&json!({"get_image": "@", "mine": "rule:get_image", "system_only": "system:all"}));
    for (who, allowed) in [(&system, false), (&domain, false), (&neither, true)] {
        assert!(is_admin(&policy, who));
        assert_eq!(policy.check(Rule::GetImage, who, &Nothing), allowed);
        assert_eq!(policy.explain("get_image", who, &Nothing).allowed, allowed);
        // A rule of the operator has no scope, and those that it names are not asked for theirs.
        assert!(policy.check_named("mine", who, &Nothing));
    }
    assert!(policy.check_named("system_only", &system, &Nothing));
}

#[test]
fn old_defaults_count_until_only_new_ones_do() {
    let nobody = caller(&[], None);
    let lenient = Settings { enforce_new_defaults: false, ..Settings::default() };
    let rules = json!({"upload_image": "role:admin"});
    let policy = Policy::new(&lenient, rules.as_object().expect("a mapping")).expect("readable rules");
    assert!(!policy.enforces_new_defaults());
    assert!(policy.check(Rule::DeleteImage, &nobody, &Nothing));
    // Neither a rule of the operator nor one that did not change gets an old default.
    assert!(!policy.check(Rule::UploadImage, &nobody, &Nothing));
    assert!(!policy.check(Rule::PublicizeImage, &nobody, &Nothing));
    assert!(!Policy::default().check(Rule::DeleteImage, &nobody, &Nothing));
}

#[test]
fn a_rule_that_cannot_be_read_is_an_error() {
    let rules = json!({"get_image": 5});
    let error = Policy::new(&Settings::default(), rules.as_object().expect("a mapping")).expect_err("no rule");
    assert_eq!(error.to_string(), "policy rule \"get_image\": a rule is text or a list of lists of text, not a number");
}

#[test]
fn the_values_of_an_image() {
    let (owned, shared) = (image(Some("p1"), Visibility::Shared), image(None, Visibility::Shared));
    let (mine, theirs) = (caller(&[], Some("p1")), caller(&[], Some("p2")));
    let get = |image: &Image, caller: &Identity, key: &str| ImageTarget { image, caller }.get(key).map(Cow::into_owned);
    for (key, value) in [
        ("id", Some("7f3c")),
        ("image_id", Some("7f3c")),
        ("project_id", Some("p1")),
        ("owner", Some("p1")),
        ("name", Some("None")),
        ("status", Some("active")),
        ("visibility", Some("shared")),
        ("size", Some("3")),
        ("virtual_size", Some("None")),
        ("min_ram", Some("512")),
        ("protected", Some("True")),
        ("os_hidden", Some("False")),
        ("created_at", Some("1970-01-01 00:00:00")),
        ("updated_at", Some("1970-01-01 00:00:00.001500")),
        ("os_distro", Some("debian")),
        ("tags", None),
        ("locations", None),
        ("nothing", None),
    ] {
        assert_eq!(get(&owned, &mine, key).as_deref(), value, "{key}");
    }
    // Who is a member: whoever sees a shared image without owning it.
    for (image, caller, member) in [
        (&owned, &mine, "None"),
        (&owned, &theirs, "p2"),
        (&shared, &theirs, "p2"),
        (&image(Some("p1"), Visibility::Private), &theirs, "None"),
        (&shared, &caller(&[], None), "None"),
    ] {
        assert_eq!(get(image, caller, "member_id").as_deref(), Some(member));
        assert_eq!(get(image, caller, "member").as_deref(), Some(member));
    }
}

#[test]
fn an_image_to_be_created() {
    let policy = Policy::default();
    let member = caller(&["member"], Some("p1"));
    assert!(policy.check(Rule::AddImage, &member, &new_image(Some("p1"), Visibility::Shared)));
    assert!(!policy.check(Rule::AddImage, &member, &new_image(Some("p2"), Visibility::Shared)));
}

#[test]
fn who_is_an_administrator_may_depend_on_the_caller() {
    let policy =
        policy(&json!({"context_is_admin": "'root':%(user)s or project_id:%(project)s and 'p9':%(project_id)s"}));
    assert!(is_admin(&policy, &caller(&[], Some("p9"))));
    assert!(!is_admin(&policy, &caller(&["admin"], Some("p1"))));
}

#[test]
fn reasons() {
    let image = image(Some("p1"), Visibility::Private);
    let caller = caller(&["reader"], Some("p2"));
    let target = ImageTarget { image: &image, caller: &caller };
    let policy = policy(&json!({"modify_image": "not (role:admin or rule:nowhere)", "add_member": "not 1x:2"}));
    for (rule, printed) in [
        (
            "get_image",
            "denied: get_image\n\
             \x20 no  one of\n\
             \x20   no  rule:context_is_admin\n\
             \x20     no  role:admin (the caller's roles: reader)\n\
             \x20   no  all of\n\
             \x20     yes role:reader\n\
             \x20     no  one of\n\
             \x20       no  project_id:%(project_id)s (\"p2\" is not \"p1\")\n\
             \x20       no  project_id:%(member_id)s (\"p2\" is not \"None\")\n\
             \x20       no  'community':%(visibility)s (\"community\" is not \"private\")\n\
             \x20       no  'public':%(visibility)s (\"public\" is not \"private\")\n\
             \x20       no  'shared':%(visibility)s (\"shared\" is not \"private\")\n",
        ),
        (
            "modify_image",
            "denied: modify_image\n\
             \x20 no  not\n\
             \x20   yes one of\n\
             \x20     no  role:admin (the caller's roles: reader)\n\
             \x20     yes rule:nowhere (there is no such rule, default stands in for it)\n\
             \x20       yes @\n",
        ),
        (
            "add_member",
            "denied: add_member\n\
             \x20 ?   not\n\
             \x20   ?   1x:2 (\"1x\" is neither a constant nor the name of something of the caller)\n",
        ),
    ] {
        assert_eq!(policy.explain(rule, &caller, &target).to_string(), printed);
    }
}

#[test]
fn problems() {
    assert_eq!(Policy::default().problems(), [""; 0]);
    let policy = policy(&json!({
        "a": "admin or rule:nowhere",
        "b": "rule:c and role:x",
        "c": "not rule:b",
        "d": "1x:2 or role:%(a or x:%",
        "e": "https://host/ or https://host/%",
        "f": "@ @",
    }));
    assert_eq!(
        policy.problems(),
        [
            "rule \"a\": \"admin\" is no check and is never true",
            "rule \"a\": there is no rule \"nowhere\", rule \"default\" stands in for it",
            "rule \"b\" names itself in a circle",
            "rule \"c\" names itself in a circle",
            "rule \"d\": the left side of 1x:2 is neither a constant nor a name; a rule that asks it denies",
            "rule \"d\": in role:%(a a % is neither %(key)s nor %%; a rule that asks it denies",
            "rule \"d\": in x:% a % is neither %(key)s nor %%; a rule that asks it denies",
            "rule \"e\": in https://host/% a % is neither %(key)s nor %%; a rule that asks it denies",
            "rule \"f\": \"@ @\" is no check and is never true",
        ]
    );
}

#[test]
fn questions_have_a_limit() {
    let mut rules = Map::new();
    for n in 0..40 {
        rules.insert(format!("r{n}"), json!(format!("not (rule:r{} or rule:r{})", n + 1, n + 1)));
        rules.insert(format!("s{n}"), json!(format!("rule:s{} and rule:s{}", n + 1, n + 1)));
    }
    rules.insert("r40".to_owned(), json!("!"));
    rules.insert("s40".to_owned(), json!("@"));
    rules.insert("get_image".to_owned(), json!("rule:s0"));
    let deepest = format!("{}@{}", "not (! or ".repeat(40), ")".repeat(40));
    for n in 0..20 {
        rules.insert(format!("t{n}"), json!(deepest.replace('@', &format!("rule:t{}", (n + 1) % 20))));
    }
    rules.insert("get_images".to_owned(), json!("rule:t0"));
    let policy = Policy::new(&Settings::default(), &rules).expect("readable rules");
    let nobody = caller(&[], None);
    assert_eq!(policy.decide(Rule::GetImage, &nobody, &Nothing), Err(Undecided::TooMany));
    assert_eq!(policy.decide(Rule::GetImages, &nobody, &Nothing), Err(Undecided::TooDeep));
    assert!(!policy.explain("get_images", &nobody, &Nothing).allowed);
}

/// The deepest rule that is still readable can be asked, printed, copied and dropped.
#[test]
fn a_deep_rule_is_no_harm() {
    let pairs = parse::MAX_OPEN / 2 - 1;
    let deep = format!("{}@{}", "not (".repeat(pairs), " and @ or !)".repeat(pairs));
    let policy = policy(&json!({ "get_image": deep }));
    let (_, check) = policy.rules().find(|(name, _)| *name == "get_image").expect("the rule");
    assert!(check.to_string().starts_with("not ((not (("), "{check}");
    assert_eq!(policy.decide(Rule::GetImage, &caller(&[], None), &Nothing), Ok(pairs.is_multiple_of(2)));
    assert!(policy.clone().explain("get_image", &caller(&[], None), &Nothing).to_string().len() > pairs);
}

#[test]
fn the_table_of_rules() {
    assert_eq!(Rule::ALL.len(), 67);
    for (at, rule) in Rule::ALL.into_iter().enumerate() {
        let row = rule.row();
        assert_eq!(rule as usize, at);
        assert_eq!(Rule::from_name(row.name), Some(rule));
        let old = match row.deprecation {
            Some(Deprecation::Changed { check, .. }) => check,
            _ => "",
        };
        for text in [row.check, old] {
            assert!(!matches!(parse::parse(text), parse::Check::Unreadable(_)), "{}: {text}", row.name);
        }
        assert!(row.operations.iter().all(|operation| operation.path.starts_with("/v2/")));
    }
}

proptest! {
    /// Whatever rules an operator writes and however they name each other, asking them ends, and the reasons agree with
    /// the answer.
    #[test]
    fn asking_ends(
        texts in prop::collection::vec(
            prop::collection::vec(
                prop::sample::select(vec![
                    "and", "or", "not", "(", ")", "@", "!", "rule:r0", "rule:r1", "rule:get_image", "role:a",
                    "project_id:%(owner)s", "'x':%(a)s", "x:%", "1x:1", "roles.x:1", "http://h/%(b)s",
                ]),
                0..12,
            ),
            3,
        ),
        owner in prop::option::of("p[12]"),
    ) {
        let rules: Map<String, Value> = ["r0", "r1", "get_image"]
            .into_iter()
            .zip(&texts)
            .map(|(name, words)| (name.to_owned(), json!(words.join(" "))))
            .collect();
        let policy = Policy::new(&Settings::default(), &rules).expect("text is a rule");
        let caller = caller(&["a"], Some("p1"));
        let target = [("owner", owner.as_deref())];
        let decided = policy.decide(Rule::GetImage, &caller, &target);
        let explained = policy.explain("get_image", &caller, &target);
        prop_assert_eq!(explained.allowed, decided == Ok(true));
        let first = explained.reasons.first().and_then(|reason| reason.answer);
        prop_assert_eq!(first, decided.ok());
        let _ = policy.problems();
    }
}

/// (rules, whether an image has to be read with its properties for them)
#[test]
fn who_needs_more_than_a_row() {
    let cases = [
        (json!({}), false),
        (json!({"get_image": "role:admin or (not project_id:%(owner)s and 'shared':%(visibility)s)"}), false),
        (json!({"get_image": "not project_id:%(os_distro)s"}), true),
        (json!({"get_image": "role:%(os_distro)s"}), true),
        (json!({"mine": "@ and (! or project_id:x%(owner)s-%(os_distro)s)"}), true),
        (json!({"get_image": "project_id:%(os_distro)d"}), true),
        (json!({"get_image": "http://127.0.0.1/%(id)s"}), true),
    ];
    for (rules, expected) in cases {
        assert_eq!(policy(&rules).looks_beyond_rows(), expected, "{rules}");
    }
    let mut image = image(None, Visibility::Shared);
    image.properties.clear();
    let caller = caller(&[], None);
    for name in ATTRIBUTES {
        assert!(ImageTarget { image: &image, caller: &caller }.get(name).is_some(), "{name}");
    }
}
