//! Heads of disk images in every format, made byte by byte.

/// Bytes of zero with these parts in them.
pub fn with(length: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; length];
    for (at, part) in parts {
        bytes[*at..at + part.len()].copy_from_slice(part);
    }
    bytes
}

/// QCOW2 of `size` bytes inside.
pub fn qcow2(version: u32, size: u64) -> Vec<u8> {
    with(1024, &[(0, b"QFI\xfb"), (4, &version.to_be_bytes()), (24, &size.to_be_bytes())])
}

/// A table of partitions: each its number, its type, and where it begins.
pub fn mbr(partitions: &[(usize, u8, u32)]) -> Vec<u8> {
    let mut disk = with(2048, &[(510, b"\x55\xaa")]);
    for (number, kind, start) in partitions {
        let at = 446 + 16 * number;
        disk[at + 2] = 2;
        disk[at + 4] = *kind;
        disk[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
    }
    disk
}

/// An ISO of `blocks` of 2048 bytes.
pub fn iso(blocks: u32) -> Vec<u8> {
    let size = blocks.to_le_bytes();
    with(36 * 1024, &[(32 * 1024, b"\x01CD001\x01"), (32 * 1024 + 80, &size), (32 * 1024 + 128, &[0, 8])])
}

/// LUKS whose data begins after `sectors`.
pub fn luks(version: u16, sectors: u32) -> Vec<u8> {
    with(8192, &[(0, b"LUKS\xba\xbe"), (6, &version.to_be_bytes()), (104, &sectors.to_be_bytes())])
}

/// A descriptor of a VMDK.
pub fn descriptor(kind: &str, extents: &str) -> String {
    format!(
        "# Disk DescriptorFile\nversion=1\nCID=7\ncreateType=\"{kind}\"\n\n{extents}\n\nddb.adapterType = \"ide\"\n"
    )
}

/// A VMDK with this text as its descriptor, of `sectors`.
pub fn vmdk(text: &str, sectors: u64) -> Vec<u8> {
    let head = sparse_header(sectors, 0);
    with(4096, &[(0, &head), (512, text.as_bytes())])
}

/// A VMDK with a footer, which `change` changes.
pub fn vmdk_with_footer(text: &str, sectors: u64, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut footer = with(1536, &[(12, &3_u32.to_le_bytes()), (512, &sparse_header(sectors, 9))]);
    change(&mut footer);
    let mut disk = with(65536, &[(0, &sparse_header(sectors, u64::MAX)), (512, text.as_bytes())]);
    disk.extend(footer);
    disk
}

fn sparse_header(sectors: u64, directory: u64) -> Vec<u8> {
    let numbers: [(usize, &[u8]); 6] = [
        (0, b"KDMV"),
        (4, &1_u32.to_le_bytes()),
        (12, &sectors.to_le_bytes()),
        (28, &1_u64.to_le_bytes()),
        (36, &4_u64.to_le_bytes()),
        (56, &directory.to_le_bytes()),
    ];
    with(64, &numbers)
}

const METADATA_REGION: &[u8] = b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
const VIRTUAL_DISK_SIZE: &[u8] = b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8";

/// A VHDX whose metadata are at `metadata`, and its size, which has `length` bytes, `item` behind that.
pub fn vhdx(metadata: u32, item: u32, length: u32, size: u64) -> Vec<u8> {
    let (at, value) = (metadata as usize, size.to_le_bytes());
    let entry = [VIRTUAL_DISK_SIZE, &item.to_le_bytes(), &length.to_le_bytes()].concat();
    let region = [METADATA_REGION, &u64::from(metadata).to_le_bytes()].concat();
    let parts: [(usize, &[u8]); 9] = [
        (0, b"vhdxfile"),
        (192 * 1024, b"regi"),
        (192 * 1024 + 8, &[2]),
        (192 * 1024 + 48, &region),
        (at, b"metadata"),
        (at + 10, &[2]),
        (at + 64, &entry),
        (at + item as usize, &value),
        // Something behind it.
        (at + item as usize + 8, b"the data"),
    ];
    with((at + (item as usize).max(65536) + 4096).max(300 * 1024), &parts)
}
