//! What data is, beside the reference: disks that QEMU makes and heads that are made by hand, whole and damaged in
//! thousands of ways, are judged by both, and both must come to the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use glint::config::Formats;
use glint::format::{Format, Inspection};
use glint::image::inspect;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::{disks, venv};

/// How many damaged disks are judged.
const DAMAGED: usize = 6000;
/// Another seed damages them otherwise.
const SEED: &str = "GLINT_FORMATS_SEED";
/// Of no disk more than this is damaged, in bytes: nothing is looked for behind it.
const DAMAGED_LENGTH: usize = 4 << 20;
const DECLARED: [&str; 12] = ["raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi", "iso", "ami", "aki", "qed", "luks", "gpt"];

/// What QEMU makes: (file, format, options).
const BY_QEMU: &[(&str, &str, &str)] = &[
    ("v2.qcow2", "qcow2", "compat=0.10"),
    ("v3.qcow2", "qcow2", "compat=1.1,lazy_refcounts=on"),
    ("zstd.qcow2", "qcow2", "compression_type=zstd,cluster_size=4096"),
    ("extended.qcow2", "qcow2", "extended_l2=on,cluster_size=128k"),
    ("external.qcow2", "qcow2", "data_file=external.raw,data_file_raw=on"),
    ("qcow", "qcow", ""),
    ("qed", "qed", ""),
    ("vdi", "vdi", ""),
    ("static.vdi", "vdi", "static=on"),
    ("vhdx", "vhdx", ""),
    ("fixed.vhdx", "vhdx", "subformat=fixed,block_size=1M"),
    ("vhd", "vpc", ""),
    ("fixed.vhd", "vpc", "subformat=fixed"),
    ("sparse.vmdk", "vmdk", "subformat=monolithicSparse"),
    ("old.vmdk", "vmdk", "subformat=monolithicSparse,compat6=on"),
    ("stream.vmdk", "vmdk", "subformat=streamOptimized"),
    ("flat.vmdk", "vmdk", "subformat=monolithicFlat"),
    ("two.vmdk", "vmdk", "subformat=twoGbMaxExtentSparse"),
    ("parallels", "parallels", ""),
    ("raw", "raw", ""),
];

#[test]
#[expect(clippy::print_stdout, reason = "how many of each kind were compared is worth reading")]
fn the_reference_and_we_agree_about_data() {
    if venv::reference().is_none() {
        return println!("skipped: the reference is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let disks = disks_in(folder.path());
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x666f_726d);
    let mut dice = Dice(seed);
    let whole = disks.iter().flat_map(|disk| DECLARED.map(|declared| Question::whole(disk, declared)));
    let mut questions: Vec<Question> = whole.collect();
    questions.extend((0..DAMAGED).map(|_| dice.damaged(&disks)));
    let lines: Vec<String> = questions.iter().map(|question| question.as_json().to_string()).collect();
    let theirs = venv::ask_reference("formats.py", &lines);
    assert_eq!(theirs.len(), questions.len());
    let (mut wrong, mut sized, mut refused, mut explained) = (Vec::new(), 0, 0, 0);
    for (question, theirs) in questions.iter().zip(&theirs) {
        let theirs: Value = serde_json::from_str(theirs).unwrap();
        let ours = question.ask_us();
        if ours != normal(&theirs["answers"][0]) {
            match question.explanation(&theirs, &ours) {
                Some(_) => explained += 1,
                None => wrong.push(format!("they {theirs}, we {ours}: {}", question.as_json())),
            }
        } else if ours.get("refused").is_some() {
            refused += 1;
        } else {
            sized += 1;
        }
    }
    println!("seed {seed}: {sized} taken, {refused} refused, {explained} otherwise with a reason");
    assert!(sized > DAMAGED / 10 && refused > DAMAGED / 10, "the disks are too much alike");
    assert!(explained < DAMAGED / 20, "too much is explained");
    assert!(wrong.is_empty(), "seed {seed}: {} differ, the first:\n{}", wrong.len(), first(&wrong));
}

fn first(lines: &[String]) -> String {
    lines[..lines.len().min(20)].join("\n")
}

/// Several formats at once are named in any order there.
fn normal(answer: &Value) -> Value {
    let Some((text, names)) = answer["refused"].as_str().and_then(|text| text.split_once("detected: ")) else {
        return answer.clone();
    };
    let order = |name: &&str| Format::ALL.iter().position(|known| known.as_str() == *name);
    let mut names: Vec<&str> = names.split(',').collect();
    names.sort_by_key(order);
    json!({"refused": format!("{text}detected: {}", names.join(","))})
}

/// A disk to be judged.
struct Question<'d> {
    disk: &'d Disk,
    length: usize,
    edits: Vec<(usize, Vec<u8>)>,
    declared: &'static str,
    require: bool,
    nonfatal: &'static [&'static str],
}

