//! The links of a list lead to the same list, whatever it was asked for (the property of `fuzz/`'s target `query`).

use proptest::prelude::*;

use super::{links, wanted};
use crate::api::query::Query;
use crate::config::Api;

const LAST: &str = "11111111-2222-3333-4444-555555555555";

/// Names and values that mean something, and any others.
fn parameter() -> impl Strategy<Value = String> {
    let names = [
        "limit",
        "marker",
        "member_status",
        "tag",
        "visibility",
        "sort",
        "sort_key",
        "sort_dir",
        "os_hidden",
        "protected",
        "name",
        "id",
        "size",
        "size_min",
        "created_at",
        "checksum",
        "os_distro",
        "%6Eame",
        "",
    ];
    let values = [
        "0",
        "7",
        "all",
        "accepted",
        "shared",
        "true",
        "name:asc,size",
        "name",
        "desc",
        "in:%22a,b%22,c",
        "lt:2020",
        "2020-01-01T00:00:00%2B02:00",
        "a+b",
        "%00",
        "%C3%A9",
        "%25",
        "%26x%3D1",
        "",
        LAST,
    ];
    let name = prop_oneof![4 => prop::sample::select(names.to_vec()).prop_map(str::to_owned), 1 => "[^&]{0,6}"];
    let value = prop_oneof![4 => prop::sample::select(values.to_vec()).prop_map(str::to_owned), 1 => "[^&]{0,9}"];
    (name, value).prop_map(|(name, value)| format!("{name}={value}"))
}

proptest! {
    #[test]
    fn links_lead_to_the_same_list(parameters in prop::collection::vec(parameter(), 0..7)) {
        let options = Api::default();
        let Ok(query) = Query::parse(&parameters.join("&")) else { return Ok(()) };
        prop_assert_eq!(&Query::parse(&query.to_url()).unwrap(), &query);
        let Ok((filter, page)) = wanted(&query, &options) else { return Ok(()) };
        prop_assert!(page.limit <= options.api_limit_max);
        let (first, next) = links("/v2/images", &query, Some(LAST));
        for (link, marker) in [(first, None), (next.unwrap(), Some(LAST))] {
            let written = link.strip_prefix("/v2/images").unwrap().trim_start_matches('?');
            let (same_filter, same_page) = wanted(&Query::parse(written).unwrap(), &options).unwrap();
            prop_assert_eq!(&same_filter, &filter);
            prop_assert_eq!(&same_page.sort, &page.sort);
            prop_assert_eq!((same_page.limit, same_page.marker.as_deref()), (page.limit, marker));
        }
    }

    #[test]
    fn nothing_makes_it_panic(text: String) {
        let _ = Query::parse(&text).and_then(|query| wanted(&query, &Api::default()));
    }
}
