//! The operator's configuration files: what is read out of them, and what is said about them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use glint::config::operator::{self, Operator};
use glint::config::remark::Remark;
use glint::config::settings::{Source, Sources};
use glint::config::{Callers, Config, Database, Driver};
use tempfile::TempDir;

/// A folder with configuration files.
struct Folder(TempDir);

/// What is needed to start at all.
const NEEDED: &str = "[database]\nconnection = sqlite:////d/glance.db\n[paste_deploy]\nflavor = headers\n";

/// The reference's paste file, with a pipeline of `context` alone beside the others.
const PASTE: &str = "
[composite:glance-api]
paste.composite_factory = glance.api:root_app_factory
/: api
/healthcheck: healthcheck
[composite:glance-api-headers]
paste.composite_factory = glance.api:root_app_factory
/: api
/healthcheck: healthcheck
[composite:glance-api-keystone]
paste.composite_factory = glance.api:root_app_factory
/: api
[composite:api]
paste.composite_factory = glance.api:pipeline_factory
default = cors http_proxy_to_wsgi versionnegotiation osprofiler unauthenticated-context rootapp
headers = cors http_proxy_to_wsgi versionnegotiation osprofiler context cache rootapp
keystone = cors http_proxy_to_wsgi versionnegotiation osprofiler authtoken context rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v2: apiv2app
[app:apiversions]
paste.app_factory = glance.api.versions:create_resource
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[app:healthcheck]
paste.app_factory = oslo_middleware:Healthcheck.app_factory
backends = disable_by_file
disable_by_file_path = %(here)s/off
[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:cache]
paste.filter_factory = glance.api.middleware.cache:CacheFilter.factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:
  ContextMiddleware.factory
[filter:unauthenticated-context]
paste.filter_factory = glance.api.middleware.context:UnauthenticatedContextMiddleware.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
[filter:fakeauth]
paste.filter_factory = glance.tests.utils:FakeAuthMiddleware.factory
[filter:osprofiler]
paste.filter_factory = osprofiler.web:WsgiMiddleware.factory
[filter:cors]
paste.filter_factory =  oslo_middleware.cors:filter_factory
oslo_config_project = glance
[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory
";

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.file("glance-api-paste.ini", PASTE);
        folder
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Reads `text` beside what is needed.
    fn read(&self, text: &str) -> Result<Operator, Vec<Remark>> {
        self.read_with(text, &[])
    }

    fn read_with(&self, text: &str, environment: &[(&str, &str)]) -> Result<Operator, Vec<Remark>> {
        let needed = self.file("needed.conf", NEEDED);
        let file = self.file("glance-api.conf", text);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        operator::read(Sources { paths: vec![Source::File(needed), Source::File(file)], environment })
    }

    /// Remarks with the folder left out.
    fn shown(&self, remarks: &[Remark]) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        remarks.iter().map(|remark| remark.to_string().replace(&folder, "")).collect()
    }
}

#[test]
fn without_a_word_everything_is_as_for_the_reference() {
    let folder = Folder::new();
    let operator = folder.read("").unwrap();
    let config = operator.config;
    let reference = Config::stand_alone("/d");
    let own = |config: &Config| {
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            config.quotas,
            config.formats,
            config.uri_filter,
            config.tasks,
            config.cors,
            config.listener.address,
            config.policy.enforce_new_defaults,
        )
    };
    assert_eq!(own(&config), own(&reference));
    assert_eq!(config.api.enabled_import_methods, ["glance-direct", "web-download", "copy-image"]);
    assert!(matches!(config.callers, Callers::TrustedHeaders));
    assert_eq!(config.stores.default, "file");
    assert!(!config.stores.multi);
    assert_eq!(config.stores.staging, Path::new("/tmp/staging/"));
    assert_eq!(config.stores.enabled.len(), 2);
    assert_eq!(config.policy.policy_file.unwrap(), folder.0.path().join("policy.yaml"));
    assert_eq!(config.healthcheck.disable_by_file_path.unwrap(), folder.0.path().join("off"));
    let Database::Sqlite(file) = config.database else { panic!("a file") };
    assert_eq!(file, Path::new("/d/glance.db"));
    assert_eq!(
        folder.shown(&operator.remarks),
        ["paste filter Cache changes nothing: the image cache is not there yet"]
    );
}

