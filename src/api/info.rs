//! `/v2/info/…`: what this service offers.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::api::ctx::Call;
use crate::api::reply::{self, Reply};
use crate::config::{Driver, StoreConfig, Stores};
use crate::error::{Error, Result};
use crate::image::limits;
use crate::model::limits::Resource;
use crate::policy::{Nothing, Rule};

/// `GET /v2/info/import`.
pub(crate) async fn import(call: Call) -> Result<Reply> {
    let methods = &call.app.config.api.enabled_import_methods;
    let value = json!({ "description": "Import methods available.", "type": "array", "value": methods });
    reply::json(StatusCode::OK, &json!({ "import-methods": value }))
}

/// `GET /v2/info/stores`.
pub(crate) async fn stores(call: Call) -> Result<Reply> {
    let stores = several(&call)?;
    let shown: Vec<_> = stores.enabled.iter().map(|store| entry(store, &stores.default)).collect();
    reply::json(StatusCode::OK, &json!({ "stores": shown }))
}

/// `GET /v2/info/stores/detail`.
pub(crate) async fn stores_detail(call: Call) -> Result<Reply> {
    let stores = several(&call)?;
    call.allow(Rule::StoresInfoDetail, &Nothing).await?;
    let detailed = stores.enabled.iter().map(|store| {
        let mut entry = entry(store, &stores.default);
        let (kind, properties) = match &store.driver {
            Driver::File(options) => {
                let datadirs: Vec<&str> = options.datadirs.iter().map(|(datadir, _)| datadir.as_str()).collect();
                let properties = json!({
                    "data_dir": datadirs.join(","),
                    "chunk_size": options.chunk_size,
                    "thin_provisioning": options.thin_provisioning,
                });
                ("file", properties)
            }
            Driver::Http(_) => ("http", json!({})),
        };
        entry.insert("type".into(), kind.into());
        entry.insert("properties".into(), properties);
        entry.insert("weight".into(), store.weight.into());
        entry
    });
    reply::json(StatusCode::OK, &json!({ "stores": detailed.collect::<Vec<_>>() }))
}

/// `GET /v2/info/usage`: nothing where limits in Keystone do not hold.
pub(crate) async fn usage(call: Call) -> Result<Reply> {
    let mut shown = Map::new();
    if let Some((limits, usage)) = limits::usage(&call.app, call.identity.project_id.as_deref()).await? {
        for resource in Resource::ALL {
            let entry = json!({ "usage": limits::amount(&usage, resource), "limit": limits.shown(resource) });
            shown.insert(resource.name().to_owned(), entry);
        }
    }
    reply::json(StatusCode::OK, &json!({ "usage": shown }))
}

/// The stores, where they have names at all.
fn several(call: &Call) -> Result<&Stores> {
    let stores = &call.app.config.stores;
    if stores.multi { Ok(stores) } else { Err(Error::not_found("Multi backend is not supported at this site.")) }
}

fn entry(store: &StoreConfig, default: &str) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("id".into(), store.id.clone().into());
    if let Some(description) = &store.description {
        entry.insert("description".into(), description.clone().into());
    }
    if store.id == default {
        // compat: text, not a truth value.
        entry.insert("default".into(), "true".into());
    }
    if matches!(store.driver, Driver::Http(_)) {
        entry.insert("read-only".into(), "true".into());
    }
    entry
}
