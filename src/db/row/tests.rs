//! Values as columns hold them.

use super::{Column, Value};
use crate::clock::Timestamp;

/// (what a row has, what it means)
#[test]
fn times() {
    let cases = [
        ("2024-01-31 12:34:56.789012", Some("2024-01-31T12:34:56.789012Z")),
        ("2024-01-31 12:34:56.000000", Some("2024-01-31T12:34:56Z")),
        ("2024-02-29 23:59:59.999999", Some("2024-02-29T23:59:59.999999Z")),
        ("2024-01-31 12:34:56", Some("2024-01-31T12:34:56Z")),
        ("2024-01-31 12:34:56.7", Some("2024-01-31T12:34:56.7Z")),
        ("2024-01-31T12:34:56.789012", Some("2024-01-31T12:34:56.789012Z")),
        ("2024-01-31T12:34:56Z", Some("2024-01-31T12:34:56Z")),
        ("2023-02-29 12:34:56.789012", None),
        ("2024-01-31 24:34:56.789012", None),
        ("2024-01-31 12:34:56:789012", None),
        ("2024-01-31_12:34:56.789012", None),
        ("", None),
        ("é024-01-31 12:34:56.78901", None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
        assert_eq!(Timestamp::read(Value::Text(text)), expected, "{text}");
    }
}
