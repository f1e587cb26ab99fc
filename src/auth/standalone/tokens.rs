//! Tokens: 256 random bits for the bearer, and only their hash for us.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::auth::standalone::Standalone;
use crate::clock::random_bytes;
use crate::db::identity::tokens;
use crate::error::Result;
use crate::model::account::Token;

/// The length of a token, in characters.
const TOKEN_LEN: usize = 43;
/// Tokens that have ended are removed so many at a time, so that nobody waits long for the database.
const PURGE_BATCH: u32 = 1000;

/// A new token.
pub struct Issued {
    /// What the bearer shows. Nobody has it but the bearer.
    pub secret: SecretString,
    /// What it says.
    pub token: Token,
}

impl Standalone {
    /// What `token` says; none when it is not valid.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&self, token: &str) -> Result<Option<Token>> {
        if !is_formed(token) {
            return Ok(None);
        }
        Ok(tokens::find(&self.db, &hash(token), self.clock.now()).await?)
    }

    /// Ends `token`, which says `said`, and if it is the first of its chain, the others too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, token: &str, said: &Token) -> Result<()> {
        Ok(tokens::remove(&self.db, &hash(token), &said.audit_id).await?)
    }

    /// Removes the tokens that have ended; how many there were. They are worth nothing, and take room.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_tokens(&self) -> Result<u64> {
        let (now, mut purged) = (self.clock.now(), 0);
        loop {
            let batch = tokens::purge(&self.db, now, PURGE_BATCH.into()).await?;
            purged += batch;
            if batch < PURGE_BATCH.into() {
                return Ok(purged);
            }
        }
    }
}

/// A new token, and its hash.
pub(super) fn fresh() -> (SecretString, String) {
    let token = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
    let hash = hash(&token);
    (token.into(), hash)
}

/// The hash of a token, in hex. A token cannot be guessed, so nothing slower is needed.
pub(super) fn hash(token: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in digest(&SHA256, token.as_bytes()).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Whether `token` could be one. What could not is not worth asking the database for.
pub(super) fn is_formed(token: &str) -> bool {
    token.len() == TOKEN_LEN && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{fresh, hash, is_formed};

    #[test]
    fn tokens_are_formed_and_hashed() {
        let (token, its_hash) = fresh();
        let token = token.expose_secret();
        assert!(is_formed(token), "{token}");
        assert_eq!(its_hash, hash(token));
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_ne!(fresh().1, its_hash);
    }

    #[test]
    fn what_is_no_token_is_seen() {
        let right = "a".repeat(43);
        assert!(is_formed(&right));
        for wrong in ["", "nonsense", &"a".repeat(42), &"a".repeat(44), &format!("{}=", "a".repeat(42)), "é"] {
            assert!(!is_formed(wrong), "{wrong}");
        }
    }
}
