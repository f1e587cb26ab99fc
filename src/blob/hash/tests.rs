//! The digests are those of Python's hashlib, however the body is cut, and nothing hangs when an end goes away.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use proptest::prelude::*;
use tokio::time::timeout;

use super::{Algorithm, Digests, NAMES, beside};
use crate::blob::{Body, BodyError, body};

/// A name, and hashlib's digests of nothing and of `sample()`.
const VECTORS: [(&str, &str, &str); 10] = [
    ("md5", "d41d8cd98f00b204e9800998ecf8427e", "3ea48d19ec2b706473c30b0f2c878865"),
    ("sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "53e3cdef9cffdf6a7e93b71d7d0a37d6f97d65fd"),
    (
        "sha224",
        "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
        "e75074c90325b236dcbce911266e8527e2bb6535926376bbbce4e997",
    ),
    (
        "sha256",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e0aa3a3e4afdd717e6af8d151be7c532fce9607f2086e89d0136acffec3f3ae",
    ),
    (
        "sha384",
        "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
        "070f3f12a6e576e0a8a156a288d2d4f2a106b77d36ceb2fc9cbd0f2e335341d07ce90f9d1dbb3595bf4919026f4209db",
    ),
    (
        "sha512",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
        "2f233a61bb57470cd2a16065605a1f05ede4ef22171cfb5d38919603f834da6c6d266f0b44e2f3c70b56ac5e85269063ab5f6e5bcb6896f36aaaa9b4bd1dd7b2",
    ),
    (
        "sha512_256",
        "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a",
        "cf1d4c6cf76835ca41df46b6bfdf491ef1068b3ccd3d1dd7f60678d8a3a7ab3c",
    ),
    (
        "sha3_256",
        "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
        "c36878ad69b7daddfb50b6bea686d43dab9bfa9f6b630158c9735a07a5745049",
    ),
    (
        "sha3_384",
        "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004",
        "37454a91a73cd643d8bfc1c79431d49331406e2428fe06620fe923110dbef95f133939e8be88ede95f2058ee9159b1cb",
    ),
    (
        "sha3_512",
        "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26",
        "75805108c0ba038e67fbe8eb439d448bc12f668186cd214030de29a8b3bf910ca7d746cce24d25477bebb334cb74da3ba3742411e2832c543601e3b6fdda1496",
    ),
];

const SOON: Duration = Duration::from_secs(20);

fn sample() -> Bytes {
    (0..1_000_003_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect()
}

fn cut(whole: &Bytes, size: usize) -> Vec<Bytes> {
    (0..whole.len()).step_by(size).map(|at| whole.slice(at..whole.len().min(at + size))).collect()
}

async fn digests(body: Body, secure: Algorithm) -> (io::Result<Digests>, Vec<Bytes>) {
    let (body, digests) = beside(body, secure);
    let passed = body.filter_map(async |block| block.ok()).collect().await;
    let digests = timeout(SOON, digests).await.expect("the digests come");
    (digests, passed)
}

#[tokio::test]
async fn every_algorithm_gives_the_digests_of_hashlib() {
    assert_eq!(VECTORS.len(), NAMES.len());
    for (name, of_nothing, of_sample) in VECTORS {
        let algorithm = Algorithm::from_name(name).unwrap();
        assert_eq!(algorithm.to_string(), name);
        let (empty, _) = digests(body([]), algorithm).await;
        let empty = empty.unwrap();
        assert_eq!((empty.md5.as_str(), empty.secure.as_str()), (VECTORS[0].1, of_nothing));
        let sample = sample();
        let (full, passed) = digests(body(cut(&sample, 65_521)), algorithm).await;
        let full = full.unwrap();
        assert_eq!((full.md5.as_str(), full.secure.as_str()), (VECTORS[0].2, of_sample));
        assert_eq!(passed.concat(), sample);
    }
}

#[test]
fn names_are_those_of_hashlib() {
    assert_eq!(Algorithm::from_name("SHA512"), Some(Algorithm::Sha512));
    for unknown in ["", "sha", "sha-512", "blake2b", " md5"] {
        assert_eq!(Algorithm::from_name(unknown), None, "{unknown}");
    }
}

#[tokio::test]
async fn a_broken_body_has_no_digests() {
    let broken = BodyError::Broken(io::ErrorKind::ConnectionReset.into());
    let blocks = [Ok(sample()), Err(broken)];
    let (digests, passed) = digests(Box::pin(stream::iter(blocks)), Algorithm::Sha512).await;
    assert_eq!(digests.unwrap_err().kind(), io::ErrorKind::Interrupted);
    assert_eq!(passed.len(), 1);
}

#[tokio::test]
async fn a_body_dropped_before_its_end_has_no_digests() {
    for blocks in 0..4 {
        let (mut body, digests) = beside(body(cut(&sample(), 100_000)), Algorithm::Sha512);
        for _ in 0..blocks {
            body.next().await.unwrap().unwrap();
        }
        drop(body);
        let digests = timeout(SOON, digests).await.expect("the digests end");
        assert_eq!(digests.unwrap_err().kind(), io::ErrorKind::Interrupted);
    }
}

#[tokio::test]
async fn the_body_passes_when_nobody_wants_the_digests() {
    let (body, digests) = beside(body(cut(&sample(), 1000)), Algorithm::Sha256);
    drop(digests);
    let passed: Vec<_> = timeout(SOON, body.collect()).await.expect("the body ends");
    assert_eq!(passed.len(), 1001);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn how_the_body_is_cut_does_not_matter(cuts in prop::collection::vec(0..3000_usize, 0..60)) {
        let mut rest = sample().slice(..100_000);
        let whole = rest.clone();
        let mut blocks: Vec<_> = cuts.into_iter().map(|cut| rest.split_to(cut.min(rest.len()))).collect();
        blocks.push(rest);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (in_pieces, in_one) = runtime.block_on(async {
            let (in_pieces, _) = digests(body(blocks), Algorithm::Sha1).await;
            let (in_one, _) = digests(body([whole]), Algorithm::Sha1).await;
            (in_pieces, in_one)
        });
        prop_assert_eq!(in_pieces.unwrap(), in_one.unwrap());
    }
}
