//! A policy file with every default in it, as a remark: what an operator starts from.

use std::fmt::Write;

use super::rules::{Deprecation, Rule};

/// The text of the file. As it stands it changes nothing.
pub fn sample() -> String {
    let mut text = String::from(
        "# Every rule with its default. Take the mark of a remark away from a rule to change it; what a file does not \
         name\n# keeps its default.\n",
    );
    for rule in Rule::ALL {
        let row = rule.row();
        // Writing to a String cannot fail.
        let _ = write!(text, "\n# {}\n", row.description);
        for operation in row.operations {
            let _ = writeln!(text, "# {} {}", operation.method, operation.path);
        }
        if !row.for_projects {
            text.push_str("# Tokens of any scope may ask it.\n");
        }
        match row.deprecation {
            Some(Deprecation::Changed { check, reason, since }) if check != row.check => {
                let _ = writeln!(text, "# Before {since}: {}. {reason}", quoted(check));
            }
            Some(Deprecation::Changed { reason, .. }) => {
                let _ = writeln!(text, "# {reason}");
            }
            Some(Deprecation::Removal { reason, since }) => {
                let _ = writeln!(text, "# To be removed, says {since}. {reason}");
            }
            None => {}
        }
        let _ = writeln!(text, "#{}: {}", quoted(row.name), quoted(row.check));
    }
    text
}

/// No name or check of ours has a quote or a backslash in it.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