struct Disk {
    file: PathBuf,
    bytes: Vec<u8>,
}

impl<'d> Question<'d> {
    fn whole(disk: &'d Disk, declared: &'static str) -> Self {
        Self { disk, length: disk.bytes.len(), edits: Vec::new(), declared, require: true, nonfatal: &[] }
    }

    fn as_json(&self) -> Value {
        json!({
            "file": self.disk.file, "length": self.length, "edits": self.edits, "declared": self.declared,
            "require": self.require, "nonfatal": self.nonfatal,
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.disk.bytes[..self.length].to_vec();
        for (at, part) in &self.edits {
            let room = bytes.len().saturating_sub(*at).min(part.len());
            if room > 0 {
                bytes[*at..at + room].copy_from_slice(&part[..room]);
            }
        }
        bytes
    }

    fn ask_us(&self) -> Value {
        let mut inspection = Inspection::default();
        for block in self.bytes().chunks(64 * 1024) {
            inspection.feed(block);
        }
        let gpt_checks_nonfatal = self.nonfatal.iter().map(|name| (*name).to_owned()).collect();
        let formats = Formats { require_match: self.require, gpt_checks_nonfatal, ..Formats::default() };
        match inspect::verdict(&inspection.finish(), self.declared, &formats) {
            Ok(size) => json!({"virtual_size": size.unwrap_or(0)}),
            Err(error) => json!({"refused": error.to_string()}),
        }
    }

    /// The row of `docs/compat.md` that says why we judge otherwise.
    fn explanation(&self, theirs: &Value, ours: &Value) -> Option<&'static str> {
        let answers = theirs["answers"].as_array().unwrap();
        let size = answers[0]["virtual_size"].as_f64();
        if theirs["never_inspected"] == true {
            Some("data that begins with 512 bytes of text and goes on with other letters than ASCII")
        } else if normal(&answers[0]) != normal(&answers[1]) {
            Some("tables of a VHDX in unusual places; a descriptor of a VMDK by itself")
        } else if size.is_some_and(|size| size >= 2_f64.powi(63)) {
            Some("a virtual_size beyond 63 bits")
        } else if size.is_some_and(|size| size < 0.0) && ours["virtual_size"] == 0 {
            Some("LUKS whose data would begin behind its end")
        } else if self.declared == "raw" && self.bytes().starts_with(b"vhdxfile") && ours["virtual_size"] == self.length
        {
            Some("a broken VHDX that is declared to be raw")
        } else {
            None
        }
    }
}

/// All disks, in `folder`.
fn disks_in(folder: &Path) -> Vec<Disk> {
    let mut files: Vec<PathBuf> = Vec::new();
    for (name, format, options) in BY_QEMU {
        let mut command = Command::new("qemu-img");
        command.current_dir(folder).args(["convert", "-f", "raw", "-O", format]);
        if !options.is_empty() {
            command.args(["-o", options]);
        }
        let output = command.arg("/usr/lib/grub-rescue/grub-rescue-floppy.img").arg(name).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        files.push(folder.join(name));
    }
    for (name, arguments) in [
        ("luks", ["-f", "luks", "--object", "secret,id=s,data=s", "-o", "key-secret=s,iter-time=10"].as_slice()),
        ("overlay.qcow2", &["-f", "qcow2", "-b", "v3.qcow2", "-F", "qcow2"]),
    ] {
        let mut command = Command::new("qemu-img");
        command.current_dir(folder).arg("create").args(arguments).args([name, "1M"]);
        assert!(command.output().unwrap().status.success(), "{name}");
        files.push(folder.join(name));
    }
    files.extend(["floppy.img", "cdrom.iso"].map(|name| format!("/usr/lib/grub-rescue/grub-rescue-{name}").into()));
    for (number, bytes) in by_hand().into_iter().enumerate() {
        let file = folder.join(format!("by-hand-{number}"));
        fs::write(&file, bytes).unwrap();
        files.push(file);
    }
    files.into_iter().map(|file| Disk { bytes: fs::read(&file).unwrap(), file }).collect()
}

fn by_hand() -> Vec<Vec<u8>> {
    let sparse = disks::descriptor("monolithicSparse", "RW 2048 SPARSE \"disk.vmdk\"");
    let flat = disks::descriptor("monolithicFlat", "RW 2048 FLAT \"/etc/shadow\" 0");
    vec![
        vec![0; 1024],
        disks::qcow2(3, 1 << 30),
        disks::vmdk(&sparse, 2048),
        disks::vmdk_with_footer(&sparse, 2048, |_| {}),
        disks::vmdk(&flat, 2048),
        flat.clone().into(),
        (flat + &"#".repeat(600)).into(),
        (sparse + &"ddb.x=1\n".repeat(100)).into(),
        disks::vhdx(1 << 20, 65536, 8, 1 << 30),
        disks::vhdx(1 << 20, 4096, 8, 1 << 30),
        disks::vhdx(512 * 1024, 1 << 20, 8, 1 << 30),
        disks::mbr(&[(0, 0xEE, 1)]),
        disks::mbr(&[(0, 0x83, 2048), (2, 0x82, 4096)]),
        disks::luks(1, 8),
        disks::luks(2, 8),
        disks::iso(20),
    ]
}

impl Dice {
    fn damaged<'d>(&mut self, disks: &'d [Disk]) -> Question<'d> {
        let disk = &disks[self.roll(disks.len())];
        let whole = disk.bytes.len().min(DAMAGED_LENGTH);
        let length = match self.roll(8) {
            0 => self.roll(1200),
            1 => self.roll(whole + 1),
            2 => [63, 64, 511, 512, 1535, 1536, 34 * 1024 - 1, 34 * 1024, 256 * 1024 - 1, 256 * 1024][self.roll(10)],
            _ => whole,
        };
        let edits = (0..self.roll(4)).map(|_| (self.place(), self.part())).collect();
        Question {
            disk,
            length: length.min(whole),
            edits,
            declared: if self.roll(2) == 0 { "raw" } else { DECLARED[self.roll(DECLARED.len())] },
            require: self.roll(4) > 0,
            nonfatal: if self.roll(4) == 0 { &["mbr"] } else { &[] },
        }
    }

    /// Somewhere where something is looked for.
    fn place(&mut self) -> usize {
        match self.roll(10) {
            0 => 0,
            1..=3 => self.roll(80),
            4 => 104 + self.roll(4),
            5 => 440 + self.roll(72),
            6 => 512 + self.roll(500),
            7 => 32 * 1024 + self.roll(140),
            8 => 192 * 1024 + self.roll(100),
            _ => [510, 0x40, 0x170, 256 * 1024, 512 * 1024, 1 << 20, 2 << 20, (1 << 20) + 64][self.roll(8)],
        }
    }

    fn part(&mut self) -> Vec<u8> {
        let words: [&[u8]; 16] = [
            b"QFI\xfb\0\0\0\x03",
            b"QED\0",
            b"conectix",
            b"vhdxfile",
            b"KDMV",
            b"LUKS\xba\xbe",
            b"\x7f\x10\xda\xbe",
            b"\x55\xaa",
            b"CD001",
            b"regi",
            b"metadata",
            b"createType=\"monolithicSparse\"",
            b"createtype=\"",
            b"\"",
            b"RW 1 SPARSE \"a/b\"\n",
            "\nü\n".as_bytes(),
        ];
        match self.roll(4) {
            0 => words[self.roll(words.len())].to_vec(),
            1 => vec![0; 1 + self.roll(8)],
            2 => vec![255; 1 + self.roll(8)],
            _ => (0..=self.roll(4)).map(|_| u8::try_from(self.roll(256)).unwrap()).collect(),
        }
    }
}