/// (what the file says, what `public_endpoint` is by it)
#[test]
fn values_refer_to_others() {
    let folder = Folder::new();
    let cases = [
        ("public_endpoint = http://h:$bind_port/", "http://h:9292/"),
        ("public_endpoint = http://h:${bind_port}1", "http://h:92921"),
        (
            "public_endpoint = ${task.task_time_to_live}-${image_format.disk_formats}",
            "48-['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop']",
        ),
        ("public_endpoint = $debug$transport_url$", "False$"),
        ("public_endpoint = $$bind_port \\$bind_port ${ $1", "$bind_port $bind_port ${ $1"),
        ("worker_self_reference_url = a$bind_host\npublic_endpoint = $worker_self_reference_url", "a127.0.0.1"),
        ("public_endpoint = 'quoted'", "quoted"),
        ("public_endpoint = first\npublic_endpoint = last", "last"),
        ("public_endpoint = first\n  second", "first\nsecond"),
    ];
    for (text, expected) in cases {
        let read = folder.read(&format!("[DEFAULT]\n{text}")).map(|operator| operator.config.api.public_endpoint);
        assert_eq!(read.unwrap().unwrap(), expected, "{text}");
    }
}

/// (what the file says, what is wrong with it)
#[test]
fn what_cannot_be_served() {
    let folder = Folder::new();
    let cases: &[(&str, &[&str])] = &[
        (
            "[DEFAULT]\nno assignment\n[oops",
            &["glance-api.conf:2: there is neither = nor : in it", "glance-api.conf:3: a section has to end with ]"],
        ),
        (
            "[DEFAULT]\nlimit_param_default = 0\nimage_size_cap = x\ndebug = perhaps",
            &[
                "glance-api.conf:2: [DEFAULT] limit_param_default: it has to be at least 1",
                "glance-api.conf:3: [DEFAULT] image_size_cap: it has to be a whole number",
                "glance-api.conf:4: [DEFAULT] debug: it has to be true or false",
            ],
        ),
        (
            "[DEFAULT]\npublic_endpoint = $nope",
            &["glance-api.conf:2: [DEFAULT] public_endpoint: it refers to $nope, and there is no such option"],
        ),
        (
            "[DEFAULT]\npublic_endpoint = $worker_self_reference_url\nworker_self_reference_url = $public_endpoint",
            &[
                "glance-api.conf:2: [DEFAULT] public_endpoint: it refers to itself",
                "glance-api.conf:3: [DEFAULT] worker_self_reference_url: it refers to itself",
            ],
        ),
        (
            "[DEFAULT]\nenabled_backends = a:file, b:rbd, os_glance_x:file",
            &[
                "glance-api.conf:2: [DEFAULT] enabled_backends: b: stores of type rbd are not there yet: only file and http are",
                "glance-api.conf:2: [DEFAULT] enabled_backends: os_glance_x: names that begin with os_glance_ are reserved",
                "[glance_store] default_backend: it has to name one of enabled_backends",
            ],
        ),
        (
            "[DEFAULT]\nenabled_backends = a:file\n[glance_store]\ndefault_backend = b",
            &["glance-api.conf:4: [glance_store] default_backend: it is none of enabled_backends"],
        ),
        (
            "[DEFAULT]\ndelayed_delete = on",
            &[
                "glance-api.conf:2: [DEFAULT] delayed_delete: the scrubber is not there yet: deleted data would be gone at once",
            ],
        ),
        (
            "[database]\nconnection = oracle://u:secret@h/glance",
            &["glance-api.conf:2: [database] connection: there is no oracle here: only sqlite, mysql and postgresql"],
        ),
        (
            "[database]\nconnection = sqlite://",
            &["glance-api.conf:2: [database] connection: a database in memory is of no use: name a file"],
        ),
        (
            "[paste_deploy]\nflavor = keystone",
            &[
                "[keystone_authtoken] username: it has to say who we are in Keystone, with user_domain_name or user_domain_id",
                "[keystone_authtoken] auth_url: it has to say where Keystone is",
            ],
        ),
        (
            "[paste_deploy]\nflavor = nope",
            &[
                "glance-api-paste.ini: there is no section app or application or composite or composit or pipeline or filter-app \"glance-api-nope\"",
            ],
        ),
        ("[glint]\ntls_key = x", &["[glint] tls_certificate: tls_certificate and tls_key go together"]),
        (
            "[DEFAULT]\nuser_storage_quota = 10 XB",
            &[
                "glance-api.conf:2: [DEFAULT] user_storage_quota: it has to be a number, with B, KB, MB, GB or TB behind it if need be",
            ],
        ),
    ];
    for (text, expected) in cases {
        let faults = folder.read(text).map(|_| ()).unwrap_err();
        assert_eq!(folder.shown(&faults), *expected, "{text}");
    }
}

