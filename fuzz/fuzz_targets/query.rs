//! The query of a list: read, written, and read again it is the same, and so are the filter and the page of the links
//! that an answer to it has.

#![no_main]

use glint::api::page;
use glint::api::query::Query;
use glint::config::Api;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(query) = Query::parse(text) else { return };
    let again = Query::parse(&query.to_url()).expect("what we write can be read");
    assert_eq!(query, again);
    let options = Api::default();
    let Ok((filter, page)) = page::wanted(&query, &options) else { return };
    assert!(page.limit <= options.api_limit_max);
    let last = "11111111-2222-3333-4444-555555555555";
    let (first, next) = page::links("/v2/images", &query, Some(last));
    let next = next.expect("a full page has a next one");
    for (link, marker) in [(first, None), (next, Some(last))] {
        let written = link.strip_prefix("/v2/images").expect("a link to the list");
        let linked = Query::parse(written.trim_start_matches('?')).expect("a link can be followed");
        let (same_filter, same_page) = page::wanted(&linked, &options).expect("a link leads to a list");
        assert_eq!(filter, same_filter);
        assert_eq!((&page.sort, page.limit, marker), (&same_page.sort, same_page.limit, same_page.marker.as_deref()));
    }
});
