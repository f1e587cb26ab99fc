//! `/healthcheck`: whether this node can serve, for load balancers. In the forms of oslo.middleware, without a token.

use std::fmt::Write as _;

use hyper::header::CONTENT_TYPE;
use hyper::{Method, StatusCode};

use crate::api::error::{Asked, preferred};
use crate::api::reply::{Outgoing, Reply, with_type};
use crate::app::App;

const PATH: &str = "/healthcheck";

/// The forms of the answer; where the client does not mind, the first.
const FORMS: [(&str, &str); 3] = [("text", "plain"), ("text", "html"), ("application", "json")];

/// Whether `path` is the health check's.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The answer, to whatever method.
pub(crate) async fn answer(app: &App, asked: &Asked) -> Reply {
    let ailments = app.ailments().await;
    if asked.method == Method::HEAD {
        let status = if ailments.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE };
        let mut reply = with_type(status, "text/plain; charset=UTF-8", Outgoing::Empty);
        if status == StatusCode::NO_CONTENT {
            reply.headers_mut().remove(CONTENT_TYPE);
        }
        return reply;
    }
    let status = if ailments.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let reasons = if ailments.is_empty() { vec!["OK"] } else { ailments };
    let (content_type, text) = match preferred(&asked.headers, &FORMS) {
        Some(("text", "html")) => ("text/html; charset=UTF-8", page(&reasons)),
        Some(("application", _)) => ("application/json", document(&reasons)),
        _ => ("text/plain; charset=UTF-8", reasons.join("\n")),
    };
    with_type(status, content_type, Outgoing::Full(text.into()))
}

/// The reasons are ours: nothing in them has to be escaped.
fn document(reasons: &[&str]) -> String {
    let reasons: Vec<String> = reasons.iter().map(|reason| format!("        \"{reason}\"")).collect();
    format!("{{\n    \"detailed\": false,\n    \"reasons\": [\n{}\n    ]\n}}", reasons.join(",\n"))
}

fn page(reasons: &[&str]) -> String {
    let mut rows = String::new();
    for reason in reasons {
        // Writing to a String cannot fail.
        let _ = write!(rows, "<TR>\n\n    <TD>{reason}</TD>\n\n</TR>\n");
    }
    format!(
        "<HTML>\n<HEAD><TITLE>Healthcheck Status</TITLE></HEAD>\n<BODY>\n\n<H2>Result of {} checks:</H2>\n\
         <TABLE bgcolor=\"#ffffff\" border=\"1\">\n<TBODY>\n<TR>\n\n<TH>\nReason\n</TH>\n</TR>\n{rows}</TBODY>\n\
         </TABLE>\n<HR></HR>\n\n</BODY>\n</HTML>",
        reasons.len()
    )
}
