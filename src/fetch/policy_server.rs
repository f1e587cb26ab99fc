//! Asking the services that decide policy rules of the form `http:` and `https:`, as oslo.policy asks them.

use std::io;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, redirect};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::certificates;
use crate::config::RemoteChecks;

/// Questions that are open at a time.
const OPEN_MAX: usize = 32;
/// The longest answer that is read: what is longer says no.
const ANSWER_MAX: usize = 64;
/// What a path and a query cannot have as it is.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// The same where a `%` is a sign like others.
const AND_NO_CODES: &AsciiSet = &NOT_IN_PATHS.add(b'%');
/// How long an idle connection is kept: less than servers do.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The way to such services.
pub struct PolicyServer {
    client: Client,
    options: RemoteChecks,
    turns: Semaphore,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The service was not reached, or did not finish.
    #[error("{0}")]
    Away(#[from] reqwest::Error),
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs_f64())]
    Late(Duration),
}

impl PolicyServer {
    /// The way to them that `options` describe.
    ///
    /// # Errors
    /// When a certificate cannot be used. Blocks for reading the files.
    pub fn new(options: RemoteChecks) -> io::Result<Self> {
        let mut builder =
            Client::builder().redirect(redirect::Policy::none()).pool_idle_timeout(IDLE_TIMEOUT).referer(false);
        builder = match (&options.ca_certificates_file, options.verify) {
            (Some(file), true) => builder.tls_certs_only(certificates::trusted(file)?),
            (None, true) => builder,
            // Nothing to trust is needed, and a system may have nothing.
            (_, false) => builder.tls_certs_only([]).tls_danger_accept_invalid_certs(true),
        };
        if let Some(file) = &options.certificate_file {
            builder = builder.identity(certificates::shown(file, options.key_file.as_deref())?);
        }
        let client = builder.build().map_err(io::Error::other)?;
        Ok(Self { client, options, turns: Semaphore::new(OPEN_MAX) })
    }

    /// Whether the service at `address` says that `rule` allows who has `credentials` to do to `target` what it guards: that
    /// its answer is the word `True`, whatever its status.
    ///
    /// # Errors
    /// When it gives no answer in time.
    pub async fn ask(
        &self,
        address: &str,
        rule: &str,
        target: &Map<String, Value>,
        credentials: &Map<String, Value>,
    ) -> Result<bool, NoAnswer> {
        let most = self.options.timeout;
        timeout(most, async {
            // The turns are never closed.
            let _turn = self.turns.acquire().await;
            let (form, body) = self.body(rule, target, credentials);
            let request = self.client.post(written(address)).header("Content-Type", form).body(body);
            let mut response = request.send().await?;
            let mut answer = Vec::new();
            while let Some(block) = response.chunk().await? {
                answer.extend_from_slice(&block);
                if answer.len() > ANSWER_MAX {
                    return Ok(false);
                }
            }
            Ok(std::str::from_utf8(&answer).is_ok_and(|text| text.trim_matches('"') == "True"))
        })
        .await
        .unwrap_or(Err(NoAnswer::Late(most)))
    }

    fn body(
        &self,
        rule: &str,
        target: &Map<String, Value>,
        credentials: &Map<String, Value>,
    ) -> (&'static str, String) {
        if self.options.as_json {
            let body = json!({ "rule": rule, "target": target, "credentials": credentials });
            return ("application/json", body.to_string());
        }
        let fields = [("rule", json!(rule)), ("target", json!(target)), ("credentials", json!(credentials))];
        let written =
            fields.map(|(name, value)| format!("{name}={}", utf8_percent_encode(&value.to_string(), NON_ALPHANUMERIC)));
        ("application/x-www-form-urlencoded", written.join("&"))
    }
}

/// `address` as Python's `requests` writes it. It may have values in it that a client has chosen: a `%` that begins no code
/// makes every one a sign like others, and codes of signs that need none are these signs.
fn written(address: &str) -> String {
    let path_at = address.find("://").and_then(|at| Some(at + 3 + address[at + 3..].find('/')?));
    let (place, path) = address.split_at(path_at.unwrap_or(address.len()));
    let mut parts = path.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((code, rest)) = code(part) else {
            return format!("{place}{}", utf8_percent_encode(path, AND_NO_CODES));
        };
        if code.is_ascii_alphanumeric() || b"-._~".contains(&code) {
            plain.push(code.into());
            plain.push_str(rest);
        } else {
            plain.push('%');
            plain.push_str(part);
        }
    }
    format!("{place}{}", utf8_percent_encode(&plain, NOT_IN_PATHS))
}

/// The code that `part` begins with, and what is behind it.
fn code(part: &str) -> Option<(u8, &str)> {
    let (digits, rest) = part.split_at_checked(2)?;
    let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    Some((u8::from_str_radix(digits, 16).ok().filter(|_| hex)?, rest))
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn addresses_are_written() {
        let cases = [
            ("http://h/a", "http://h/a"),
            ("http://h/a b|c\\d?e={f}", "http://h/a%20b%7Cc%5Cd?e=%7Bf%7D"),
            ("http://h/%7e%41%2f%20\u{e9}", "http://h/~A%2f%20%C3%A9"),
            ("http://[::1]:80/[a]", "http://[::1]:80/%5Ba%5D"),
            ("http://h", "http://h"),
            ("http://h/100%", "http://h/100%25"),
            ("http://h/%41%", "http://h/%2541%25"),
            ("http://h/%+1%zz", "http://h/%25+1%25zz"),
            ("http://h/%\u{e9}", "http://h/%25%C3%A9"),
        ];
        for (address, expected) in cases {
            assert_eq!(written(address), expected, "{address}");
        }
    }
}
