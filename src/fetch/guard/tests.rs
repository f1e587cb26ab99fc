//! Which URLs may be named, and which addresses be reached.

use std::net::IpAddr;

use super::{Guard, Named};
use crate::config::UriFilter;

#[test]
fn urls_are_read_or_refused() {
    let good = [
        ("http://example.org/a", ("http", "example.org", 80)),
        ("HTTPS://EXAMPLE.org", ("https", "example.org", 443)),
        ("http://u:p@example.org:8080/?a@b", ("http", "example.org", 8080)),
        ("http://192.0.2.1:/a", ("http", "192.0.2.1", 80)),
        ("http://[2001:DB8::0:1]:81/", ("http", "2001:db8::1", 81)),
        ("http://example.org./", ("http", "example.org.", 80)),
    ];
    for (url, (scheme, host, port)) in good {
        let expected = Named { scheme: scheme.into(), host: host.into(), port };
        assert_eq!(Named::parse(url), Some(expected), "{url}");
    }
    for bad in [
        "",
        "example.org",
        "http://",
        "http:example.org",
        "http:///example.org",
        "http://2130706433/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://1.2.3.4.5/",
        "http://ex%61mple.org/",
        "http://\u{ff11}27.0.0.1/",
        "http://exa\tmple.org/",
        "http://good.example\\@evil.example/",
        "http://example.org:x/",
        "http://example.org:65536/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "data:text/plain,x",
    ] {
        assert_eq!(Named::parse(bad), None, "{bad:?}");
    }
}

/// (address, whether it may be reached without being listed)
#[test]
fn connections_lead_elsewhere() {
    let guard = Guard::new(UriFilter::default());
    for (address, reached) in [
        ("192.0.2.1", true),
        ("10.1.2.3", true),
        ("172.16.0.1", true),
        ("2001:db8::1", true),
        ("fd00::1", true),
        ("127.0.0.1", false),
        ("127.255.0.1", false),
        ("0.0.0.0", false),
        ("0.1.2.3", false),
        ("169.254.169.254", false),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("::1", false),
        ("::", false),
        ("fe80::1", false),
        ("ff02::1", false),
        ("::ffff:127.0.0.1", false),
        ("::ffff:a9fe:a9fe", false),
        ("::127.0.0.1", false),
        ("64:ff9b::7f00:1", false),
        ("64:ff9b::c000:201", true),
        ("::ffff:192.0.2.1", true),
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(guard.reaches("name.example", address), reached, "{address}");
    }
}

/// What is changed of the lists, a URL, and whether it may be named then.
type Case = (fn(&mut UriFilter), &'static str, bool);

#[tokio::test]
async fn the_lists_are_obeyed() {
    let cases: [Case; 20] = [
        (|_| {}, "http://192.0.2.1/", true),
        (|_| {}, "https://192.0.2.1/", true),
        (|_| {}, "https://192.0.2.1:80/", true),
        (|_| {}, "ftp://192.0.2.1/", false),
        (|_| {}, "file:///etc/passwd", false),
        (|_| {}, "http://192.0.2.1:8080/", false),
        (|_| {}, "http://127.0.0.1/", false),
        (|_| {}, "http://localhost/", false),
        (|_| {}, "http://localhost./", false),
        (|_| {}, "http://[::ffff:127.0.0.1]/", false),
        (|_| {}, "http://name.invalid/", false),
        (|filter| filter.allowed_hosts = vec!["127.0.0.1".into()], "http://127.0.0.1/", true),
        (|filter| filter.allowed_hosts = vec!["127.0.0.1".into()], "http://192.0.2.1/", false),
        (|filter| filter.disallowed_hosts = vec!["192.0.2.1".into()], "http://192.0.2.1/", false),
        (|filter| filter.disallowed_hosts = vec!["192.0.2.2".into()], "http://192.0.2.1/", true),
        (|filter| filter.allowed_ports = vec![8080], "http://192.0.2.1:8080/", true),
        (|filter| filter.allowed_ports = vec![8080], "http://192.0.2.1/", false),
        (
            |filter| {
                filter.allowed_ports = vec![];
                filter.disallowed_ports = vec![22];
            },
            "http://192.0.2.1:22/",
            false,
        ),
        (
            |filter| {
                filter.allowed_schemes = vec!["https".into()];
                filter.disallowed_schemes = vec!["https".into()];
            },
            "https://192.0.2.1/",
            true,
        ),
        (|filter| filter.allowed_schemes = vec!["https".into()], "http://192.0.2.1/", false),
    ];
    for (at, (change, url, admitted)) in cases.into_iter().enumerate() {
        let mut filter = UriFilter::default();
        change(&mut filter);
        assert_eq!(Guard::new(filter).admits(url).await, admitted, "case {at}: {url}");
    }
}
