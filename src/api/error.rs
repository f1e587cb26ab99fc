//! Our error becomes status and body here, and nowhere else: HTML, JSON or text, as the client asked.
//!
//! The bodies have the reference's form (that of WebOb's exceptions), residue of its templates included, because
//! clients take the text out of them by pattern.

use std::error::Error as _;
use std::fmt::Write as _;

use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;

use crate::api::reply::{self, Outgoing, Reply, with_type};
use crate::error::{Error, Kind, Text, with_causes};

/// The head of a request, as far as the body of an error shows it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

/// The answer to a request that failed with `error`. It is logged here if it is ours.
pub(crate) fn reply(error: &Error, asked: &Asked) -> Reply {
    log(error);
    let status = status(error.kind());
    if status == StatusCode::NO_CONTENT {
        return reply::bare(status);
    }
    let message = match (error.text(), error.kind()) {
        (Text::Instead(text) | Text::Beside(text), Kind::Unsupported) => Message::media_type(asked, text),
        (Text::Standard, Kind::Unsupported) => Message::media_type(asked, ""),
        (Text::Standard, _) => Message::usual(sentence(status), ""),
        (Text::Instead(text), _) => Message::usual(text, ""),
        (Text::Beside(text), _) => Message::usual(sentence(status), text),
    };
    negotiated(status, &message, asked)
}

/// 405: the path exists, this method of it does not.
pub(crate) fn method_not_allowed(allow: &'static str, asked: &Asked) -> Reply {
    let lead = format!("The method {} is not allowed for this resource. ", asked.method);
    let mut reply = negotiated(StatusCode::METHOD_NOT_ALLOWED, &Message::bare(lead), asked);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// 405 with a reason: the path and the method exist, and are never allowed.
pub(crate) fn method_not_allowed_saying(text: &str, allow: &'static str, asked: &Asked) -> Reply {
    let mut reply = negotiated(StatusCode::METHOD_NOT_ALLOWED, &Message::alone(text), asked);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// 501: neither the path nor the method exists.
pub(crate) fn not_implemented(asked: &Asked) -> Reply {
    let lead = format!("\nThe request method {} is not implemented for this server. ", asked.method);
    negotiated(StatusCode::NOT_IMPLEMENTED, &Message::bare(lead), asked)
}

/// A refusal before anything of ours ran, in plain text: for the floor above, which has no request to show.
pub fn refuse(status: StatusCode, text: &str) -> Reply {
    with_type(status, "text/plain; charset=UTF-8", Outgoing::Full(text.to_owned().into()))
}

pub(super) fn log(error: &Error) {
    match error.kind() {
        Kind::Internal | Kind::Unavailable => {
            let causes = error.source().map(with_causes).unwrap_or_default();
            tracing::error!(causes, "request failed: {error}");
        }
        _ => tracing::debug!("request refused: {error}"),
    }
}

/// The status that tells a client what it can do. `docs/errors.md` has the table for people.
pub(super) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::NoContent => StatusCode::NO_CONTENT,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Gone => StatusCode::GONE,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The sentence that a status has by itself.
fn sentence(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        401 => {
            "This server could not verify that you are authorized to access the document you requested. Either you \
             supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply \
             the credentials required."
        }
        403 => "Access was denied to this resource.",
        404 => "The resource could not be found.",
        409 => "There was a conflict when trying to complete your request.",
        410 => "This resource is no longer available. No forwarding address is given.",
        413 => "The body of your request was too large for this server.",
        416 => "The Range requested is not available.",
        503 => "The server is currently unavailable. Please try again at a later time.",
        _ => "The server has either erred or is incapable of performing the requested operation.",
    }
}

/// The reason phrase, in the reference's words where they are older than ours.
fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        413 => "Request Entity Too Large",
        416 => "Request Range Not Satisfiable",
        _ => status.canonical_reason().unwrap_or(""),
    }
}

/// What a body says: two texts with a line break between them.
struct Message {
    lead: String,
    between: &'static str,
    rest: String,
    tail: &'static str,
}

impl Message {
    const BREAK: &'static str = "<br /><br />\n";

    fn usual(lead: &str, rest: &str) -> Self {
        Self { lead: lead.to_owned(), between: Self::BREAK, rest: rest.to_owned(), tail: "\n\n" }
    }

    fn bare(lead: String) -> Self {
        Self { lead, between: Self::BREAK, rest: String::new(), tail: "" }
    }

    fn alone(text: &str) -> Self {
        Self { lead: text.to_owned(), between: "", rest: String::new(), tail: "" }
    }

    fn media_type(asked: &Asked, rest: &str) -> Self {
        // compat: without a Content-Type the reference leaves the name of its own variable in the text.
        let given = asked.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("${CONTENT_TYPE}");
        Self {
            lead: format!("The request media type {given} is not supported by this server.\n"),
            between: Self::BREAK,
            rest: rest.to_owned(),
            tail: "",
        }
    }

    fn marked_up(&self, escape: impl Fn(&str) -> String) -> String {
        format!("{}{}{}{}", escape(&self.lead), self.between, escape(&self.rest), self.tail)
    }
}

