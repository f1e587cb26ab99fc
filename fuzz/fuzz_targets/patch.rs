//! A PATCH document: the first line is its media type, the rest its bytes. What is accepted is applied to an image; then
//! nothing that only the service sets has changed.

#![no_main]

use std::sync::OnceLock;

use glint::api::patch::{self, Change};
use glint::app::App;
use glint::clock::Clock;
use glint::config::{Callers, Config};
use glint::image::{create, update};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (media_type, body) = match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (&b"application/openstack-images-v2.1-json-patch"[..], input),
    };
    let Ok(draft) = patch::draft(std::str::from_utf8(media_type).ok()) else { return };
    let Ok(document) = serde_json::from_slice(body) else { return };
    let app = app();
    let Ok(changes) = patch::changes(document, draft, &app.image_schema) else { return };
    let before = create::blank(app);
    let mut after = before.clone();
    for change in changes {
        // A refusal in the middle refuses the whole document; what came before it is still a state to look at.
        let done = match change {
            Change::Set { attribute, .. } => update::set(app, &mut after, attribute),
            Change::Remove { name } => update::remove(&mut after, &name),
            Change::Locations(_) => Ok(()),
        };
        if done.is_err() {
            break;
        }
    }
    assert!(after.min_disk >= 0 && after.min_ram >= 0);
    assert!(after.properties.keys().all(|name| !patch::is_reserved(name) && !update::is_base(name)));
    assert!(after.properties.keys().all(|name| !["id", "status", "size", "checksum", "self"].contains(&name.as_str())));
    let kept = |image: &glint::model::image::Image| {
        (image.id.clone(), image.status, image.size, image.checksum.clone(), image.created_at, image.locations.clone())
    };
    assert_eq!(kept(&before), kept(&after));
});

/// A service, for its limits: nothing is asked of its database.
fn app() -> &'static App {
    static APP: OnceLock<std::sync::Arc<App>> = OnceLock::new();
    APP.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut config = Config::stand_alone(folder.to_str().expect("UTF-8"));
        config.callers = Callers::Nobody;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let app = runtime.block_on(App::open(config, Clock::default())).expect("a service");
        // The database's connections live on it.
        std::mem::forget(runtime);
        app
    })
}
