//! The form of an error follows `Accept`; its text is that of the reference, byte for byte.

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method};

use super::{Asked, Form, method_not_allowed, not_implemented, reply, wanted, without_tags};
use crate::api::reply::{Outgoing, Reply};
use crate::error::{Error, Kind};

fn asked(accept: Option<&str>) -> Asked {
    let mut headers = HeaderMap::new();
    if let Some(accept) = accept {
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
    }
    Asked { method: Method::PUT, headers }
}

fn body(reply: Reply) -> String {
    match reply.into_body() {
        Outgoing::Full(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        _ => String::new(),
    }
}

#[test]
fn accept_decides_the_form() {
    let cases = [
        (None, Form::Text),
        (Some(""), Form::Text),
        (Some("text/plain"), Form::Text),
        (Some("*/*"), Form::Html),
        (Some("text/html"), Form::Html),
        (Some("TEXT/HTML"), Form::Html),
        (Some("text/*"), Form::Html),
        (Some("application/json"), Form::Json),
        (Some("application/*"), Form::Json),
        (Some("application/json, */*"), Form::Html),
        (Some("application/json, */*;q=0.5"), Form::Json),
        (Some("text/html;q=0.1, application/json;q=0.2"), Form::Json),
        (Some("text/html;q=0, */*"), Form::Json),
        (Some("application/json;charset=utf-8"), Form::Text),
        (Some("application/octet-stream"), Form::Text),
        (Some("nonsense"), Form::Html),
        (Some("text/html;q=7"), Form::Html),
    ];
    for (accept, form) in cases {
        assert_eq!(wanted(&asked(accept).headers), form, "{accept:?}");
    }
}

#[test]
fn bodies_are_those_of_the_reference() {
    let json = asked(Some("application/json"));
    assert_eq!(
        body(reply(&Error::not_found("No image found with ID abc"), &json)),
        r#"{"message":"No image found with ID abc<br /><br />\n\n\n","code":"404 Not Found","title":"Not Found"}"#
    );
    assert_eq!(
        body(reply(&Error::new(Kind::Conflict).adding("Property foo does not exist."), &json)),
        r#"{"message":"There was a conflict when trying to complete your request.<br /><br />\nProperty foo does not exist.\n\n","code":"409 Conflict","title":"Conflict"}"#
    );
    assert_eq!(
        body(method_not_allowed("GET, POST", &json)),
        r#"{"message":"The method PUT is not allowed for this resource. <br /><br />\n","code":"405 Method Not Allowed","title":"Method Not Allowed"}"#
    );
    assert_eq!(
        body(not_implemented(&json)),
        r#"{"message":"\nThe request method PUT is not implemented for this server. <br /><br />\n","code":"501 Not Implemented","title":"Not Implemented"}"#
    );
    let mut typed = json.clone();
    typed.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    assert_eq!(
        body(reply(&Error::new(Kind::Unsupported).adding("Invalid content type text/plain"), &typed)),
        r#"{"message":"The request media type text/plain is not supported by this server.\n<br /><br />\nInvalid content type text/plain","code":"415 Unsupported Media Type","title":"Unsupported Media Type"}"#
    );
    assert_eq!(
        body(reply(&Error::not_found("No image found with ID abc"), &asked(None))),
        "404 Not Found\n\nNo image found with ID abc\n\n   "
    );
    assert_eq!(
        body(reply(&Error::not_found("No image <b>\u{e9}'"), &asked(Some("*/*")))),
        "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
         No image &lt;b&gt;&#233;&#x27;<br /><br />\n\n\n\n </body>\n</html>"
    );
}

#[test]
fn tags_vanish_from_text() {
    assert_eq!(without_tags("a<br />b\nc<i>d</i>\r<BR>e<"), "a\nb cd\ne<");
}
