//! The real program beside a Keystone, by the operator's files.

use std::fs;

use serde_json::json;

use super::Service;
use crate::harness::process::Process;

/// Where there are no certificates to trust, and none are needed.
const NO_CERTIFICATES: &[(&str, &str)] = &[("SSL_CERT_FILE", "/nowhere/file"), ("SSL_CERT_DIR", "/nowhere")];

const PASTE: &str = "
[composite:glance-api-keystone]
paste.composite_factory = glance.api:root_app_factory
/: api
[composite:api]
paste.composite_factory = glance.api:pipeline_factory
keystone = authtoken context rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/v2: apiv2app
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
";

/// Whatever happens, no token and no password is in the log, however detailed.
#[tokio::test(flavor = "multi_thread")]
async fn by_configuration_and_with_a_silent_log() {
    let service = Service::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    fs::write(path.join("glance-api-paste.ini"), PASTE).unwrap();
    let configuration = path.join("glance-api.conf");
    let text = format!(
        "[DEFAULT]\nenabled_backends = a:file\n[glance_store]\ndefault_backend = a\n\
         [a]\nfilesystem_store_datadir = {folder}/a\n[os_glance_staging_store]\nfilesystem_store_datadir = {folder}/s\n\
         [database]\nconnection = sqlite:///{folder}/glance.sqlite\n[paste_deploy]\nflavor = keystone\n\
         [keystone_authtoken]\nauth_url = http://{address}\nauth_type = password\nuser_id = glance\n\
         password = the-service-password\nproject_id = service\nhttp_request_max_retries = 0\n",
        folder = path.display(),
        address = service.wire.address,
    );
    fs::write(&configuration, text).unwrap();
    let statuses = tokio::task::spawn_blocking(move || {
        let process = Process::serve_in(
            NO_CERTIFICATES,
            "--config-file",
            &configuration,
            configuration.parent().unwrap(),
            &["--debug"],
        );
        let ask = |token, method, path, body| process.ask(token, method, path, body).status;
        [
            ask(Some("member"), "GET", "/v2/images", None),
            ask(Some("member"), "POST", "/v2/images", Some(&json!({"name": "x"}))),
            ask(Some("member"), "GET", "/v2/cache", None),
            ask(Some("tell-nobody"), "GET", "/v2/images", None),
            ask(None, "GET", "/v2/images", None),
        ]
    });
    assert_eq!(statuses.await.unwrap(), [200, 201, 403, 401, 401]);
    let log = fs::read_to_string(path.join("log")).unwrap();
    assert!(log.contains("logged in to Keystone") && log.contains("GET /v2/images"), "{log}");
    for secret in ["tell-nobody", "own-1", "the-service-password"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
