//! Statements with many values.

use super::any_of;

/// Lists of values have few forms, whatever their number.
#[test]
fn lists_are_filled_up() {
    for (count, places) in [(1, 1), (2, 2), (3, 4), (25, 32), (1000, 1024), (1024, 1024)] {
        let any = any_of("id", (0..count).map(i64::from));
        assert_eq!((any.text().matches('?').count(), any.args().len()), (places, places), "{count}");
    }
    assert_eq!(any_of("id", [7_i64]).text(), "id = ?");
}
