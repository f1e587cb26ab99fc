//! Paths, and the patterns of routes that they are held against.

/// compat: the reference takes slashes in a row for one, encoded ones too.
pub(super) fn one_slash_each(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    for char in path.chars() {
        if char != '/' || !plain.ends_with('/') {
            plain.push(char);
        }
    }
    plain
}

/// What stands in the places of `pattern` when `segments` are of its form.
pub(super) fn places(pattern: &str, segments: &[&str]) -> Option<Vec<String>> {
    let mut places = Vec::new();
    let mut wanted = pattern[1..].split('/');
    for segment in segments {
        match wanted.next()? {
            "{}" if !segment.is_empty() => places.push((*segment).to_owned()),
            literal if literal == *segment => {}
            _ => return None,
        }
    }
    wanted.next().is_none().then_some(places)
}