fn negotiated(status: StatusCode, message: &Message, asked: &Asked) -> Reply {
    if asked.method == Method::HEAD {
        return reply::empty(status);
    }
    let title = title(status);
    let line = format!("{} {title}", status.as_u16());
    let (content_type, body) = match wanted(&asked.headers) {
        Form::Html => {
            let body = message.marked_up(escape_html);
            let page = format!(
                "<html>\n <head>\n  <title>{line}</title>\n </head>\n <body>\n  <h1>{line}</h1>\n  {body}\n </body>\n</html>"
            );
            ("text/html; charset=UTF-8", page)
        }
        Form::Json => {
            let body = message.marked_up(str::to_owned);
            ("application/json", json!({ "message": body, "code": line, "title": title }).to_string())
        }
        Form::Text => {
            let body = without_tags(&message.marked_up(str::to_owned));
            ("text/plain; charset=UTF-8", format!("{line}\n\n{body}"))
        }
    };
    with_type(status, content_type, Outgoing::Full(body.into()))
}

/// The forms in which an error can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Html,
    Json,
    Text,
}

/// The form that `Accept` prefers. Without the header, or with neither HTML nor JSON in it, that is text; with a
/// header that cannot be read it is HTML.
fn wanted(headers: &HeaderMap) -> Form {
    let Some(accept) = header_text(headers, &ACCEPT) else {
        return Form::Text;
    };
    let Some(ranges) = media_ranges(&accept) else {
        return Form::Html;
    };
    let html = quality(&ranges, "text", "html");
    let json = quality(&ranges, "application", "json");
    match (html, json) {
        (None, None) => Form::Text,
        (Some(html), Some(json)) if json > html => Form::Json,
        (None, Some(_)) => Form::Json,
        _ => Form::Html,
    }
}

/// The one of `forms` that `Accept` prefers, the earlier of equals; none when it wants none, or cannot be read.
pub(crate) fn preferred<'a>(headers: &HeaderMap, forms: &[(&'a str, &'a str)]) -> Option<(&'a str, &'a str)> {
    let Some(accept) = header_text(headers, &ACCEPT) else {
        return forms.first().copied();
    };
    let ranges = media_ranges(&accept)?;
    let wanted = forms.iter().filter_map(|form| Some((*form, quality(&ranges, form.0, form.1)?)));
    // The last of equals wins there, so they come in reverse.
    wanted.rev().max_by_key(|(_, quality)| *quality).map(|(form, _)| form)
}

/// The `Accept` header, if it can be read as one.
pub(crate) fn accept(headers: &HeaderMap) -> Option<String> {
    header_text(headers, &ACCEPT).filter(|accept| media_ranges(accept).is_some())
}

/// All values of `name`, joined as one list.
pub(crate) fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// One entry of an `Accept` header: type, subtype, whether it has parameters, and its quality in thousandths.
type MediaRange<'a> = (&'a str, &'a str, bool, u32);

fn media_ranges(accept: &str) -> Option<Vec<MediaRange<'_>>> {
    accept.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(media_range).collect()
}

fn media_range(entry: &str) -> Option<MediaRange<'_>> {
    let mut parts = entry.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    if kind.is_empty() || subtype.is_empty() || (kind == "*" && subtype != "*") {
        return None;
    }
    let (mut quality, mut parameters) = (1000, false);
    for part in parts {
        let (name, value) = part.split_once('=')?;
        if name.eq_ignore_ascii_case("q") {
            let value: f32 = value.parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
            {
                quality = (value * 1000.0).round() as u32;
            }
        } else {
            parameters = true;
        }
    }
    Some((kind, subtype, parameters, quality))
}

/// How much `ranges` want a type: what the most specific one says; none when it is not wanted at all.
fn quality(ranges: &[MediaRange<'_>], kind: &str, subtype: &str) -> Option<u32> {
    let specificity = |range: &MediaRange<'_>| match *range {
        (k, s, false, _) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => 3,
        (k, "*", false, _) if k.eq_ignore_ascii_case(kind) => 2,
        ("*", "*", false, _) => 1,
        _ => 0,
    };
    let best = ranges.iter().filter(|range| specificity(range) > 0).max_by_key(|range| specificity(range))?;
    (best.3 > 0).then_some(best.3)
}

fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            ascii if ascii.is_ascii() => escaped.push(ascii),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "&#{};", u32::from(other));
            }
        }
    }
    escaped
}

/// The text of a marked-up body: line breaks become spaces, break tags become line breaks, other tags vanish.
fn without_tags(markup: &str) -> String {
    let mut text = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        push_flat(&mut text, &rest[..start]);
        let Some(end) = rest[start..].find('>') else {
            rest = &rest[start..];
            break;
        };
        if rest[start + 1..].get(..2).is_some_and(|tag| tag.eq_ignore_ascii_case("br")) {
            text.push('\n');
        }
        rest = &rest[start + end + 1..];
    }
    push_flat(&mut text, rest);
    text
}

fn push_flat(text: &mut String, part: &str) {
    text.extend(part.chars().filter(|&char| char != '\r').map(|char| if char == '\n' { ' ' } else { char }));
}

#[cfg(test)]
mod tests;
