//! What data is, whether it is what its image claims, and whether it is safe to open.

use glint::config::Formats;
use glint::format::{Findings, Inspection};
use glint::image::inspect;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::callers::MEMBER;
use crate::harness::disks::{self, with};

const GIB: u64 = 1 << 30;
const INCOMPLETE: &str = "Incomplete file cannot be safety checked";
const UNSAFE: &str = "Image failed safety checks";
const UNREADABLE: &str = "Image format inspection failed";

fn inspected(bytes: &[u8]) -> Findings {
    let mut inspection = Inspection::default();
    inspection.feed(bytes);
    inspection.finish()
}

/// What becomes of data: the size of the disk inside, or the text of the refusal.
fn verdict(bytes: &[u8], declared: &str, formats: &Formats) -> Result<i64, String> {
    match inspect::verdict(&inspected(bytes), declared, formats) {
        Ok(size) => Ok(size.unwrap_or(0)),
        Err(error) => Err(error.to_string()),
    }
}

fn changed(mut bytes: Vec<u8>, at: usize, part: &[u8]) -> Vec<u8> {
    bytes[at..at + part.len()].copy_from_slice(part);
    bytes
}

fn cut(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.truncate(length);
    bytes
}

/// (what it is, the data, the declared format, its virtual size or the refusal)
#[test]
fn verdicts() {
    let sparse = disks::descriptor("monolithicSparse", "RW 2048 SPARSE \"disk.vmdk\"");
    let vmdk = disks::vmdk(&sparse, 2048);
    let kind = |kind: &str| disks::vmdk(&disks::descriptor(kind, "RW 2048 SPARSE \"disk.vmdk\""), 2048);
    let stream = disks::descriptor("streamOptimized", "RW 2048 SPARSE \"disk.vmdk\"");
    let flat = disks::descriptor("monolithicFlat", "RW 2048 FLAT \"/etc/shadow\" 0");
    let padding = "#".repeat(600);
    let iso_that_boots = changed(disks::iso(20), 0, &disks::mbr(&[(0, 0xEE, 1)]));
    let cases: Vec<(&str, Vec<u8>, &str, Result<u64, &str>)> = vec![
        ("nothing", vec![], "raw", Ok(0)),
        ("nothing", vec![], "qcow2", Err("Image disk_format qcow2 does not match stream data raw")),
        ("zeroes", vec![0; 700], "raw", Ok(700)),
        ("zeroes", vec![0; 700], "ami", Ok(0)),
        ("zeroes", vec![0; 700], "iso", Err("Image disk_format iso does not match stream data raw")),
        // QCOW2.
        ("qcow2", disks::qcow2(2, GIB), "qcow2", Ok(GIB)),
        ("qcow2", disks::qcow2(3, GIB), "qcow2", Ok(GIB)),
        ("qcow2 as raw", disks::qcow2(3, GIB), "raw", Ok(1024)),
        (
            "qcow2 as another",
            disks::qcow2(3, GIB),
            "vdi",
            Err("Image disk_format vdi does not match stream data qcow2"),
        ),
        ("qcow2 as ami", disks::qcow2(3, GIB), "ami", Err("Image disk_format ami does not match stream data qcow2")),
        ("qcow", disks::qcow2(1, GIB), "qcow2", Err(UNSAFE)),
        ("version 4", disks::qcow2(4, GIB), "qcow2", Err(UNSAFE)),
        ("backing file", changed(disks::qcow2(2, GIB), 15, &[200]), "qcow2", Err(UNSAFE)),
        ("backing file far away", changed(disks::qcow2(3, GIB), 8, &[1]), "qcow2", Err(UNSAFE)),
        ("backing file as raw", changed(disks::qcow2(3, GIB), 8, &[1]), "raw", Err(UNSAFE)),
        ("data file", changed(disks::qcow2(3, GIB), 79, &[4]), "qcow2", Err(UNSAFE)),
        ("data file of version 2", changed(disks::qcow2(2, GIB), 79, &[4]), "qcow2", Err(UNSAFE)),
        ("known features", changed(disks::qcow2(3, GIB), 79, &[0b1011]), "qcow2", Ok(GIB)),
        ("an unknown feature", changed(disks::qcow2(3, GIB), 79, &[16]), "qcow2", Err(UNSAFE)),
        ("another", changed(disks::qcow2(3, GIB), 72, &[128]), "qcow2", Err(UNSAFE)),
        ("another of version 2", changed(disks::qcow2(2, GIB), 72, &[128]), "qcow2", Ok(GIB)),
        (
            "no whole header",
            cut(disks::qcow2(3, GIB), 511),
            "qcow2",
            Err("Image disk_format qcow2 does not match stream data raw"),
        ),
        ("a size that is none", disks::qcow2(3, 1 << 63), "qcow2", Err(UNREADABLE)),
        ("the greatest size", disks::qcow2(3, (1 << 63) - 1), "qcow2", Ok((1 << 63) - 1)),
        // QED, VHD, VDI.
        ("qed", with(512, &[(0, b"QED\0")]), "raw", Err(UNSAFE)),
        ("qed", with(512, &[(0, b"QED\0")]), "qcow2", Err("Image disk_format qcow2 does not match stream data qed")),
        ("vhd", with(512, &[(0, b"conectix"), (40, &GIB.to_be_bytes())]), "vhd", Ok(GIB)),
        ("no whole vhd", with(511, &[(0, b"conectix")]), "vhd", Err(INCOMPLETE)),
        ("vdi", with(512, &[(0x40, b"\x7f\x10\xda\xbe"), (0x170, &GIB.to_le_bytes())]), "vdi", Ok(GIB)),
        // VHDX.
        ("vhdx", disks::vhdx(1 << 20, 65536, 8, GIB), "vhdx", Ok(GIB)),
        ("vhdx with its size in the table", disks::vhdx(1 << 20, 4096, 8, GIB), "vhdx", Ok(GIB)),
        ("vhdx with its size far away", disks::vhdx(1 << 20, 3 << 20, 8, GIB), "vhdx", Ok(GIB)),
        ("vhdx right behind its regions", disks::vhdx(256 * 1024, 65536, 8, GIB), "vhdx", Ok(GIB)),
        ("vhdx before them", disks::vhdx(100 * 1024, 1 << 20, 8, GIB), "vhdx", Ok(GIB)),
        ("all of a vhdx before them", disks::vhdx(100 * 1024, 4096, 8, GIB), "vhdx", Ok(GIB)),
        ("vhdx half before them", disks::vhdx(250 * 1024, 6140, 8, GIB), "vhdx", Ok(GIB)),
        ("a size of four bytes", disks::vhdx(1 << 20, 65536, 4, GIB), "vhdx", Err(UNREADABLE)),
        ("a size of four bytes", disks::vhdx(1 << 20, 65536, 4, GIB), "raw", Ok((1 << 20) + 65536 + 4096)),
        ("a size of no bytes", disks::vhdx(1 << 20, 65536, 0, GIB), "vhdx", Err(UNREADABLE)),
        ("vhdx without regions", changed(disks::vhdx(1 << 20, 65536, 8, GIB), 192 * 1024, b"none"), "vhdx", Ok(0)),
        ("too many regions", changed(disks::vhdx(1 << 20, 65536, 8, GIB), 192 * 1024 + 9, &[8]), "vhdx", Ok(0)),
        ("no such region", changed(disks::vhdx(1 << 20, 65536, 8, GIB), 192 * 1024 + 48, &[0]), "vhdx", Ok(0)),
        ("no metadata", changed(disks::vhdx(1 << 20, 65536, 8, GIB), 1 << 20, b"none"), "vhdx", Ok(0)),
        ("no such item", changed(disks::vhdx(1 << 20, 65536, 8, GIB), (1 << 20) + 64, &[0]), "vhdx", Ok(0)),
        ("vhdx up to its size", cut(disks::vhdx(1 << 20, 65536, 8, GIB), (1 << 20) + 65536 + 8), "vhdx", Ok(GIB)),
        ("a byte less", cut(disks::vhdx(1 << 20, 65536, 8, GIB), (1 << 20) + 65536 + 7), "vhdx", Err(INCOMPLETE)),
        ("up to the regions", cut(disks::vhdx(1 << 20, 65536, 8, GIB), 256 * 1024), "vhdx", Err(INCOMPLETE)),
        ("less", cut(disks::vhdx(1 << 20, 65536, 8, GIB), 9), "vhdx", Err(INCOMPLETE)),
        // VMDK.
        ("vmdk", vmdk.clone(), "vmdk", Ok(2048 * 512)),
        ("vmdk as raw", vmdk.clone(), "raw", Ok(4096)),
        ("vmdk of more than there is", disks::vmdk(&sparse, 1 << 60), "vmdk", Err(UNREADABLE)),
        ("vmdk in capital letters", kind("MONOLITHICSPARSE"), "vmdk", Ok(2048 * 512)),
        ("flat", kind("monolithicFlat"), "vmdk", Err(UNSAFE)),
        ("flat as raw", kind("monolithicFlat"), "raw", Err(UNSAFE)),
        ("two files", kind("twoGbMaxExtentFlat"), "vmdk", Err(UNSAFE)),
        ("a kind of 64 letters", kind(&"x".repeat(64)), "vmdk", Err(UNSAFE)),
        (
            "two kinds, the second is another",
            disks::vmdk(&format!("{sparse}createType=\"custom\"\n"), 9),
            "vmdk",
            Ok(9 * 512),
        ),
        (
            "another folder",
            disks::vmdk(&disks::descriptor("monolithicSparse", "RW 1 SPARSE \"../x\""), 1),
            "vmdk",
            Err(UNSAFE),
        ),
        ("no extents", disks::vmdk(&disks::descriptor("monolithicSparse", ""), 1), "vmdk", Err(UNSAFE)),
        (
            "an odd line",
            disks::vmdk(&disks::descriptor("monolithicSparse", "RW 1 SPARSE \"x\"\nodd line"), 1),
            "vmdk",
            Err(UNSAFE),
        ),
        ("an umlaut", disks::vmdk(&disks::descriptor("monolithicSparse", "RW 1 SPARSE \"ü\""), 1), "vmdk", Err(UNSAFE)),
        ("no descriptor", disks::vmdk("", 1), "vmdk", Err(UNSAFE)),
        ("version 4", changed(vmdk.clone(), 4, &[4]), "vmdk", Err(UNSAFE)),
        ("descriptor elsewhere", changed(vmdk.clone(), 28, &[2]), "vmdk", Err(UNSAFE)),
        ("descriptor beyond the end", changed(vmdk.clone(), 36, &[8]), "vmdk", Err(INCOMPLETE)),
        ("nothing but a magic", b"KDMV".to_vec(), "vmdk", Err(INCOMPLETE)),
        ("with a footer", disks::vmdk_with_footer(&stream, 2048, |_| {}), "vmdk", Ok(2048 * 512)),
        ("that is none", disks::vmdk_with_footer(&stream, 2048, |it| it[512] = 0), "vmdk", Err(UNSAFE)),
        ("that has another version", disks::vmdk_with_footer(&stream, 2048, |it| it[516] = 2), "vmdk", Err(UNSAFE)),
        (
            "that has another descriptor",
            disks::vmdk_with_footer(&stream, 2048, |it| it[512 + 28] = 9),
            "vmdk",
            Err(UNSAFE),
        ),
        ("that is longer", disks::vmdk_with_footer(&stream, 2048, |it| it[512 + 36] = 9), "vmdk", Err(UNSAFE)),
        ("that has a footer", disks::vmdk_with_footer(&stream, 2048, |it| it[568..576].fill(255)), "vmdk", Err(UNSAFE)),
        ("without a marker", disks::vmdk_with_footer(&stream, 2048, |it| it[12] = 0), "vmdk", Err(UNSAFE)),
        ("with a marker that is more", disks::vmdk_with_footer(&stream, 2048, |it| it[500] = 1), "vmdk", Err(UNSAFE)),
        ("without an end", disks::vmdk_with_footer(&stream, 2048, |it| it[1024] = 1), "vmdk", Err(UNSAFE)),
        ("a descriptor alone", (flat.clone() + &padding).into(), "vmdk", Err(UNSAFE)),
        ("a descriptor alone as raw", (flat.clone() + &padding).into(), "raw", Err(UNSAFE)),
        ("that is hidden by an umlaut", (flat.clone() + &padding + "ü").into(), "raw", Err(UNSAFE)),
        ("that says little for long", ("#\n".repeat(200_000) + &flat).into(), "raw", Err(UNSAFE)),
        ("that claims to have its data", (sparse.clone() + &padding).into(), "vmdk", Err(UNREADABLE)),
        ("text", "text".repeat(1000).into(), "raw", Ok(4000)),
        ("text with umlauts", ("text".repeat(1000) + "ü").into(), "raw", Ok(4002)),
        // ISO.
        ("iso", disks::iso(20), "iso", Ok(20 * 2048)),
        ("udf", changed(disks::iso(20), 32 * 1024, b"\0NSR03"), "iso", Ok(0)),
        (
            "no whole iso",
            cut(disks::iso(20), 34 * 1024 - 1),
            "iso",
            Err("Image disk_format iso does not match stream data raw"),
        ),
        ("iso that boots", iso_that_boots.clone(), "iso", Ok(20 * 2048)),
        ("iso that boots as raw", iso_that_boots, "raw", Err("Multiple formats detected: iso,gpt")),
        (
            "iso and qcow2",
            changed(disks::iso(20), 0, &disks::qcow2(3, GIB)),
            "iso",
            Err("Multiple formats detected: qcow2,iso"),
        ),
        // Partitions.
        ("gpt", disks::mbr(&[(0, 0xEE, 1)]), "raw", Ok(2048)),
        ("gpt as iso", disks::mbr(&[(0, 0xEE, 1)]), "iso", Err("Image disk_format iso does not match stream data gpt")),
        ("mbr", disks::mbr(&[(0, 0x83, 2048), (2, 0x82, 4096)]), "raw", Ok(2048)),
        ("fat", changed(changed(disks::mbr(&[]), 0x10, &[2]), 0x15, &[0xF8]), "raw", Ok(2048)),
        ("no partitions", disks::mbr(&[]), "raw", Err(UNSAFE)),
        ("odd boot flag", changed(disks::mbr(&[(0, 0x83, 1)]), 446, &[1]), "raw", Err(UNSAFE)),
        ("gpt elsewhere", disks::mbr(&[(0, 0xEE, 2)]), "raw", Err(UNSAFE)),
        ("gpt elsewhere by head", changed(disks::mbr(&[(0, 0xEE, 1)]), 447, &[1]), "raw", Err(UNSAFE)),
        ("gpt with another", disks::mbr(&[(0, 0xEE, 1), (1, 0x83, 9)]), "raw", Err(UNSAFE)),
        ("gpt not first", disks::mbr(&[(1, 0xEE, 1)]), "raw", Err(UNSAFE)),
        // LUKS.
        ("luks", disks::luks(1, 8), "luks", Ok(4096)),
        ("luks as raw", disks::luks(1, 8), "raw", Ok(8192)),
        ("luks 2", disks::luks(2, 8), "raw", Err(UNSAFE)),
        ("luks without data", disks::luks(1, 17), "luks", Ok(0)),
        ("no whole luks", cut(disks::luks(1, 0), 591), "luks", Err(INCOMPLETE)),
        ("no numbers of luks", cut(disks::luks(1, 0), 167), "luks", Err(UNREADABLE)),
        ("no numbers of luks as raw", cut(disks::luks(1, 0), 167), "raw", Err(INCOMPLETE)),
    ];
    let mut wrong = Vec::new();
    for (what, bytes, declared, expected) in &cases {
        let expected = (*expected).map(|size| i64::try_from(size).unwrap()).map_err(str::to_owned);
        let ours = verdict(bytes, declared, &Formats::default());
        if ours != expected {
            wrong.push(format!("{what} as {declared}: {ours:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// (the data, the declared format, its virtual size or the refusal)
#[test]
fn what_the_operator_puts_up_with() {
    let lax = Formats { require_match: false, ..Formats::default() };
    let tolerant = Formats { gpt_checks_nonfatal: vec!["mbr".to_owned()], ..Formats::default() };
    let bad_table = disks::mbr(&[(0, 0xEE, 2)]);
    let backed = changed(disks::qcow2(3, GIB), 8, &[1]);
    let cases = [
        (&lax, vec![0; 512], "qcow2", Ok(0)),
        (&lax, disks::qcow2(3, 1 << 63), "qcow2", Ok(0)),
        (&lax, cut(disks::vhdx(1 << 20, 65536, 8, GIB), 99), "raw", Ok(99)),
        (&lax, backed.clone(), "vdi", Ok(0)),
        (&lax, backed.clone(), "qcow2", Err(UNSAFE)),
        (&lax, backed.clone(), "raw", Err(UNSAFE)),
        (&lax, bad_table.clone(), "raw", Err(UNSAFE)),
        (&tolerant, bad_table, "raw", Ok(2048)),
        (&tolerant, backed, "qcow2", Err(UNSAFE)),
        (&tolerant, vec![0; 512], "qcow2", Err("Image disk_format qcow2 does not match stream data raw")),
    ];
    for (at, (formats, bytes, declared, expected)) in cases.into_iter().enumerate() {
        assert_eq!(verdict(&bytes, declared, formats), expected.map_err(str::to_owned), "case {at}: {declared}");
    }
}

/// (disk format, container format, the data, status, text, `virtual_size`)
#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let app = TestApp::new().await;
    let backed = changed(disks::qcow2(3, GIB), 8, &[1]);
    let cases = [
        ("qcow2", "bare", disks::qcow2(3, GIB), 204, "", json!(GIB)),
        ("raw", "bare", b"0123456789".to_vec(), 204, "", json!(10)),
        ("ami", "bare", b"0123456789".to_vec(), 204, "", Value::Null),
        ("qcow2", "ovf", backed.clone(), 204, "", Value::Null),
        ("qcow2", "bare", backed, 415, UNSAFE, Value::Null),
        ("qcow2", "bare", b"raw".to_vec(), 415, "Image disk_format qcow2 does not match stream data raw", Value::Null),
    ];
    for (disk_format, container_format, data, status, text, virtual_size) in cases {
        let before = app.stored_files().len();
        let new = json!({"disk_format": disk_format, "container_format": container_format});
        let id = app.create(MEMBER, new).await;
        let answer = app.upload(MEMBER, &id, &data).send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
        let refused = status != 204;
        assert!(!refused || answer.message().ends_with(text), "{}", answer.message());
        let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
        assert_eq!(image["virtual_size"], virtual_size, "{disk_format}");
        assert_eq!(image["status"], if refused { "queued" } else { "active" });
        assert_eq!(app.stored_files().len() - before, usize::from(!refused));
        if refused {
            assert_eq!((&image["size"], &image["stores"]), (&Value::Null, &Value::Null));
            // What is all right can come after what was not.
            let answer = app.upload(MEMBER, &id, &disks::qcow2(3, GIB)).send().await;
            assert_eq!(answer.status, 204, "{}", answer.text());
        }
    }
}
