//! Tests of passwords.

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use secrecy::SecretString;

use super::{AT_ONCE_MAX, Passwords, WAITING_MAX};
use crate::config::PasswordCost;
use crate::error::Kind;

const CHEAP: PasswordCost = PasswordCost { memory_kib: 8, passes: 1 };

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn a_password_matches_its_own_hash_only() {
    let passwords = Passwords::new(CHEAP).unwrap();
    let hash = passwords.hash(&secret("right")).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
    for (given, known, matches) in [
        ("right", Some(&hash), true),
        ("wrong", Some(&hash), false),
        ("", Some(&hash), false),
        ("right ", Some(&hash), false),
        ("right", None, false),
    ] {
        let known = known.map(String::as_str);
        assert_eq!(passwords.matches(&secret(given), known).await.unwrap(), matches, "{given:?}");
    }
    assert_ne!(passwords.hash(&secret("right")).await.unwrap(), hash, "salted");
}

#[tokio::test]
async fn the_crates_own_hasher_agrees() {
    let passwords = Passwords::new(CHEAP).unwrap();
    let ours = passwords.hash(&secret("right")).await.unwrap();
    let theirs = Argon2::default();
    assert!(theirs.verify_password(b"right", ours.as_str()).is_ok());
    assert!(theirs.verify_password(b"wrong", ours.as_str()).is_err());

    // A hash that was made at another cost is still good.
    let dearer = Argon2::from(Params::new(64, 3, 2, Some(24)).unwrap());
    let hash = dearer.hash_password_with_salt(b"right", b"salt of ours").unwrap().to_string();
    assert!(passwords.matches(&secret("right"), Some(&hash)).await.unwrap());
    assert!(!passwords.matches(&secret("wrong"), Some(&hash)).await.unwrap());
}

#[tokio::test]
async fn unreadable_hashes_are_defects() {
    let passwords = Passwords::new(CHEAP).unwrap();
    let of_another_kind = "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo";
    for hash in ["", "secret", "$argon2id$v=19$m=8,t=1,p=1", of_another_kind] {
        let error = passwords.matches(&secret("secret"), Some(hash)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Internal, "{hash}");
        assert!(!format!("{error:?}").contains("\"secret\""));
    }
}

#[tokio::test]
async fn a_flood_is_bounded() {
    let passwords = Passwords::new(CHEAP).unwrap();
    let at_once = passwords.turns.available_permits();
    assert!((1..=AT_ONCE_MAX).contains(&at_once));
    let held: Vec<_> = (0..at_once).map(|_| passwords.turns.clone().try_acquire_owned().unwrap()).collect();
    let password = secret("right");
    let mut waiting = Vec::new();
    for _ in 0..at_once + WAITING_MAX {
        let mut one = Box::pin(passwords.matches(&password, None));
        assert!(futures_util::poll!(one.as_mut()).is_pending());
        waiting.push(one);
    }
    let error = passwords.matches(&password, None).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);

    drop(held);
    for one in waiting {
        assert!(!one.await.unwrap());
    }
    assert!(!passwords.matches(&password, None).await.unwrap());
    assert!(passwords.memory.lock().unwrap().len() <= at_once);
}
