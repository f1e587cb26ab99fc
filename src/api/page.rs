//! Lists over HTTP: the query becomes a filter and a page, and the answer gets its links.

use crate::api::filters;
use crate::api::query::Query;
use crate::config::Api;
use crate::error::{Error, Result};
use crate::model::filter::{Condition, Direction, ImageFilter, Page, SortKey, WantedVisibility};
use crate::model::image::Visibility;
use crate::model::member::MemberStatus;

/// The most conditions of one list: far above what any client asks, far below what a statement can hold.
const CONDITIONS_MAX: usize = 500;

/// The filter and the page that a query asks for (Image API, "List images").
///
/// # Errors
/// `Invalid` for a value that is none.
pub fn wanted(query: &Query, options: &Api) -> Result<(ImageFilter, Page)> {
    let mut query = query.clone();
    let limit = query.take("limit");
    // compat: in the reference, every marker after the first is a filter by a property of that name.
    let marker = query.take_all("marker").into_iter().next();
    let member_status = query.take("member_status");
    let tags = query.take_all("tag");
    let named = query.take_all("visibility").pop();
    let visibility = visibility(named.as_deref())?;
    if query.get("changes-since").is_some_and(|value| !value.is_empty()) {
        return Err(Error::invalid("The \"changes-since\" filter is no longer available on v2."));
    }
    let member_status = answer(member_status.as_deref())?;
    let limit = limit.as_deref().map(page_size).transpose()?;
    let sort = sorting(&mut query)?;
    let hidden = truth(&mut query, "os_hidden", true)?.unwrap_or(false);
    let protected = truth(&mut query, "protected", false)?;
    let mut conditions: Vec<Condition> = tags.iter().map(|tag| Condition::Tag(tag.trim().to_owned())).collect();
    conditions.extend(protected.map(Condition::Protected));
    // No image has a visibility without a name.
    conditions.extend(named.filter(String::is_empty).map(|_| Condition::Never));
    // Images that were deleted are in no list, whatever is asked for.
    query.take_all("deleted");
    for (name, value) in query.last_of_each() {
        conditions.push(filters::condition(name, value)?);
    }
    if conditions.len() > CONDITIONS_MAX {
        return Err(Error::invalid(format!("A list may have {CONDITIONS_MAX} filters at the most.")));
    }
    let limit = limit.unwrap_or(options.limit_param_default).min(options.api_limit_max);
    Ok((ImageFilter { visibility, member_status, hidden, conditions }, Page { sort, marker, limit }))
}

/// The links of a list at `path`: to its first page and, where the page was full and `last` is the id of the last thing on
/// it, to the next one. Parameters that were repeated stay repeated. compat: the reference keeps only the last of each.
pub fn links(path: &str, query: &Query, last: Option<&str>) -> (String, Option<String>) {
    let mut query = query.clone();
    query.take_all("marker");
    let link = |query: &Query| match query.to_url() {
        empty if empty.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    };
    let first = link(&query);
    let next = last.map(|last| {
        query.push("marker", last);
        link(&query)
    });
    (first, next)
}

/// The id of the last of `found`, if that is a full page.
pub(crate) fn last_of_full<T>(found: &[T], limit: u32, id: impl Fn(&T) -> &str) -> Option<&str> {
    let full = u32::try_from(found.len()).is_ok_and(|len| len == limit);
    found.last().filter(|_| full).map(id)
}

/// The number of things that a client wants on a page.
///
/// # Errors
/// `Invalid` for what is no number, or below zero.
pub(crate) fn page_size(text: &str) -> Result<u32> {
    // Whatever is too large for us is larger than any page.
    let digits = text.trim().strip_prefix('+').unwrap_or(text.trim());
    match digits.strip_prefix('-').unwrap_or(digits) {
        number if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(Error::invalid("limit param must be an integer"))
        }
        number if digits.starts_with('-') && number.bytes().any(|byte| byte != b'0') => {
            Err(Error::invalid("limit param must be positive"))
        }
        number => Ok(number.parse().unwrap_or(u32::MAX)),
    }
}

