//! Whatever the bytes are and in whatever blocks they come: the findings are the same, and what is kept has a bound.

use proptest::prelude::*;

use super::{Findings, Inspection, MOST_KEPT};

fn inspected<'b>(blocks: impl IntoIterator<Item = &'b [u8]>) -> Findings {
    let mut inspection = Inspection::default();
    for block in blocks {
        inspection.feed(block);
        assert!(inspection.kept() <= MOST_KEPT);
    }
    inspection.finish()
}

/// Beginnings that make an inspection go on.
const BEGINNINGS: [&[u8]; 9] =
    [b"", b"QFI\xfb", b"QED\0", b"conectix", b"vhdxfile", b"KDMV\x01\0\0\0", b"LUKS\xba\xbe", b"# text\n", b"text"];

/// Noise behind one of the beginnings, with some of its bytes such as decide something elsewhere.
fn disk() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<(usize, &[u8])> = vec![
        (28, &[1, 0, 0, 0, 0, 0, 0, 0, 255]),
        (36, &[4, 0, 0, 0, 0, 0, 0, 0]),
        (56, &[255; 8]),
        (0x40, b"\x7f\x10\xda\xbe"),
        (510, b"\x55\xaa"),
        (512, b"createType=\"monolithicSparse\"\nRW 1 SPARSE \"x\"\n\0"),
        (32 * 1024, b"\x01CD001"),
        (192 * 1024, b"regi\0\0\0\0\x01\0\0\0\0\0\0\0\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e"),
        (192 * 1024 + 32, &[0, 0, 4, 0, 0, 0, 0, 0]),
        (256 * 1024, b"metadata\0\0\x01\0"),
        (
            256 * 1024 + 32,
            b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8\x00\x00\x01\x00\x08\x00\x00\x00",
        ),
    ];
    let length = prop_oneof![0..700_usize, 30_000..70_000_usize, 190_000..400_000_usize];
    (
        proptest::sample::select(BEGINNINGS.to_vec()),
        proptest::sample::subsequence(parts.clone(), 0..=parts.len()),
        length,
        any::<u8>(),
    )
        .prop_map(|(beginning, parts, length, noise)| {
            let mut bytes: Vec<u8> = (0..251).cycle().take(length).map(|byte: u8| byte & noise).collect();
            for (at, part) in [(0, beginning)].into_iter().chain(parts) {
                if let Some(place) = bytes.get_mut(at..at + part.len()) {
                    place.copy_from_slice(part);
                }
            }
            bytes
        })
}

/// `bytes` in blocks of these lengths, again and again.
fn blocks<'b>(bytes: &'b [u8], lengths: &[usize]) -> Vec<&'b [u8]> {
    let mut rest = bytes;
    let mut blocks = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (block, later) = rest.split_at((*length).min(rest.len()));
        blocks.push(block);
        rest = later;
    }
    blocks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_change_nothing(bytes in disk(), lengths in prop::collection::vec(prop_oneof![1..600_usize, 1000..300_000_usize], 1..6)) {
        prop_assert_eq!(inspected(blocks(&bytes, &lengths)), inspected([bytes.as_slice()]));
    }

    #[test]
    fn any_bytes_have_findings(bytes in prop::collection::vec(any::<u8>(), 0..2000), beginning in proptest::sample::select(BEGINNINGS.to_vec())) {
        let bytes = [beginning, &bytes].concat();
        let findings = inspected([bytes.as_slice()]);
        prop_assert_eq!(findings.size, bytes.len() as u64);
        prop_assert_eq!(&inspected(bytes.chunks(1)), &findings);
    }
}

#[test]
fn what_is_kept_has_a_bound() {
    let block = vec![b'#'; 100_000];
    let descriptor_of_any_length =
        [b"KDMV\x01\0\0\0".as_slice(), &[0; 20], &[1, 0, 0, 0, 0, 0, 0, 0], &[255; 28]].concat();
    for beginning in [b"text".as_slice(), b"vhdxfile", &descriptor_of_any_length] {
        inspected([beginning].into_iter().chain(std::iter::repeat_n(block.as_slice(), 60)));
    }
}
