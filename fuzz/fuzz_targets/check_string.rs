//! A check string of the policy language: reading it ends, and its tree is no deeper than promised.

#![no_main]

use glint::policy::parse::{self, Check, MAX_OPEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    assert!(height(&parse::parse(text)) <= MAX_OPEN + 1);
    if let Ok(value) = serde_json::from_str(text)
        && let Ok(check) = parse::parse_value(&value)
    {
        assert!(height(&check) <= MAX_OPEN + 3);
    }
});

fn height(check: &Check) -> usize {
    match check {
        Check::Not(inside) => 1 + height(inside),
        Check::And(all) | Check::Or(all) => 1 + all.iter().map(height).max().unwrap_or(0),
        _ => 1,
    }
}
