//! Differences that may stand in any answer, each with its row in `docs/compat.md`. What the reference says is changed
//! into what we would say, and nothing else is.

use super::compare::Comparable;

/// A difference: its row, and how what the reference says becomes what we say.
pub struct Everywhere {
    pub row: &'static str,
    pub ours_of: fn(&Comparable) -> Comparable,
}

/// All of them.
pub const EVERYWHERE: &[Everywhere] = &[
    Everywhere {
        row: "texts of schema violations",
        ours_of: |theirs| {
            let (start, end) = ("\\n\\nFailed validating ", "<br /><br />");
            let mut body = theirs.body.clone();
            if let Some(from) = body.find(start)
                && let Some(length) = body[from..].find(end)
            {
                body.replace_range(from..from + length, "");
            }
            Comparable { body, ..theirs.clone() }
        },
    },
    Everywhere {
        row: "OpenStack-image-store-ids of a service that has served",
        ours_of: |theirs| {
            theirs.with_head(|line| Some(line.replace(",os_glance_staging_store,os_glance_tasks_store", "")))
        },
    },
    Everywhere {
        row: "Content-Length where there is no body",
        ours_of: |theirs| match theirs.head.strip_prefix("302\n") {
            Some(lines) => Comparable { head: format!("302\ncontent-length: 0\n{lines}"), ..theirs.clone() },
            None => theirs.with_head(|line| (line != "content-length: 0").then(|| line.to_owned())),
        },
    },
    Everywhere {
        row: "x-openstack-request-id in answers",
        ours_of: |theirs| {
            let mut head = theirs.head.clone();
            if !head.contains("x-openstack-request-id: ") {
                head += "x-openstack-request-id: req-<uuid>\n";
            }
            Comparable { head, ..theirs.clone() }
        },
    },
];
