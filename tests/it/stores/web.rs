//! The store of what is on other web servers: it reads, within its bounds, and does nothing else.

use std::sync::Arc;

use glint::blob::BodyError;
use glint::config::{HttpStore, UriFilter};
use glint::fetch::{Fetcher, Guard};
use glint::store::http::WebStore;
use glint::store::{ByteRange, Capabilities, Store, StoreError};

use crate::harness::bytes::{body, read, text};
use crate::harness::web::{Says, Web};

const ID: &str = "3a8c8c5e-7d0b-4f0e-9f5e-1d2c3b4a5f60";

/// The lists that let tests ask their own machine.
fn here() -> UriFilter {
    UriFilter { allowed_hosts: vec!["127.0.0.1".into()], allowed_ports: vec![], ..UriFilter::default() }
}

fn store(filter: UriFilter) -> Arc<dyn Store> {
    Arc::new(WebStore::new(Fetcher::new(Guard::new(filter), &HttpStore::default()).unwrap()))
}

async fn server() -> Web {
    Web::serve(|path| match path.trim_matches('/').split_once('/') {
        Some(("bytes", length)) => Says::bytes(&text(1, 0, length.parse().unwrap())),
        Some(("status", status)) => Says::status(status.parse().unwrap()),
        Some(("to", target)) => Says::elsewhere(302, &format!("http://{target}")),
        Some(("moved", target)) => Says::elsewhere(301, &format!("http://{target}")),
        Some(("seen", target)) => Says::elsewhere(303, &format!("http://{target}")),
        Some(("raw", target)) => Says::elsewhere(302, target),
        Some(("short", _)) => Says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n".into(), b"short".to_vec()),
        Some(("until", _)) => Says("HTTP/1.1 200 OK\r\n".into(), b"until the end".to_vec()),
        _ => Says::elsewhere(302, path.trim_matches('/')),
    })
    .await
}

/// What one is told of a failure.
fn told(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotFound { .. } => "not found",
        StoreError::BadUrl { .. } => "bad URL",
        StoreError::Away(_) => "away",
        StoreError::Unsupported { .. } => "unsupported",
        _ => "otherwise",
    }
}

#[tokio::test]
async fn bytes_are_read() {
    let (web, store) = (server().await, store(here()));
    for length in [0, 1, 1000, 3_000_000] {
        let url = web.url(&format!("/bytes/{length}"));
        assert_eq!(store.size(&url).await.unwrap(), length as u64);
        assert!(read(store.get(&url, None).await.unwrap()).await.unwrap() == text(1, 0, length), "{length}");
        assert_eq!(web.asked(), [format!("HEAD /bytes/{length}"), format!("GET /bytes/{length}")]);
    }
    let unknown = web.url("/until/x");
    assert_eq!(store.size(&unknown).await.unwrap(), 0);
    assert_eq!(read(store.get(&unknown, None).await.unwrap()).await.unwrap(), b"until the end");
    let short = read(store.get(&web.url("/short/x"), None).await.unwrap()).await;
    assert!(matches!(short, Err(BodyError::Medium(_))), "{short:?}");
}

#[tokio::test]
async fn nothing_is_written_or_removed() {
    let (web, store) = (server().await, store(here()));
    assert_eq!(store.capabilities(), Capabilities { add: false, delete: false, random_access: false });
    let url = web.url("/bytes/10");
    assert!(matches!(store.put(ID, body(1, 10), None).await, Err(StoreError::Unsupported { .. })));
    assert!(matches!(store.delete(&url).await, Err(StoreError::Unsupported { .. })));
    let part = store.get(&url, Some(ByteRange { start: 0, length: 1 })).await.map(drop);
    assert!(matches!(part, Err(StoreError::Unsupported { .. })));
    store.discard(ID).await.unwrap();
    assert!(web.asked().is_empty());
}

/// (path, what comes of it, how often was asked); `@` is the server itself.
#[tokio::test]
async fn failures_are_told_apart() {
    let (web, store) = (server().await, store(here()));
    let cases = [
        ("/status/404", "not found", 1),
        ("/status/400", "bad URL", 1),
        ("/status/500", "bad URL", 1),
        ("/status/304", "bad URL", 1),
        ("/to/@/bytes/5", "", 2),
        ("/moved/@/to/@/to/@/to/@/bytes/5", "", 5),
        ("/to/@/to/@/to/@/to/@/to/@/bytes/5", "bad URL", 5),
        ("/to/@/status/404", "not found", 2),
        ("/seen/@/bytes/5", "bad URL", 1),
        ("/raw/relative", "bad URL", 1),
        ("/raw/file:///etc/passwd", "bad URL", 1),
        ("/raw/gopher://127.0.0.1/", "bad URL", 1),
        ("/to/localhost:1/", "bad URL", 1),
        ("/to/169.254.169.254/latest", "bad URL", 1),
        ("/to/0x7f000001/", "bad URL", 1),
        ("/to/2130706433/", "bad URL", 1),
        ("/to/[::1]/", "bad URL", 1),
    ];
    for (path, expected, asked) in cases {
        let url = web.url(&path.replace('@', &web.address.to_string()));
        let got = store.get(&url, None).await.map(drop);
        assert_eq!(got.as_ref().map_or_else(told, |()| ""), expected, "{path}: {got:?}");
        assert_eq!(web.asked().len(), asked, "{path}");
    }
    for url in ["", "nonsense", "gopher://127.0.0.1/", "HTTP://127.0.0.1/", "http://", "file:///etc/passwd"] {
        assert!(!store.owns(url) || url == "http://", "{url}");
        assert_eq!(store.get(url, None).await.map(drop).as_ref().map_or_else(told, |()| ""), "bad URL", "{url}");
        assert_eq!(store.size(url).await.as_ref().map_or_else(told, |_| ""), "bad URL", "{url}");
        assert!(!store.admits(url).await.unwrap(), "{url}");
    }
    let closed = format!("http://127.0.0.1:{}/", unused_port().await);
    assert_eq!(store.get(&closed, None).await.map(drop).as_ref().map_or_else(told, |()| ""), "away");
}

/// Nothing on this machine is asked, whatever it is called, unless the operator lists it (T52, T53).
#[tokio::test]
async fn this_machine_is_not_asked() {
    let (web, store) = (server().await, store(UriFilter { allowed_ports: vec![], ..UriFilter::default() }));
    let port = web.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "user:password@127.0.0.1",
        "%31%32%37.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/bytes/5");
        assert!(!store.admits(&url).await.unwrap(), "{url}");
        let got = store.get(&url, None).await.map(drop);
        assert!(got.is_err(), "{url}");
        assert!(!got.unwrap_err().to_string().contains("password"), "{url}");
    }
    assert!(web.asked().is_empty());
}

async fn unused_port() -> u16 {
    tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port()
}
