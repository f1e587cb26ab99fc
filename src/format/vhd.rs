//! VHD, which QEMU calls VPC. Dynamic disks have a copy of the footer at the front; fixed ones are raw to us.

use super::keep::be64;
use super::{Format, Found};

const MAGIC: &[u8] = b"conectix";
const HEADER: usize = 512;

pub(super) fn find(head: &[u8]) -> Option<Found> {
    if !head.starts_with(MAGIC) {
        return None;
    }
    if head.len() < HEADER {
        return Some(Found::cut_off(Format::Vhd));
    }
    Some(Found::harmless(Format::Vhd, be64(head, 40)?))
}