fn visibility(text: Option<&str>) -> Result<WantedVisibility> {
    match text {
        None | Some("") => Ok(WantedVisibility::Usual),
        Some("all") => Ok(WantedVisibility::All),
        Some(name) => match name.parse::<Visibility>() {
            Ok(visibility) => Ok(WantedVisibility::Only(visibility)),
            Err(_) => Err(Error::invalid(format!("Invalid visibility value: {name}"))),
        },
    }
}

fn answer(text: Option<&str>) -> Result<Option<MemberStatus>> {
    match text {
        None => Ok(Some(MemberStatus::Accepted)),
        Some("all") => Ok(None),
        Some(name) => name.parse().map(Some).map_err(|_| Error::invalid(format!("Invalid status: {name}"))),
    }
}

fn truth(query: &mut Query, name: &str, any_case: bool) -> Result<Option<bool>> {
    let Some(value) = query.take_all(name).pop() else {
        return Ok(None);
    };
    let value = if any_case { value.to_lowercase() } else { value };
    match value.as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => {
            let text = format!("Invalid value '{value}' for '{name}' filter. Valid values are 'true' or 'false'.");
            Err(Error::invalid(text))
        }
    }
}

/// The order: `sort=name:asc,size`, or `sort_key` and `sort_dir`. Creation time and id end it, so that it is total.
fn sorting(query: &mut Query) -> Result<Vec<(SortKey, Direction)>> {
    let mut sort = Vec::new();
    let mut default = Direction::Descending;
    if let Some(text) = query.take("sort") {
        if query.contains("sort_key") || query.contains("sort_dir") {
            return Err(Error::invalid("Old and new sorting syntax cannot be combined"));
        }
        for part in text.trim().split(',') {
            let (key, direction) = part.split_once(':').unwrap_or((part, ""));
            let key = sort_key(key.trim())?;
            sort.push((key, if direction.is_empty() { default } else { sort_dir(direction.trim())? }));
        }
        // compat: with one key, its direction is that of the keys that end the order, too.
        if let [(_, only)] = sort.as_slice() {
            default = *only;
        }
    } else {
        let mut keys = query.take_all("sort_key").iter().map(|key| sort_key(key.trim())).collect::<Result<Vec<_>>>()?;
        let dirs = query.take_all("sort_dir").iter().map(|dir| sort_dir(dir.trim())).collect::<Result<Vec<_>>>()?;
        if dirs.len() > 1 && dirs.len() != keys.len() {
            return Err(Error::invalid("Number of sort dirs does not match the number of sort keys"));
        }
        if keys.is_empty() {
            keys.push(SortKey::CreatedAt);
        }
        if let [only] = dirs.as_slice() {
            default = *only;
        }
        let direction = |at: usize| if dirs.len() > 1 { dirs[at] } else { default };
        sort.extend(keys.into_iter().enumerate().map(|(at, key)| (key, direction(at))));
    }
    for last in [SortKey::CreatedAt, SortKey::Id] {
        if sort.iter().all(|(key, _)| *key != last) {
            sort.push((last, default));
        }
    }
    // What comes again has decided already.
    let mut known = Vec::new();
    sort.retain(|(key, _)| {
        let new = !known.contains(key);
        known.push(*key);
        new
    });
    Ok(sort)
}

fn sort_key(name: &str) -> Result<SortKey> {
    key_among(&SortKey::ALL, name)
}

/// The key called `name`.
///
/// # Errors
/// `Invalid` when `all` has none of that name.
pub(crate) fn key_among<K: Copy>(all: &[(K, &str)], name: &str) -> Result<K> {
    all.iter().find(|(_, known)| *known == name).map(|(key, _)| *key).ok_or_else(|| {
        let available: Vec<&str> = all.iter().map(|(_, name)| *name).collect();
        let available = available.join(", ");
        Error::invalid(format!("Invalid sort key: {name}. It must be one of the following: {available}."))
    })
}

/// The direction called `name`.
///
/// # Errors
/// `Invalid` for what is none.
pub(crate) fn sort_dir(name: &str) -> Result<Direction> {
    match name {
        "asc" => Ok(Direction::Ascending),
        "desc" => Ok(Direction::Descending),
        _ => Err(Error::invalid(format!("Invalid sort direction: {name}"))),
    }
}

#[cfg(test)]
mod tests;
