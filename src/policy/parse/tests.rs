//! Check strings and what becomes of them. Every row was seen in oslo.policy 6.0.1.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::pattern::{Pattern, Unfilled};
use super::subject::Subject;
use super::{MAX_OPEN, parse, parse_value};

#[test]
fn text() {
    for (text, canonical) in [
        ("", "@"),
        ("@", "@"),
        ("!", "!"),
        ("role:admin", "role:admin"),
        ("a:1 or b:2 and c:3", "(a:1 or (b:2 and c:3))"),
        ("a:1 and b:2 or c:3", "((a:1 and b:2) or c:3)"),
        ("a:1 or b:2 or c:3 and d:4 and e:5", "(a:1 or b:2 or (c:3 and d:4 and e:5))"),
        ("a:1 or (b:2 and c:3) and d:4", "(a:1 or (b:2 and c:3 and d:4))"),
        ("(a:1 or b:2) and c:3", "((a:1 or b:2) and c:3)"),
        ("((a:1))", "a:1"),
        ("not a:1 and b:2", "(not a:1 and b:2)"),
        ("not (a:1 and b:2)", "not (a:1 and b:2)"),
        ("not not @", "not not @"),
        ("NOT @ And ! oR @", "((not @ and !) or @)"),
        ("@\u{1c}and\u{3000}!", "(@ and !)"),
        ("a:%(b)s", "a:%(b)s"),
        ("(a:%(b)s)", "a:%(b)s"),
        // No colon: never true by itself, and `not` turns that around.
        ("admin", "!"),
        ("not admin", "not !"),
        // Not understood as a whole.
        (" ", "!"),
        ("()", "!"),
        ("@ @", "!"),
        ("@ and", "!"),
        ("or @", "!"),
        ("(@", "!"),
        ("@)", "!"),
        ("not", "!"),
        // Quotes around a whole word.
        ("'a'", "!"),
        ("@ or 'a':'b'", "!"),
        ("@ or ('a':'b')", "(@ or 'a':'b')"),
        // A colon is enough.
        (":", ":"),
        ("Role:admin", "Role:admin"),
        ("https://host/%(id)s", "https://host/%(id)s"),
    ] {
        assert_eq!(parse(text).to_string(), canonical, "{text:?}");
    }
}