#[test]
fn one_list_of_what_decides_nothing() {
    let folder = Folder::new();
    let text = "
[DEFAULT]
wrokers = 3
workers = 3
show_multiple_locations = true
disk_formats = raw
image_cache_dir =
image_cache_max_size = 10737418240
image_cache_stall_time = 5
delayed_delete = false
[oslo_messaging_rabbit]
rabbit_hosts = a
rabbit_port = 1
[what]
x = 1
[keystone_authtoken]
password = secret
";
    let operator = folder.read(text).unwrap();
    assert_eq!(
        folder.shown(&operator.remarks),
        [
            "glance-api.conf:3: [DEFAULT] wrokers: is ignored: there is no such option",
            "glance-api.conf:4: [DEFAULT] workers: decides nothing: one process serves all connections",
            "glance-api.conf:5: [DEFAULT] show_multiple_locations: is deprecated: the locations API (2.17) and policy rules take its place",
            "glance-api.conf:6: [DEFAULT] disk_formats: is deprecated: write [image_format] disk_formats",
            "glance-api.conf:9: [DEFAULT] image_cache_stall_time: decides nothing: the image cache is not there yet",
            "glance-api.conf:12: [oslo_messaging_rabbit] rabbit_hosts: this group decides nothing: notifications are not sent yet",
            "glance-api.conf:15: [what] x: is ignored: there is no such group",
            "paste filter Cache changes nothing: the image cache is not there yet",
        ]
    );
    assert_eq!(operator.config.formats.disk_formats, ["raw"]);
    assert!(operator.config.api.show_multiple_locations);
}

#[test]
fn the_environment_wins_over_files_and_later_files_over_earlier_ones() {
    let folder = Folder::new();
    let environment = [("OS_DEFAULT__API_LIMIT_MAX", "7"), ("OS_STORE1__WEIGHT", "9"), ("OS_DEFAULT__DEBUG", "true")];
    let text = "[DEFAULT]\napi_limit_max = 5\nenabled_backends = Store1:file, b:http\n[glance_store]\ndefault_backend = b\n\
                [store1]\nfilesystem_store_datadir = /x\n[backend_defaults]\nfilesystem_store_chunk_size = 1\n\
                https_insecure = false\n[b]\nhttps_insecure = true\n[paste_deploy]\nflavor =\n";
    let operator = folder.read_with(text, &environment).unwrap();
    assert_eq!(operator.config.api.api_limit_max, 7);
    assert!(operator.log.debug);
    // An empty flavor is none.
    assert!(matches!(operator.config.callers, Callers::Nobody));
    let [first, second] = &operator.config.stores.enabled[..] else { panic!("two stores") };
    assert_eq!((first.id.as_str(), first.weight), ("Store1", 9));
    let (Driver::File(file), Driver::Http(http)) = (&first.driver, &second.driver) else { panic!("a file, an http") };
    assert_eq!((file.datadirs.clone(), file.chunk_size), (vec![("/x".to_owned(), 0)], 1));
    assert!(http.https_insecure);
}

