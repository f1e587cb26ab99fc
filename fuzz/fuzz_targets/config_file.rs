//! A configuration file in both dialects, and its values in every form: reading them ends.

#![no_main]

use glint::config::ini;
use glint::config::value::{self, ANY, Item, Kind};
use libfuzzer_sys::fuzz_target;

const KINDS: [Kind; 11] = [
    Kind::Text,
    Kind::Choice(&["a", "b"]),
    Kind::ChoiceInAnyCase(&["a", "b"]),
    Kind::Flag,
    ANY,
    Kind::Real,
    Kind::List,
    Kind::Bracketed(Item::Text),
    Kind::Bracketed(Item::Host),
    Kind::Ports,
    Kind::Map,
];

fuzz_target!(|text: &str| {
    for parsed in [ini::parse(text), ini::parse_python(text)] {
        for entry in parsed.unwrap_or_default() {
            assert!(!entry.section.is_empty() && !entry.key.is_empty() && entry.line > 0);
            for kind in KINDS {
                let Ok(value) = value::read(kind, &entry.value) else { continue };
                let _ = value.spelled();
                let _ = value.written(kind);
            }
        }
    }
});
