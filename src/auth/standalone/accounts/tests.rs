//! Tests of names and passwords that can be one.

use secrecy::SecretString;

use super::{PASSWORD_MAX, PROJECT_NAME_MAX, checked_name, checked_password, generated_password};

#[test]
fn names_are_bounded_and_printable() {
    let longest = "é".repeat(PROJECT_NAME_MAX);
    let too_long = format!("{longest}é");
    for (name, right) in [
        ("demo", true),
        ("Ünïcode name, with (signs)", true),
        (&*longest, true),
        (&*too_long, false),
        ("", false),
        (" ", false),
        (" demo", false),
        ("demo ", false),
        ("de\nmo", false),
        ("de\u{1b}[1mmo", false),
        ("de\u{85}mo", false),
        ("demo\0", false),
    ] {
        assert_eq!(checked_name("project", name, PROJECT_NAME_MAX).is_ok(), right, "{name:?}");
    }
}

#[test]
fn passwords_are_bounded() {
    for (len, right) in [(0, false), (1, true), (PASSWORD_MAX, true), (PASSWORD_MAX + 1, false)] {
        let password = SecretString::from("p".repeat(len));
        assert_eq!(checked_password(&password).is_ok(), right, "{len}");
    }
    assert!(checked_password(&generated_password()).is_ok());
    assert!(!format!("{:?}", SecretString::from("hidden")).contains("hidden"));
}
