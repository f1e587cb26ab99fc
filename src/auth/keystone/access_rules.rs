//! The access rules of an application credential: the only requests that its tokens are good for.

use serde::Deserialize;

/// The rules, and what is needed to know whether they speak of us.
#[derive(Debug)]
pub(super) struct AccessRules {
    /// What is allowed.
    pub(super) rules: Vec<AccessRule>,
    /// The types of the services in the token's catalogue.
    pub(super) services: Vec<String>,
}

/// One kind of request that is allowed.
#[derive(Debug, Deserialize)]
pub(super) struct AccessRule {
    service: String,
    method: String,
    path: String,
}

impl AccessRules {
    /// Whether `method` of `path` is allowed at the service that is called `us` in the catalogue. A service that does not
    /// know its own name there allows nothing.
    pub(super) fn allow(&self, us: Option<&str>, method: &str, path: &str) -> bool {
        self.speak_of(us)
            && self
                .rules
                .iter()
                .any(|rule| rule.method == method && Some(rule.service.as_str()) == us && matches(&rule.path, path))
    }

    /// Whether the token's bearer knows a service called `us` at all.
    pub(super) fn speak_of(&self, us: Option<&str>) -> bool {
        us.is_some_and(|us| self.services.iter().any(|service| service == us))
    }
}

/// What one place of a pattern takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// This character.
    Literal(char),
    /// One character or more, none of them a slash: `*` and `{name}`.
    Segment,
    /// Anything, also nothing: `**`.
    Anything,
}

/// Whether `path` is of the form of `pattern`, in time proportional to the product of their lengths.
fn matches(pattern: &str, path: &str) -> bool {
    let pieces = pieces(pattern);
    // `reached[n]`: the first `n` pieces have taken all that was read so far.
    let mut reached = vec![false; pieces.len() + 1];
    reached[0] = true;
    skip_nothing(&pieces, &mut reached);
    for char in path.chars() {
        let mut next = vec![false; reached.len()];
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Literal(literal) => next[at + 1] |= reached[at] && *literal == char,
                Piece::Segment => next[at + 1] |= (reached[at] || reached[at + 1]) && char != '/',
                Piece::Anything => next[at + 1] |= reached[at] || reached[at + 1],
            }
        }
        skip_nothing(&pieces, &mut next);
        reached = next;
    }
    reached[pieces.len()]
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern.chars();
    while let Some(char) = rest.next() {
        match char {
            '{' => {
                if let Some((_, behind)) = rest.as_str().split_once('}') {
                    rest = behind.chars();
                    pieces.push(Piece::Segment);
                }
            }
            '}' => {}
            '*' if rest.as_str().starts_with('*') => {
                rest.next();
                pieces.push(Piece::Anything);
            }
            '*' => pieces.push(Piece::Segment),
            literal => pieces.push(Piece::Literal(literal)),
        }
    }
    pieces
}

/// Goes on over what may take nothing.
fn skip_nothing(pieces: &[Piece], reached: &mut [bool]) {
    for (at, piece) in pieces.iter().enumerate() {
        if *piece == Piece::Anything && reached[at] {
            reached[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn paths_are_of_the_form_of_a_pattern() {
        let cases = [
            ("/v2/images", "/v2/images", true),
            ("/v2/images", "/v2/images/", false),
            ("/v2/images", "/v2/image", false),
            ("/v2/images/*", "/v2/images/1", true),
            ("/v2/images/*", "/v2/images/", false),
            ("/v2/images/*", "/v2/images/1/file", false),
            ("/v2/images/{id}/file", "/v2/images/1/file", true),
            ("/v2/images/{id}/file", "/v2/images/1/2/file", false),
            ("/v2/images/{id}x", "/v2/images/axx", true),
            ("/v2/**", "/v2/", true),
            ("/v2/**", "/v2/images/1/file", true),
            ("/v2/**/file", "/v2/images/1/file", true),
            ("/v2/**/file", "/v2/images/1/files", false),
            ("**", "", true),
            ("***", "", false),
            ("***", "a", true),
            ("/v2.0", "/v2x0", false),
            ("/a{b", "/ab", true),
            ("", "", true),
            ("", "/", false),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
        assert!(!matches(&"*a".repeat(64), &format!("{}b", "a".repeat(16 << 10))), "and it does not take long");
    }
}
