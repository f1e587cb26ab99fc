//! URLs are read and written as the reference does, and none leads out of the directory.

#![expect(clippy::disallowed_methods, reason = "there is no executor here")]

use std::os::unix::fs::symlink;
use std::{fs, io};

use super::{Name, Root};
use crate::store::StoreError;

const ID: &str = "0ea1e2ac-1f6d-4c11-8e5a-d3a3c3b9c001";

#[test]
fn only_uuids_are_names() {
    for good in [ID, "0EA1E2AC-1F6D-4c11-8E5A-D3A3C3B9C001", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(Name::parse(good).unwrap().as_str(), good);
    }
    for bad in [
        "",
        "1",
        "../../../../../../../../../etc/passwd",
        "0ea1e2ac1f6d4c118e5ad3a3c3b9c001",
        "{0ea1e2ac-1f6d-4c11-8e5a-d3a3c3b9c001}",
        "0ea1e2ac-1f6d-4c11-8e5a-d3a3c3b9c00/",
        "0ea1e2ac-1f6d-4c11-8e5a-d3a3c3b9c00\0",
    ] {
        assert!(Name::parse(bad).is_none(), "{bad:?}");
    }
}

#[test]
fn urls_are_written_as_the_reference_does() {
    let name = Name::parse(ID).unwrap();
    for (datadir, url) in [
        ("/var/lib/glance/images", format!("file:///var/lib/glance/images/{ID}")),
        ("/var/lib/glance/images/", format!("file:///var/lib/glance/images/{ID}")),
        ("/srv/im ages#1?%20", format!("file:///srv/im ages#1?%20/{ID}")),
    ] {
        let root = Root::new(datadir);
        assert_eq!(root.url(&name), url);
        assert_eq!(root.inside(&url).unwrap().to_str().unwrap(), ID, "and read back");
    }
}

#[test]
fn a_relative_directory_is_made_absolute() {
    let url = Root::new("images").url(&Name::parse(ID).unwrap());
    let here = std::env::current_dir().unwrap();
    assert_eq!(url, format!("file://{}/images/{ID}", here.display()));
}

#[test]
fn urls_are_read_as_the_reference_does() {
    let root = Root::new("/data/images");
    for (url, inside) in [
        ("file:///data/images/x", Ok("x")),
        ("filesystem:///data/images/x", Ok("x")),
        ("file:////data//images/./x", Ok("x")),
        ("file:///data/images/old/x", Ok("old/x")),
        ("file:///data/images/x ", Ok("x")),
        ("file:///data/images/x?y#z", Ok("x")),
        ("file:///data/images/a%20b%2fc", Ok("a%20b%2fc")),
        ("file:///data/images/..x", Ok("..x")),
        ("file:///data/images", Err("no object")),
        ("file:///data/images/", Err("no object")),
        ("file:///data/images/?x", Err("no object")),
        ("file:///data/images/../x", Err("leads out")),
        ("file:///data/images/a/../../x", Err("leads out")),
        ("file:///data/images/..", Err("leads out")),
        ("file:///data/x/../images/x", Err("outside")),
        ("file:///data/imagesx/x", Err("outside")),
        ("file:///etc/passwd", Err("outside")),
        ("file:///", Err("outside")),
        ("file://", Err("host")),
        ("file://host/data/images/x", Err("host")),
        ("file://localhost/data/images/x", Err("host")),
        ("file:///data/images/x\0", Err("null")),
        ("file:/data/images/x", Err("begin")),
        ("FILE:///data/images/x", Err("begin")),
        ("http://data/images/x", Err("begin")),
        ("/data/images/x", Err("begin")),
        ("", Err("begin")),
    ] {
        match (root.inside(url), inside) {
            (Ok(found), Ok(expected)) => assert_eq!(found.to_str().unwrap(), expected, "{url:?}"),
            (Err(reason), Err(expected)) => assert!(reason.contains(expected), "{url:?}: {reason}"),
            (found, _) => panic!("{url:?} gives {found:?}"),
        }
    }
}

#[test]
fn symbolic_links_lead_nowhere() {
    let outer = tempfile::tempdir().unwrap();
    let datadir = outer.path().join("images");
    fs::create_dir_all(datadir.join("inner")).unwrap();
    fs::write(outer.path().join("secret"), "x").unwrap();
    fs::write(datadir.join("inner/object"), "object").unwrap();
    symlink(outer.path().join("secret"), datadir.join("link")).unwrap();
    symlink("inner/object", datadir.join("near")).unwrap();
    symlink(outer.path(), datadir.join("out")).unwrap();
    symlink(&datadir, outer.path().join("alias")).unwrap();

    let datadir = datadir.to_str().unwrap();
    let root = Root::new(datadir);
    let place = |inside: &str| root.find(format!("file://{datadir}/{inside}"));
    assert_eq!(place("inner/object").unwrap().size().unwrap(), 6);
    for linked in ["link", "near"] {
        assert!(matches!(place(linked).unwrap().open(), Err(StoreError::BadUrl { .. })), "{linked}");
        assert!(matches!(place(linked).unwrap().size(), Err(StoreError::BadUrl { .. })), "{linked}");
    }
    assert!(place("out/secret").is_err());
    assert!(matches!(place("object/behind").map(|_| ()), Err(StoreError::NotFound { .. })));
    assert!(matches!(place("inner").unwrap().open(), Err(StoreError::BadUrl { .. })));
    assert!(matches!(place("inner").unwrap().size(), Err(StoreError::BadUrl { .. })));
    assert!(matches!(place("inner").unwrap().remove(), Err(StoreError::BadUrl { .. })));

    // The directory itself may be behind a link, under either of its names.
    let alias = outer.path().join("alias");
    let alias = Root::new(alias.to_str().unwrap());
    for url in [format!("file://{datadir}/inner/object"), format!("file://{}/inner/object", alias.text)] {
        assert_eq!(alias.find(url).unwrap().size().unwrap(), 6);
    }
}

#[test]
fn a_pipe_is_no_object() -> io::Result<()> {
    let datadir = tempfile::tempdir()?;
    let pipe = datadir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)?;
    let root = Root::new(datadir.path().to_str().unwrap());
    let place = root.find(format!("file://{}", pipe.display())).unwrap();
    assert!(matches!(place.open(), Err(StoreError::BadUrl { .. })));
    Ok(())
}
