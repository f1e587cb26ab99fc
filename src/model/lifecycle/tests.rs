//! Every status has its row, and the moves are those of the reference.

use super::Status;

#[test]
fn every_status_reads_back_from_its_name() {
    for status in Status::ALL {
        assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
    }
    assert!("Active".parse::<Status>().is_err());
}

#[test]
fn the_moves_that_exist() {
    let moves: Vec<String> = Status::ALL
        .iter()
        .flat_map(|&from| Status::ALL.iter().map(move |&to| (from, to)))
        .filter(|&(from, to)| from.may_become(to))
        .map(|(from, to)| format!("{from}>{to}"))
        .collect();
    let expected = "queued>saving queued>active queued>deleted queued>uploading queued>importing \
        saving>queued saving>active saving>killed saving>deleted \
        active>deleted active>pending_delete active>deactivated killed>deleted \
        uploading>queued uploading>deleted uploading>importing \
        importing>queued importing>active importing>deleted \
        pending_delete>active pending_delete>deleted deactivated>active deactivated>deleted";
    let mut expected: Vec<&str> = expected.split_whitespace().collect();
    let mut moves: Vec<&str> = moves.iter().map(String::as_str).collect();
    expected.sort_unstable();
    moves.sort_unstable();
    assert_eq!(moves, expected);
}
