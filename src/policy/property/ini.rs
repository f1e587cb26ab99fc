//! Sections and options as Python's `configparser` reads them, as far as property protection files go.

use std::collections::BTreeMap;

use super::BadProtection;

/// Options of this section hold in every other one that lacks them.
const FOR_ALL: &str = "DEFAULT";

/// One section.
pub(super) struct Section {
    /// What stands between its brackets.
    pub(super) name: String,
    /// Its options by name, in lower case.
    pub(super) options: BTreeMap<String, String>,
}

/// The sections of `text`, in their order.
pub(super) fn sections(text: &str) -> Result<Vec<Section>, BadProtection> {
    let mut sections: Vec<Section> = Vec::new();
    // The option that a line with white space before it goes on with.
    let mut open: Option<String> = None;
    for (at, line) in text.lines().enumerate() {
        let wrong = |what| BadProtection::Form { line: at + 1, what };
        let plain = line.trim();
        if plain.is_empty() || plain.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with(char::is_whitespace)
            && let (Some(name), Some(section)) = (&open, sections.last_mut())
            && let Some(value) = section.options.get_mut(name)
        {
            value.push('\n');
            value.push_str(plain);
            continue;
        }
        if let Some(name) = section_name(plain) {
            if sections.iter().any(|section| section.name == name) {
                return Err(wrong("the section is there already"));
            }
            sections.push(Section { name: name.to_owned(), options: BTreeMap::new() });
            open = None;
            continue;
        }
        let section = sections.last_mut().ok_or_else(|| wrong("it stands before the first section"))?;
        let (name, value) = plain.split_once(['=', ':']).ok_or_else(|| wrong("it is neither section nor option"))?;
        let name = name.trim().to_lowercase();
        if value.contains('%') {
            return Err(wrong("values with % in them are not filled in here"));
        }
        if section.options.insert(name.clone(), value.trim().to_owned()).is_some() {
            return Err(wrong("the option is there already"));
        }
        open = Some(name);
    }
    Ok(with_defaults(sections))
}

fn section_name(line: &str) -> Option<&str> {
    let inside = line.strip_prefix('[')?;
    inside.rfind(']').filter(|end| *end > 0).map(|end| &inside[..end])
}

fn with_defaults(mut sections: Vec<Section>) -> Vec<Section> {
    let Some(at) = sections.iter().position(|section| section.name == FOR_ALL) else {
        return sections;
    };
    let defaults = sections.remove(at).options;
    for section in &mut sections {
        for (name, value) in &defaults {
            section.options.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    sections
}
