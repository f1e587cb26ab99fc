//! A real Keystone in which limits are registered.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Accounts, People, Served, id, start_keystone};

/// Limits of everybody.
const REGISTERED: [(&str, i64); 3] = [("image_count_total", 3), ("image_size_total", 2), ("image_count_uploading", 2)];
/// Projects with limits of their own.
const OWN: [(&str, &[(&str, i64)]); 3] = [
    ("few", &[("image_count_total", 1)]),
    ("idle", &[("image_count_uploading", 0)]),
    ("free", &[("image_count_total", -1), ("image_size_total", -1), ("image_count_uploading", -1)]),
];

/// The Keystone, and what is to be known of it.
pub struct Limited {
    /// Values with their names: the address, our endpoint, the projects with limits of their own.
    pub names: Vec<(String, String)>,
    _keystone: Served,
    _folder: TempDir,
}

impl Limited {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keystone = start_keystone(folder.path(), 3600);
        let accounts = Accounts::open(&keystone);
        let people = People::make(&accounts);
        accounts.change("PUT", &format!("/v3/system/users/{}/roles/{}", people.glance, accounts.role("reader")), None);
        let service = id(&accounts.change("GET", "/v3/services?type=image", None)["services"][0]);
        let endpoint =
            id(&accounts.change("GET", &format!("/v3/endpoints?service_id={service}"), None)["endpoints"][0]);
        let place = |name: &str| json!({"service_id": service, "region_id": "RegionOne", "resource_name": name});
        let with = |name: &str, value: &str, set: Value| {
            let mut limit = place(name);
            limit[value] = set;
            limit
        };
        let registered = REGISTERED.map(|(name, most)| with(name, "default_limit", most.into()));
        accounts.change("POST", "/v3/registered_limits", Some(&json!({ "registered_limits": registered })));
        let mut names = vec![(keystone.url(), "keystone".to_owned()), (endpoint, "endpoint".to_owned())];
        for (project, limits) in OWN {
            let project_id = accounts.add_project(project);
            let limits = limits.iter().map(|(name, most)| {
                let mut limit = with(name, "resource_limit", (*most).into());
                limit["project_id"] = project_id.as_str().into();
                limit
            });
            accounts.change("POST", "/v3/limits", Some(&json!({"limits": limits.collect::<Vec<_>>()})));
            names.push((project_id, project.to_owned()));
        }
        Self { names, _keystone: keystone, _folder: folder }
    }
}
