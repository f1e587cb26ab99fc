use std::collections::BTreeSet;

use super::{Group, groups, of_driver};
use crate::config::value::{Kind, read};

#[test]
fn every_default_can_be_read_and_no_option_is_there_twice() {
    let of_stores = ["file", "http"].map(|driver| Group { name: driver, options: &[] });
    assert!(of_stores.iter().all(|group| of_driver(group.name).is_some()));
    let mut seen = BTreeSet::new();
    for group in groups() {
        for option in group.options {
            assert!(seen.insert((group.name, option.name)), "[{}] {} is there twice", group.name, option.name);
            let read = option.default.map(|text| read(option.kind, text));
            assert!(read.is_none_or(|read| read.is_ok()), "[{}] {}", group.name, option.name);
            assert!(option.help.ends_with('.'), "[{}] {}: {}", group.name, option.name, option.help);
            assert!(!option.name.contains('-'), "files have underscores");
            let _: Kind = option.kind;
        }
    }
}
