use proptest::prelude::*;

use super::{parse, parse_python};

/// (text, entries as `section.key=value@line`, or the lines at fault)
#[test]
fn the_dialect_of_oslo() {
    let cases: &[(&str, &str)] = &[
        ("[a]\nx=1", "a.x=1@2"),
        ("[a]\nx = 1 \n y: 2\n", "a.x=1|y: 2@2"),
        ("[a]\nx: 1=2\ny=3:4", "a.x=1=2@2 a.y=3:4@3"),
        ("[a]\r\nx=1\r\n[b]\ry=2", "a.x=1@2 b.y=2@4"),
        ("[a]\nx=1\n\n# c\n; c\nx=2", "a.x=1@2 a.x=2@6"),
        ("[a]\nx='1'\ny=\"2\"\nz='3\"\nw=\"\nv=''", "a.x=1@2 a.y=2@3 a.z='3\"@4 a.w=@5 a.v=@6"),
        ("[ a b ]\nx=", " a b .x=@2"),
        ("[a]\nx=1 # no comment", "a.x=1 # no comment@2"),
        ("[a]\nx=1\n  # no comment either\n  2", "a.x=1|# no comment either|2@2"),
        ("", ""),
        ("[a", "fault 1"),
        ("[]", "fault 1"),
        ("x=1", "fault 1"),
        ("[a]\nx", "fault 2"),
        ("[a]\n=1", "fault 2"),
        ("[a]\n  x=1", "fault 2"),
        ("[a]\nx=1\n\n  2\ny\n[b", "fault 4 5 6"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(parse(text)), *expected, "{text:?}");
    }
}

#[test]
fn the_dialect_of_configparser() {
    let cases: &[(&str, &str)] = &[
        ("[app:x]\n/: api\n/v2 = y", "app:x./=api@2 app:x./v2=y@3"),
        ("[a]\nx = 1\n  2\n  # a comment\n\n  3\ny=4", "a.x=1|2||3@2 a.y=4@7"),
        ("  # a comment\n[a]\n  x = 1\n  y = 2", "a.x=1@3 a.y=2@4"),
        ("[a] what is this\nx='1'", "a.x='1'@2"),
        ("[a]\nx=1\n\n[b]", "a.x=1@2"),
        ("x=1", "fault 1"),
        ("[a]\nx", "fault 2"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(parse_python(text)), *expected, "{text:?}");
    }
}

fn shown(parsed: Result<Vec<super::Entry>, Vec<super::Fault>>) -> String {
    match parsed {
        Ok(entries) => {
            let shown = entries.iter().map(|entry| {
                format!("{}.{}={}@{}", entry.section, entry.key, entry.value.replace('\n', "|"), entry.line)
            });
            shown.collect::<Vec<_>>().join(" ")
        }
        Err(faults) => faults.iter().fold("fault".to_owned(), |all, fault| format!("{all} {}", fault.line)),
    }
}

proptest! {
    /// Whatever the bytes: no panic, every entry has a section and a key, and its line is one of the text's.
    #[test]
    fn anything_is_read_or_refused(text in "[\\[\\]a-c=: \t\n\r'\"#;\u{85}\u{1c}é-]{0,60}") {
        for parsed in [parse(&text), parse_python(&text)] {
            let lines = text.lines().count() + text.matches('\r').count() + 1;
            for entry in parsed.unwrap_or_default() {
                prop_assert!(!entry.section.is_empty() && !entry.key.is_empty());
                prop_assert!((1..=lines).contains(&entry.line));
            }
        }
    }
}