/// (the file `schema-image.json`, the properties and what is required; or what is wrong)
#[test]
fn properties_that_the_operator_gives_a_type() {
    let folder = Folder::new();
    let cases = [
        (r#"{"b": {"type": "string"}, "a": {}}"#, Ok(("b a", ""))),
        (r#"{"properties": {"b": {"type": "string"}}, "required": ["b"]}"#, Ok(("b", "b"))),
        (r#"{"properties": {}, "required": null}"#, Ok(("", ""))),
        (
            "[]",
            Err(
                "schema-image.json: it has to be a JSON object: invalid type: sequence, expected a map at line 1 column 0",
            ),
        ),
        ("{", Err("schema-image.json: it has to be a JSON object: EOF while parsing an object at line 1 column 1")),
        (r#"{"a": "string"}"#, Err("schema-image.json: property \"a\" has to be an object")),
        (r#"{"properties": []}"#, Err("schema-image.json: properties has to be an object")),
        (r#"{"properties": {}, "required": "a"}"#, Err("schema-image.json: required has to be a list of names")),
    ];
    for (text, expected) in cases {
        folder.file("schema-image.json", text);
        let read = folder.read("").map(|operator| {
            let names: Vec<String> = operator.config.image_properties.keys().cloned().collect();
            (names.join(" "), operator.config.required_image_properties.join(" "))
        });
        let read = read.map_err(|faults| folder.shown(&faults).join("|"));
        let expected = expected.map(|(names, required)| (names.to_owned(), required.to_owned())).map_err(str::to_owned);
        assert_eq!(read, expected, "{text}");
    }
}

/// (a paste file, who calls by it; or what is wrong with it)
#[test]
fn paste_files() {
    let folder = Folder::new();
    let filters = "[filter:context]\npaste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory\n\
                   [filter:nobody]\nuse = egg:glance#nobody\n\
                   [filter:unauthenticated-context]\npaste.filter_factory = \
                   glance.api.middleware.context:UnauthenticatedContextMiddleware.factory\n\
                   [filter:fakeauth]\npaste.filter_factory = glance.tests.utils:FakeAuthMiddleware.factory\n\
                   [app:api]\npaste.app_factory = glance.api.v2.router:API.factory\n";
    let cases = [
        ("[pipeline:glance-api]\npipeline = context api", "TrustedHeaders"),
        ("[pipeline:glance-api]\npipeline = fakeauth\n  context\n  api", "FakeTokens"),
        ("[pipeline:glance-api]\npipeline = unauthenticated-context api", "Nobody"),
        ("[DEFAULT]\nlast = api\n[pipeline: glance-api]\npipeline = context %(last)s", "TrustedHeaders"),
        (
            "[filter-app:glance-api]\nuse = egg:oslo.middleware#cors\nnext = x\n[pipeline:x]\npipeline = context api",
            "TrustedHeaders",
        ),
        (
            "[app:glance-api]\nfilter-with = context\npaste.app_factory = glance.api.v2.router:API.factory",
            "TrustedHeaders",
        ),
        (
            "[composite:glance-api]\nuse = egg:Paste#urlmap\n/: x\n[pipeline:x]\npipeline = context api",
            "TrustedHeaders",
        ),
        (
            "[pipeline:glance-api]\npipeline = api",
            "[paste_deploy] flavor: the pipeline has neither context nor unauthenticated-context",
        ),
        (
            "[pipeline:glance-api]\npipeline = nobody api",
            "paste.ini:4: [filter:nobody]: there is no such filter here: egg:glance#nobody",
        ),
        ("[pipeline:glance-api]\npipeline = gone api", "paste.ini: there is no section filter \"gone\""),
        ("[pipeline:glance-api]\nx = y", "paste.ini:14: [pipeline:glance-api] has no pipeline"),
        ("[pipeline:glance-api]\npipeline =", "paste.ini:14: the pipeline is empty"),
        ("[app:glance-api]\nx = y", "paste.ini:14: [app:glance-api] does not say what it is"),
        ("[app:glance-api]\nuse = call:x:y", "paste.ini:14: [app:glance-api]: there is nothing here that is call:x:y"),
        ("[filter-app:glance-api]\nuse = x", "paste.ini:14: [filter-app:glance-api] has no next"),
        ("[pipeline:glance-api]\npipeline = %(gone)s", "paste.ini:14: it refers to %(gone)s, which is not there"),
        ("[pipeline:glance-api]\npipeline = 5%", "paste.ini:14: a % has to be followed by % or by (name)s"),
        ("[pipeline:glance-api]\nnothing", "paste.ini:14: there is neither = nor : in it"),
        (
            "[pipeline:glance-api]\npipeline = x\n[pipeline:x]\npipeline = glance-api",
            "paste.ini: sections refer to each other too often, at \"glance-api\"",
        ),
    ];
    for (text, expected) in cases {
        let text = if text.starts_with("[DEFAULT]") {
            format!("{text}\n{filters}")
        } else {
            format!("{filters}# here\n\n{text}")
        };
        let path = folder.file("paste.ini", &text);
        let read = folder.read(&format!("[paste_deploy]\nconfig_file = {}\nflavor =\n", path.display()));
        let made = match read {
            Ok(operator) => format!("{:?}", operator.config.callers),
            Err(faults) => folder.shown(&faults).join("|"),
        };
        assert_eq!(made.replace("glance-api.conf:3: ", ""), expected, "{text}");
    }
}

/// (what the file says about limits in Keystone, what is made of it)
#[test]
fn limits() {
    let folder = Folder::new();
    let login = "auth_url = http://k:5000\nuser_id = u\npassword = secret\nsystem_scope = all\n";
    let cases = [
        (
            format!("{login}endpoint_id = e\ntimeout = 1.5"),
            "Id(\"e\") [\"public\"] Some(1.5s) 0 None 5s".to_owned(),
        ),
        (
            format!(
                "{login}endpoint_service_type = image\nendpoint_region_name = one\nendpoint_interface = internalURL\n\
                 valid_interfaces = internal, public\nconnect_retries = 2\nendpoint_override = http://k\n\
                 [glint]\nlimits_cache_time = 0"
            ),
            "Found { service_name: None, service_type: Some(\"image\"), region: Some(\"one\"), interface: \"internal\" } \
             [\"internal\", \"public\"] None 2 Some(\"http://k\") 0ns"
                .to_owned(),
        ),
    ];
    for (text, expected) in cases {
        let operator = folder.read(&format!("[DEFAULT]\nuse_keystone_limits = true\n[oslo_limit]\n{text}")).unwrap();
        let limits = operator.config.limits.unwrap().unwrap();
        let access = limits.access;
        let made = format!(
            "{:?} {:?} {:?} {} {:?} {:?}",
            limits.endpoint,
            access.interfaces,
            access.timeout,
            access.connect_retries,
            access.endpoint_override,
            limits.keep
        );
        assert_eq!(made, expected);
    }
    let operator = folder.read(&format!("[oslo_limit]\n{login}endpoint_id = e")).unwrap();
    assert!(operator.config.limits.is_none(), "they hold only when they are switched on");
}

/// compat: limits that cannot be asked for keep nobody from being served.
#[test]
fn limits_out_of_reach() {
    let folder = Folder::new();
    let login = "auth_url = http://k\nusername = glance\nuser_domain_id = default\npassword = p\nproject_name = service\n\
                 project_domain_id = default\n";
    let no_endpoint = "[oslo_limit] endpoint_id: it has to say whose limits hold, or endpoint_service_type or endpoint_service_name has";
    let cases = [
        (
            String::new(),
            vec![
                "[oslo_limit] username: it has to say who we are in Keystone, with user_domain_name or user_domain_id",
                "[oslo_limit] auth_url: it has to say where Keystone is",
                no_endpoint,
            ],
        ),
        (login.to_owned(), vec![no_endpoint]),
        (
            format!("{login}endpoint_id = e\ntimeout = -1"),
            vec!["glance-api.conf:11: [oslo_limit] timeout: it is out of range"],
        ),
    ];
    for (text, expected) in cases {
        let operator = folder.read(&format!("[DEFAULT]\nuse_keystone_limits = true\n[oslo_limit]\n{text}")).unwrap();
        let mut told = folder.shown(&operator.remarks);
        told.retain(|remark| remark.contains("[oslo_limit]"));
        assert_eq!(told, expected);
        assert!(operator.config.limits.unwrap().is_err());
    }
}

/// (what the file says about Keystone, what is made of it)
#[test]
fn keystone() {
    let folder = Folder::new();
    let cases = [
        (
            "auth_url = http://k:5000\nusername = glance\nuser_domain_id = default\npassword = secret\n\
             project_name = service\nproject_domain_name = Default\ntoken_cache_time = -1\nmemcached_servers = m:11211\n\
             auth_type = password",
            "Password { user: Name { name: \"glance\", domain: Id(\"default\") }, password: SecretBox<str>([REDACTED]), \
             scope: Project(Name { name: \"service\", domain: Name(\"Default\") }) } cache None",
        ),
        (
            "auth_section = login\nservice_token_roles = a, b\n[login]\nauth_url = http://k:5000\n\
             auth_type = v3applicationcredential\napplication_credential_id = c\napplication_credential_secret = secret",
            "ApplicationCredential { credential: Id(\"c\"), secret: SecretBox<str>([REDACTED]) } cache Some(300s)",
        ),
        (
            "auth_url = http://k:5000\nuser_id = u\npassword = secret\nsystem_scope = all",
            "Password { user: Id(\"u\"), password: SecretBox<str>([REDACTED]), scope: System } cache Some(300s)",
        ),
    ];
    for (text, expected) in cases {
        let operator =
            folder.read(&format!("[paste_deploy]\nflavor = keystone\n[keystone_authtoken]\n{text}")).unwrap();
        let Callers::Keystone(keystone) = operator.config.callers else { panic!("{text}") };
        assert_eq!(format!("{:?} cache {:?}", keystone.access.login, keystone.token_cache_time), expected);
        assert_eq!(keystone.access.auth_url, "http://k:5000");
    }
}

#[test]
fn folders_are_read_in_the_order_of_their_files_names() {
    let folder = Folder::new();
    let needed = folder.file("glance-api.conf", NEEDED);
    folder.file("d/20.conf", "[DEFAULT]\nlimit_param_default = 20\n[oslo_policy]\npolicy_dirs = /b\n");
    folder
        .file("d/10.conf", "[DEFAULT]\nlimit_param_default = 10\n[oslo_policy]\npolicy_dirs = /a\npolicy_dirs = /a2\n");
    folder.file("d/.hidden.conf", "[DEFAULT]\nlimit_param_default = 1\n");
    folder.file("d/30.other", "[DEFAULT]\nlimit_param_default = 30\n");
    let paths = vec![Source::File(needed), Source::Folder(folder.0.path().join("d"))];
    let config = operator::read(Sources { paths, environment: BTreeMap::new() }).unwrap().config;
    assert_eq!(config.api.limit_param_default, 20);
    assert_eq!(config.policy.policy_dirs, ["/a", "/a2", "/b"].map(PathBuf::from));
}

/// (files of the command line, what `glint serve` says)
#[test]
fn on_the_command_line() {
    let folder = Folder::new();
    let everywhere = folder.file("glance-api.conf", &format!("{NEEDED}[DEFAULT]\nbind_host = 0.0.0.0\n"));
    let everywhere = everywhere.to_str().unwrap();
    let cases: [(&str, &[&str], &str); 4] = [
        (everywhere, &[], "glint: 0.0.0.0:9292 can be reached by others, and without TLS"),
        (
            everywhere,
            &["--insecure-listen"],
            "glint: 0.0.0.0:9292 can be reached by others, and the pipeline believes what callers say",
        ),
        (everywhere, &["--data-dir", "x"], "error: the argument '--config-file"),
        ("/nowhere.conf", &[], "glint: this configuration cannot be served:\n  /nowhere.conf: cannot be read"),
    ];
    for (file, arguments, said) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_glint"))
            .args(["serve", "--config-file", file])
            .args(arguments)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        let without_log: Vec<&str> = error.lines().filter(|line| !line.contains(" WARN ")).collect();
        assert!(!output.status.success() && without_log.join("\n").starts_with(said), "{arguments:?}: {error}");
    }
}
