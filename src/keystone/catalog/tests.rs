use serde_json::json;

use super::OwnToken;

#[test]
fn keystone_is_found_in_the_catalogue() {
    let endpoint = |interface: &str, region: &str| json!({"interface": interface, "region": region, "region_id": region, "url": format!("{interface}.{region}")});
    let catalog = json!([
        {"type": "image", "endpoints": [endpoint("internal", "one")]},
        {"type": "compute"},
        {"type": "identity", "endpoints": [endpoint("public", "one"), endpoint("internal", "one"),
            endpoint("internal", "two")]},
    ]);
    let body = json!({"token": {"expires_at": "2026-03-01T12:00:00.000000Z", "catalog": catalog}}).to_string();
    let own = OwnToken::read(body.as_bytes()).unwrap();
    let cases: [(&[&str], Option<&str>, Option<&str>); 6] = [
        (&["internal"], None, Some("internal.one")),
        (&["internal"], Some("two"), Some("internal.two")),
        (&["public"], Some("two"), None),
        (&["public", "internal"], Some("two"), Some("internal.two")),
        (&["admin"], None, None),
        (&[], None, None),
    ];
    for (interfaces, region, expected) in cases {
        let wanted: Vec<String> = interfaces.iter().map(|&interface| interface.to_owned()).collect();
        assert_eq!(own.identity_endpoint(&wanted, region), expected, "{interfaces:?} {region:?}");
    }
}