#[test]
fn lists() {
    for (value, canonical) in [
        (json!(null), Ok("@")),
        (json!([]), Ok("@")),
        (json!({}), Ok("@")),
        (json!(false), Ok("@")),
        (json!(0), Ok("@")),
        (json!([[]]), Ok("!")),
        (json!(["role:a"]), Ok("role:a")),
        (json!([["role:a", "role:b"], "role:c", []]), Ok("((role:a and role:b) or role:c)")),
        (json!([["role:a and role:b"]]), Ok("role:a and role:b")),
        (json!([[""]]), Ok("!")),
        (json!([[5]]), Ok("!")),
        (json!({"role:a": 1}), Ok("role:a")),
        (json!(5), Err(())),
        (json!(true), Err(())),
        (json!([5]), Err(())),
        (json!([true]), Err(())),
    ] {
        let parsed = parse_value(&value).map(|check| check.to_string()).map_err(drop);
        assert_eq!(parsed, canonical.map(str::to_owned), "{value}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |n: usize| format!("{}@{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(parse(&nested(MAX_OPEN - 1)).to_string(), "@");
    assert_eq!(parse(&nested(MAX_OPEN)).to_string(), "!");
    let denied = |n: usize| format!("{}@", "not ".repeat(n));
    assert_eq!(parse(&denied(MAX_OPEN)).to_string(), denied(MAX_OPEN));
    assert_eq!(parse(&denied(MAX_OPEN + 1)).to_string(), "!");
    let long = vec!["a:1"; 10_000].join(" or ");
    assert_eq!(parse(&long).to_string(), format!("({long})"));
}

#[test]
fn left_sides() {
    let literal = |text: &str| Subject::Literal(text.into());
    for (kind, subject) in [
        ("'community'", literal("community")),
        ("\"a\"", literal("a")),
        ("'a''b'", literal("ab")),
        ("'a' 'b'", literal("ab")),
        ("u'a'", literal("a")),
        ("R'\\n'", literal("\\n")),
        ("''", literal("")),
        ("'''a'''", literal("a")),
        ("'\\x41\\n\\d\\777\\u0041'", literal("A\n\\dǿA")),
        ("'a'#x", literal("a")),
        ("True", literal("True")),
        ("None", literal("None")),
        ("...", literal("Ellipsis")),
        ("1_000", literal("1000")),
        ("00", literal("0")),
        ("-0", literal("0")),
        ("0x1F", literal("31")),
        ("0b101", literal("5")),
        ("-1", literal("-1")),
        ("+1", literal("1")),
        ("1.", literal("1.0")),
        (".5", literal("0.5")),
        ("1.50", literal("1.5")),
        ("-0.0", literal("-0.0")),
        ("1e16", literal("1e+16")),
        ("1.0e15", literal("1000000000000000.0")),
        ("0.0001", literal("0.0001")),
        ("0.00001", literal("1e-05")),
        ("1e400", literal("inf")),
        ("project_id", Subject::Path),
        ("user.name", Subject::Path),
        ("project-id", Subject::Path),
        ("true", Subject::Path),
        ("None.x", Subject::Path),
        ("'a'.b", Subject::Path),
        ("- -1", Subject::Path),
        ("-'a'", Subject::Path),
        ("1+2", Subject::Path),
        ("é", Subject::Path),
        ("a#b", Subject::Path),
        ("  a", Subject::Path),
        ("", Subject::Invalid),
        ("007", Subject::Invalid),
        ("1__0", Subject::Invalid),
        ("1abc", Subject::Invalid),
        ("class", Subject::Invalid),
        ("a.class", Subject::Invalid),
        ("a..b", Subject::Invalid),
        (".a", Subject::Invalid),
        ("a.", Subject::Invalid),
        ("a b", Subject::Invalid),
        ("a=b", Subject::Invalid),
        ("'a", Subject::Invalid),
        ("'\\x4'", Subject::Invalid),
        ("$a", Subject::Invalid),
        ("#", Subject::Invalid),
    ] {
        assert_eq!(Subject::read(kind), subject, "{kind:?}");
    }
}

fn value_of<'a>(key: &str) -> Option<Cow<'a, str>> {
    match key {
        "a" => Some(Cow::Borrowed("x")),
        "" => Some(Cow::Borrowed("empty")),
        "p(q)" => Some(Cow::Borrowed("paren")),
        _ => None,
    }
}

#[test]
fn right_sides() {
    for (pattern, filled) in [
        ("a", Ok("a")),
        ("", Ok("")),
        ("%(a)s", Ok("x")),
        ("<%(a)s|%(a)s>", Ok("<x|x>")),
        ("%()s", Ok("empty")),
        ("%(p(q))s", Ok("paren")),
        ("%%", Ok("%")),
        ("%%%(a)s", Ok("%x")),
        ("%(a)ss", Ok("xs")),
        ("%(z)s", Err(Unfilled::Missing("z"))),
        ("%(z)q", Err(Unfilled::Missing("z"))),
        ("%(z)s%", Err(Unfilled::Missing("z"))),
        ("%(a)q", Err(Unfilled::Broken)),
        ("%(a)%", Err(Unfilled::Broken)),
        ("%(a)", Err(Unfilled::Broken)),
        ("%(a", Err(Unfilled::Broken)),
        ("%((a)s", Err(Unfilled::Broken)),
        ("%", Err(Unfilled::Broken)),
        ("%q", Err(Unfilled::Broken)),
        ("%(a)d", Err(Unfilled::Broken)),
    ] {
        let pattern = Pattern::new(pattern);
        assert_eq!(pattern.fill(value_of), filled.map(Cow::Borrowed), "{pattern}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC*") {
        let _ = parse(&text).to_string();
    }

    /// Text made of the language's own parts comes back as it was understood.
    #[test]
    fn what_is_printed_reads_the_same(
        words in prop::collection::vec(
            prop::sample::select(vec!["and", "or", "not", "(", ")", "@", "!", "a:1", "'b':%(c)s", "rule:d", "(role:e"]),
            0..24,
        ),
    ) {
        let printed = parse(&words.join(" ")).to_string();
        prop_assert_eq!(parse(&printed).to_string(), printed);
    }

    #[test]
    fn any_left_side_is_read(kind in "[a-z0-9'\"\\\\._+ \\-xe#é]{0,12}") {
        let _ = Subject::read(&kind);
    }

    #[test]
    fn any_right_side_is_read(pattern in "[%()sa ]{0,12}") {
        let _ = Pattern::new(&pattern).fill(|key| Some(Cow::Owned(key.to_owned())));
    }

    #[test]
    fn any_value_is_read(value in any_json()) {
        let _ = parse_value(&value);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(|number| json!(number)),
        "[a-z:%()@! ]{0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::hash_map("[a-z:]{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
