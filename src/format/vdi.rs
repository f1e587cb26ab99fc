//! VDI, the format of `VirtualBox`.

use super::keep::{le32, le64};
use super::{Format, Found};

const SIGNATURE: u32 = 0xBEDA_107F;
const HEADER: usize = 512;

pub(super) fn find(head: &[u8]) -> Option<Found> {
    let header = head.get(..HEADER).filter(|header| le32(header, 0x40) == Some(SIGNATURE))?;
    Some(Found::harmless(Format::Vdi, le64(header, 0x170)?))
}
