use super::{Item, Kind, Value, read};

/// (kind, text, the value as it is spelled; or `!` and what is wrong)
#[test]
fn values() {
    let number = Kind::Number(1, 100);
    let words = Kind::Choice(&["one", "two"]);
    let any_case = Kind::ChoiceInAnyCase(&["one", "two"]);
    let texts = Kind::Bracketed(Item::Text);
    let chosen = Kind::Bracketed(Item::Choice(&["one", "two"]));
    let ports = Kind::Ports;
    let hosts = Kind::Bracketed(Item::Host);
    let cases: &[(Kind, &str, &str)] = &[
        (Kind::Text, " as it is, $ and all", " as it is, $ and all"),
        (Kind::Flag, "YES", "True"),
        (Kind::Flag, "0", "False"),
        (Kind::Flag, "", "!it has to be true or false"),
        (Kind::Flag, "yes ", "!it has to be true or false"),
        (number, "1", "1"),
        (number, "100", "100"),
        (number, "0", "!it has to be at least 1"),
        (number, "101", "!it has to be at most 100"),
        (number, " +1_0 ", "10"),
        (number, "", ""),
        (number, "1__0", "!it has to be a whole number"),
        (number, "1.0", "!it has to be a whole number"),
        (number, "0x1", "!it has to be a whole number"),
        (number, "999999999999999999999999999999999999999999", "!it has to be a whole number"),
        (Kind::Real, "60", "60.0"),
        (Kind::Real, "1e1", "10.0"),
        (Kind::Real, "x", "!it has to be a number"),
        (words, "one", "one"),
        (words, "One", "!it has to be one of: one, two"),
        (any_case, "One", "One"),
        (Kind::List, "a, b ,c,,", "['a', 'b', 'c']"),
        (Kind::List, "a,,b", "['a', '', 'b']"),
        (Kind::List, "[a]", "['[a]']"),
        (Kind::List, "", "[]"),
        (texts, "[a, 'b', \"c,d\"]", "['a', 'b', 'c,d']"),
        (texts, "[]", "[]"),
        (texts, "a", "!it has to begin with [ and to end with ]"),
        (texts, "['a]", "!there is a quote without its second"),
        (chosen, "[one,'two']", "['one', 'two']"),
        (chosen, "[three]", "!it has to be one of: one, two"),
        (ports, "[80, 0443,]", "[80, 443]"),
        (ports, "[0]", "!it has to be at least 1"),
        (ports, "[65536]", "!it has to be at most 65535"),
        (hosts, "[127.0.0.1, ::1, localhost, a-b.example.]", "['127.0.0.1', '::1', 'localhost', 'a-b.example']"),
        (hosts, "[1.2.3]", "!there is something that is neither an address nor a host name"),
        (hosts, "[-a]", "!there is something that is neither an address nor a host name"),
        (Kind::Map, "a:b, c : d:e", "{'a': 'b', 'c': 'd:e'}"),
        (Kind::Map, "a,b:c", "{'a,b': 'c'}"),
        (Kind::Map, "a", "!it has to be made of name:value, with commas between them"),
        (Kind::Map, ":a", "!a name before a : is empty"),
        (Kind::Map, "a:1,a:2", "!a is there twice"),
        (Kind::Map, "", "{}"),
    ];
    for (kind, text, expected) in cases {
        let shown = read(*kind, text).map_or_else(|why| format!("!{why}"), |value: Value| value.spelled());
        assert_eq!(shown, *expected, "{kind:?} {text:?}");
    }
}
