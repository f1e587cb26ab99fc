//! What there is to say about options that decide nothing: unknown, deprecated, or for what is not there yet.

use std::sync::Arc;

use super::ini::Entry;
use super::options::{LEFT_ALONE, Opt, Standing};
use super::remark::{Place, Remark};
use super::settings::{File, Settings, normal};
use super::value::{self, Kind, Value};

/// One remark for each option in the files that is not simply heeded, in their order. Options that must not be ignored
/// become faults.
pub(super) fn review(settings: &mut Settings) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut refused = Vec::new();
    for file in settings.files() {
        let mut left_alone: Vec<&'static str> = Vec::new();
        for entry in &file.entries {
            match judge(settings, entry, &mut left_alone) {
                Some(Judgement::Note(text)) => remarks.push(about(file, entry, text)),
                Some(Judgement::Refusal(group, name, text)) => refused.push((group, name, text)),
                None => {}
            }
        }
    }
    // Only what counts in the end is refused: a later file, or the environment, may have taken it back.
    for (group, name, text) in refused {
        let option = settings.option(&group, name);
        if option.is_some_and(|option| !is_default(option, &settings.value(&group, name))) {
            settings.fault(&group, name, text);
        }
    }
    remarks
}

enum Judgement {
    Note(String),
    Refusal(String, &'static str, &'static str),
}

fn judge(settings: &Settings, entry: &Entry, left_alone: &mut Vec<&'static str>) -> Option<Judgement> {
    let group = normal(&entry.section);
    if let Some(option) = settings.option(&group, &entry.key) {
        return standing(&group, option, entry);
    }
    if let Some((group, option)) = settings.options().find(|(here, option)| was_once(here, option, &group, &entry.key))
    {
        let text = match option.standing {
            Standing::Idle(why) => format!("decides nothing: {why}"),
            _ => format!("is deprecated: write [{group}] {}", option.name),
        };
        return Some(Judgement::Note(text));
    }
    if let Some((name, why)) = LEFT_ALONE.iter().find(|(name, _)| *name == group) {
        if left_alone.contains(name) {
            return None;
        }
        left_alone.push(name);
        return Some(Judgement::Note(format!("this group decides nothing: {why}")));
    }
    let text = if settings.has_group(&group) { "there is no such option" } else { "there is no such group" };
    Some(Judgement::Note(format!("is ignored: {text}")))
}

fn standing(group: &str, option: &'static Opt, entry: &Entry) -> Option<Judgement> {
    let is_default = || {
        option.kind != Kind::Lines
            && value::read(option.kind, &entry.value).is_ok_and(|value| is_default(option, &value))
    };
    match option.standing {
        Standing::Obeyed => None,
        Standing::Deprecated(why) => Some(Judgement::Note(format!("is deprecated: {why}"))),
        Standing::Idle(_) | Standing::Awaited(_) if is_default() => None,
        Standing::Idle(why) | Standing::Awaited(why) => Some(Judgement::Note(format!("decides nothing: {why}"))),
        Standing::Refused(why) => Some(Judgement::Refusal(group.to_owned(), option.name, why)),
    }
}

/// Whether an option has its default; no text at all is as good as none.
fn is_default(option: &Opt, value: &Value) -> bool {
    let default = option.default_value();
    *value == default || (default == Value::Unset && *value == Value::Text(String::new()))
}

fn was_once(here: &str, option: &Opt, group: &str, name: &str) -> bool {
    option.once_in(here).any(|(in_group, once)| normal(in_group) == group && once == name)
}

fn about(file: &File, entry: &Entry, text: String) -> Remark {
    Remark::about(Place::Line(Arc::clone(&file.path), entry.line), &entry.section, &entry.key, text)
}
