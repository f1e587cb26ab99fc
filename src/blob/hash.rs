//! Checksums of a body, computed beside its transfer: each algorithm has its own lane, and the blocks are shared, not
//! copied. One after the other, MD5 and SHA-512 would halve the speed of every upload.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;

use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::Body;
use super::lane::{self, Feeder, Outcome};

mod md5;

/// Resolves once the whole body has passed.
///
/// Its error is `Interrupted` when the body broke or was dropped before its end.
pub type Digesting = Pin<Box<dyn Future<Output = io::Result<Digests>> + Send>>;

/// Computes MD5 and the `secure` hash of what passes. The returned body is the given one; when it has ended, the
/// digests can be awaited. Either can be dropped at any time.
pub fn beside(body: Body, secure: Algorithm) -> (Body, Digesting) {
    let (md5_feeder, md5) = lane::open(Context::new(Algorithm::Md5), Context::update);
    let mut feeders = vec![md5_feeder];
    let secure = (secure != Algorithm::Md5).then(|| {
        let (feeder, outcome) = lane::open(Context::new(secure), Context::update);
        feeders.push(feeder);
        outcome
    });
    (fed(body, feeders), Box::pin(collect(md5, secure)))
}

fn fed(body: Body, feeders: Vec<Feeder<Context>>) -> Body {
    Box::pin(stream::unfold(Some((body, feeders)), |state| async {
        let (mut body, feeders) = state?;
        match body.next().await {
            Some(Ok(block)) => {
                for feeder in &feeders {
                    // A lane that stopped tells the digests; the transfer need not end for it.
                    let _ = feeder.feed(block.clone()).await;
                }
                Some((Ok(block), Some((body, feeders))))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => {
                for feeder in feeders {
                    feeder.finish().await;
                }
                None
            }
        }
    }))
}

/// Without a `secure` hash of its own, MD5 is that too.
async fn collect(md5: Outcome<Context>, secure: Option<Outcome<Context>>) -> io::Result<Digests> {
    let md5 = md5.finished().await?.finish();
    let secure = match secure {
        Some(secure) => secure.finished().await?.finish(),
        None => md5.clone(),
    };
    Ok(Digests { md5, secure })
}

/// The digests of one body, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// What the API calls `checksum`.
    pub md5: String,
    /// What the API calls `os_hash_value`.
    pub secure: String,
}

/// A hash algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say all")]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_256,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

/// Every algorithm under the name that Python's hashlib has for it, which is what `hashing_algorithm` in the
/// configuration and `os_hash_algo` in the database hold.
const NAMES: [(&str, Algorithm); 10] = [
    ("md5", Algorithm::Md5),
    ("sha1", Algorithm::Sha1),
    ("sha224", Algorithm::Sha224),
    ("sha256", Algorithm::Sha256),
    ("sha384", Algorithm::Sha384),
    ("sha512", Algorithm::Sha512),
    ("sha512_256", Algorithm::Sha512_256),
    ("sha3_256", Algorithm::Sha3_256),
    ("sha3_384", Algorithm::Sha3_384),
    ("sha3_512", Algorithm::Sha3_512),
];

impl Algorithm {
    /// The algorithm that hashlib knows as `name`, in either case as there.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, algorithm)| algorithm)
    }

    /// hashlib's name of it.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }

    /// How long a digest is.
    pub fn digest_bytes(self) -> usize {
        self.sha().map_or(16, |sha| sha.output_len)
    }

    fn sha(self) -> Option<&'static digest::Algorithm> {
        Some(match self {
            Self::Md5 => return None,
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &digest::SHA224,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
            Self::Sha512_256 => &digest::SHA512_256,
            Self::Sha3_256 => &digest::SHA3_256,
            Self::Sha3_384 => &digest::SHA3_384,
            Self::Sha3_512 => &digest::SHA3_512,
        })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A hash under way.
enum Context {
    Md5(md5::Md5),
    Sha(digest::Context),
}

impl Context {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm.sha() {
            Some(sha) => Self::Sha(digest::Context::new(sha)),
            None => Self::Md5(md5::Md5::new()),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the form of a lane's work")]
    fn update(&mut self, block: &Bytes) -> io::Result<()> {
        match self {
            Self::Md5(md5) => md5.update(block),
            Self::Sha(sha) => sha.update(block),
        }
        Ok(())
    }

    fn finish(self) -> String {
        match self {
            Self::Md5(md5) => hex(&md5.finish()),
            Self::Sha(sha) => hex(sha.finish().as_ref()),
        }
    }
}

/// Whether `text` is some bytes in hex.
pub fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

#[cfg(test)]
mod tests;
