//! The reference's revisions: which there are, and how far a database has come by the heads that are noted in it.

/// Its first revisions, before there were branches.
const TRUNK: &[&str] = &["liberty", "mitaka01", "mitaka02"];
/// The revisions of a release are two: `<name>_expand<n>`, which adds, and `<name>_contract<n>`, which takes away what
/// only older releases need. Oldest first; Glance 33 has added none.
const RELEASES: &[&str] = &[
    "ocata 01",
    "pike 01",
    "queens 01",
    "rocky 01",
    "rocky 02",
    "train 01",
    "ussuri 01",
    "wallaby 01",
    "xena 01",
    "yoga 01",
    "zed 01",
    "2023_1 01",
    "2024_1 01",
];

/// The last revision that adds.
pub const EXPAND_HEAD: &str = "2024_1_expand01";
/// The last revision that takes away; with it, a database is up to date.
pub const CONTRACT_HEAD: &str = "2024_1_contract01";

/// A release by its place among those with revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Release(usize);

impl Release {
    /// Takes away what was there before there were releases with branches: from here on, what is added is all there is.
    pub(super) const PIKE: Self = Self(1);
    /// The last that adds a column.
    pub(super) const WALLABY: Self = Self(7);
    /// The newest.
    pub(super) const LAST: Self = Self(RELEASES.len() - 1);
}

/// How far a database has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    /// The last release whose additions it has.
    pub(super) expanded: Option<Release>,
    /// The last release whose removals it has.
    pub(super) contracted: Option<Release>,
}

impl Level {
    /// What these heads stand for; or the one that nobody here knows.
    pub(super) fn of(heads: &[String]) -> Result<Self, String> {
        let mut level = Self::default();
        for head in heads {
            match parsed(head).ok_or_else(|| head.clone())? {
                Revision::Trunk => {}
                Revision::Expand(release) => level.expanded = level.expanded.max(Some(release)),
                Revision::Contract(release) => {
                    // It depends on the additions of the same release, which then are no head of their own.
                    level.expanded = level.expanded.max(Some(release));
                    level.contracted = level.contracted.max(Some(release));
                }
            }
        }
        Ok(level)
    }

    /// Whether what `revision` does has been done here; none where nobody here knows it.
    pub(super) fn has(&self, revision: &str) -> Option<bool> {
        match parsed(revision)? {
            Revision::Trunk => Some(self.expanded.is_some()),
            Revision::Expand(release) => Some(self.expanded >= Some(release)),
            Revision::Contract(release) => Some(self.contracted >= Some(release)),
        }
    }
}

enum Revision {
    Trunk,
    Expand(Release),
    Contract(Release),
}

fn parsed(revision: &str) -> Option<Revision> {
    if TRUNK.contains(&revision) {
        return Some(Revision::Trunk);
    }
    RELEASES.iter().enumerate().find_map(|(place, release)| {
        let (name, number) = release.split_once(' ')?;
        let (release, branch) = (Release(place), revision.strip_prefix(name)?.strip_suffix(number)?);
        match branch {
            "_expand" => Some(Revision::Expand(release)),
            "_contract" => Some(Revision::Contract(release)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{CONTRACT_HEAD, EXPAND_HEAD, Level, Release};

    fn level(heads: &[&str]) -> Result<Level, String> {
        Level::of(&heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn heads_tell_the_level() {
        let (last, zed) = (Some(Release::LAST), Some(Release(10)));
        let cases: [(&[&str], Option<Release>, Option<Release>); 7] = [
            (&[], None, None),
            (&["mitaka02"], None, None),
            (&[CONTRACT_HEAD], last, last),
            (&[EXPAND_HEAD], last, None),
            (&[EXPAND_HEAD, "zed_contract01"], last, zed),
            (&["zed_contract01", "2023_1_expand01"], Some(Release(11)), zed),
            (&["pike_contract01"], Some(Release::PIKE), Some(Release::PIKE)),
        ];
        for (heads, expanded, contracted) in cases {
            assert_eq!(level(heads), Ok(Level { expanded, contracted }), "{heads:?}");
        }
        assert_eq!(level(&["wallaby_expand01"]).unwrap().expanded, Some(Release::WALLABY));
        for strange in ["", "2027_1_expand01", "zed_expand02", "zed_contract", "ocata01"] {
            assert_eq!(level(&[strange]), Err(strange.to_owned()));
        }
    }

    #[test]
    fn what_a_level_has() {
        let level = level(&[EXPAND_HEAD, "zed_contract01"]).unwrap();
        for (revision, has) in [
            ("liberty", Some(true)),
            (EXPAND_HEAD, Some(true)),
            ("zed_contract01", Some(true)),
            ("2023_1_contract01", Some(false)),
            ("heads", None),
        ] {
            assert_eq!(level.has(revision), has, "{revision}");
        }
    }
}
