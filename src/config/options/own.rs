//! The options of the Image service itself.

use super::{Group, Opt, at_least, bare, opt};
use crate::config::value::{ANY, Item, Kind};

/// Its groups.
pub(super) const GROUPS: &[Group] = &[
    Group { name: "DEFAULT", options: DEFAULT },
    Group { name: "glint", options: GLINT },
    Group { name: "image_format", options: IMAGE_FORMAT },
    Group { name: "task", options: TASK },
    Group { name: "taskflow_executor", options: TASKFLOW_EXECUTOR },
    Group { name: "paste_deploy", options: PASTE_DEPLOY },
    Group { name: "wsgi", options: WSGI },
    Group { name: "image_import_opts", options: IMAGE_IMPORT },
    Group { name: "import_filtering_opts", options: IMPORT_FILTERING },
    Group { name: "glance_download_properties", options: GLANCE_DOWNLOAD },
    Group { name: "inject_metadata_properties", options: INJECT_METADATA },
    Group { name: "image_conversion", options: IMAGE_CONVERSION },
    Group { name: "glance_store", options: super::stores::GLANCE_STORE },
];

const NO_CACHE: &str = "the image cache is not there yet";
const NO_NOTIFICATIONS: &str = "notifications are not sent yet";
const NO_IMPORT: &str = "image import is not there yet";
const NO_TASK_FLOW: &str = "tasks do not run yet";
const NO_SCRUBBER: &str = "the scrubber is not there yet";
const ONE_PROCESS: &str = "one process serves all connections";
const SERVER: &str = "the server here has limits of its own";
const LOG: &str = "the log goes to standard error, in the form that --log-format names";

const DEFAULT: &[Opt] = &[
    opt("allow_anonymous_access", Kind::Flag, "false", "Whether callers without a token may read what is public."),
    opt("max_request_id_length", at_least(0), "64", "The longest request id that a client may bring."),
    bare("public_endpoint", Kind::Text, "The base of links in the version document, where it is not what clients use."),
    opt(
        "hashing_algorithm",
        Kind::Text,
        "sha512",
        "The algorithm of the secure hash: sha512, sha384, sha256, sha3_512 and others.",
    ),
    opt("image_member_quota", ANY, "128", "The most members of an image; less than nothing for no limit."),
    opt("image_property_quota", ANY, "128", "The most properties of an image; less than nothing for no limit."),
    opt("image_tag_quota", ANY, "128", "The most tags of an image; less than nothing for no limit."),
    opt("image_location_quota", ANY, "10", "The most locations of an image; less than nothing for no limit."),
    opt("limit_param_default", at_least(1), "25", "Images on a page that names no limit."),
    opt("api_limit_max", at_least(1), "1000", "The most images on a page."),
    opt("show_image_direct_url", Kind::Flag, "false", "Whether an image shows where its data is."),
    opt("show_multiple_locations", Kind::Flag, "false", "Whether an image shows its locations, and takes them.")
        .deprecated("the locations API (2.17) and policy rules take its place"),
    opt("do_secure_hash", Kind::Flag, "true", "Whether a location that is added is read whole, to know its hash."),
    opt("http_retries", ANY, "3", "How often reading such a location is tried again."),
    opt("image_size_cap", Kind::Number(1, 1 << 63), "1099511627776", "The most bytes of an image."),
    opt(
        "user_storage_quota",
        Kind::Text,
        "0",
        "What a project may keep in all: a number and B, KB, MB, GB or TB; 0 for no limit.",
    ),
    opt("use_keystone_limits", Kind::Flag, "false", "Whether limits that are registered in Keystone hold."),
    opt(
        "metadata_source_path",
        Kind::Text,
        "/etc/glance/metadefs/",
        "Where files of metadata definitions are, for glint db load_metadefs and export_metadefs.",
    ),
    bare("pydev_worker_debug_host", Kind::Text, "Where a Python debugger waits.").idle("this is no Python"),
    opt("pydev_worker_debug_port", Kind::Number(0, 65535), "5678", "Its port.").idle("this is no Python"),
    bare("metadata_encryption_key", Kind::Text, "What locations are encrypted with in the database.")
        .secret()
        .refused("encrypted locations are not there yet: they could be neither read nor written"),
    opt("digest_algorithm", Kind::Text, "sha256", "Once, the algorithm of signatures.")
        .idle("nothing heeds it any more"),
    opt(
        "node_staging_uri",
        Kind::Text,
        "file:///tmp/staging/",
        "Where data waits that is to be imported, without enabled_backends.",
    )
    .awaited(NO_IMPORT),
    opt(
        "enabled_import_methods",
        Kind::Bracketed(Item::Choice(IMPORT_METHODS)),
        "[glance-direct,web-download,copy-image]",
        "The ways to import that are on.",
    ),
    bare("worker_self_reference_url", Kind::Text, "Where other nodes reach this one.").awaited(NO_IMPORT),
    bare("property_protection_file", Kind::Text, "The file that says who may do what with which property."),
    opt(
        "property_protection_rule_format",
        Kind::Choice(&["roles", "policies"]),
        "roles",
        "What stands in that file for each operation.",
    ),
    bare(
        "enabled_backends",
        Kind::Map,
        "The stores: name:type, with commas between them. Each has a group of its name.",
    ),
    bare("image_cache_dir", Kind::Text, "Where the image cache is; without it there is none.").awaited(NO_CACHE),
    opt(
        "image_cache_driver",
        Kind::ChoiceInAnyCase(&["centralized_db", "sqlite", "xattr"]),
        "centralized_db",
        "Where the cache keeps its records.",
    )
    .awaited(NO_CACHE),
    opt("image_cache_max_size", at_least(0), "10737418240", "The bytes that pruning leaves in the cache.")
        .awaited(NO_CACHE),
    opt(
        "image_cache_stall_time",
        at_least(0),
        "86400",
        "Seconds after which an unfinished file in the cache is abandoned.",
    )
    .awaited(NO_CACHE),
    opt("image_cache_sqlite_db", Kind::Text, "cache.db", "The database of the driver sqlite.").awaited(NO_CACHE),
    opt("default_publisher_id", Kind::Text, "image.localhost", "Who notifications are from.").awaited(NO_NOTIFICATIONS),
    opt("disabled_notifications", Kind::List, "", "Notifications that are not sent.").awaited(NO_NOTIFICATIONS),
    bare("transport_url", Kind::Text, "Where notifications go.").secret().awaited(NO_NOTIFICATIONS),
    opt("control_exchange", Kind::Text, "openstack", "The exchange of notifications.").awaited(NO_NOTIFICATIONS),
    opt("delayed_delete", Kind::Flag, "false", "Whether the data of deleted images stays until the scrubber takes it.")
        .refused("the scrubber is not there yet: deleted data would be gone at once"),
    opt("scrub_time", at_least(0), "0", "Seconds for which deleted data stays.").awaited(NO_SCRUBBER),
    opt("scrub_pool_size", at_least(1), "1", "How many images are scrubbed at a time.").awaited(NO_SCRUBBER),
    opt("wakeup_time", at_least(0), "300", "Seconds between two rounds of the scrubber.").awaited(NO_SCRUBBER),
    opt("daemon", Kind::Flag, "false", "Whether the scrubber goes on for ever.").awaited(NO_SCRUBBER),
    bare("restore", Kind::Text, "An image that the scrubber is to bring back.").awaited(NO_SCRUBBER),
    opt("bind_host", Kind::Text, "127.0.0.1", "The address to listen on. The reference has dropped it; we heed it."),
    opt(
        "bind_port",
        Kind::Number(0, 65535),
        "9292",
        "The port to listen on. The reference has dropped it; we heed it.",
    ),
    bare("workers", ANY, "Processes of the reference's former server.").idle(ONE_PROCESS),
    bare("backlog", ANY, "Connections that wait to be accepted.").idle(SERVER),
    bare("tcp_keepidle", ANY, "Seconds before a silent connection is probed.").idle(SERVER),
    bare("client_socket_timeout", ANY, "Seconds that a client may be silent.").idle(SERVER),
    bare("http_keepalive", Kind::Flag, "Whether connections stay open.").idle(SERVER),
    bare("max_header_line", ANY, "The longest header.").idle(SERVER),
    opt("debug", Kind::Flag, "false", "Whether the log is detailed."),
    opt("use_json", Kind::Flag, "false", "Whether log lines are JSON."),
    bare("log_config_append", Kind::Text, "A file for Python's logging.").idle(LOG),
    bare("log_date_format", Kind::Text, "The form of times in the log.").idle(LOG),
    bare("log_file", Kind::Text, "The file of the log.").once(&[("DEFAULT", "logfile")]).idle(LOG),
    bare("log_dir", Kind::Text, "The folder of the log.").once(&[("DEFAULT", "logdir")]).idle(LOG),
    opt("use_syslog", Kind::Flag, "false", "Whether the log goes to syslog.").idle(LOG),
    opt("use_journal", Kind::Flag, "false", "Whether the log goes to the journal.").idle(LOG),
    bare("syslog_log_facility", Kind::Text, "The facility of syslog.").idle(LOG),
    opt("use_stderr", Kind::Flag, "false", "Whether the log goes to standard error.").idle(LOG),
    bare("log_color", Kind::Flag, "Whether the log has colours.").idle(LOG),
    bare("log_rotation_type", Kind::Text, "When the file of the log is changed.").idle(LOG),
    bare("log_rotate_interval", ANY, "How often.").idle(LOG),
    bare("log_rotate_interval_type", Kind::Text, "The unit of that.").idle(LOG),
    bare("max_logfile_count", ANY, "How many such files stay.").idle(LOG),
    bare("max_logfile_size_mb", ANY, "How large one may become.").idle(LOG),
    bare("logging_context_format_string", Kind::Text, "The form of log lines.").idle(LOG),
    bare("logging_default_format_string", Kind::Text, "The form of log lines without a request.").idle(LOG),
    bare("logging_debug_format_suffix", Kind::Text, "What detailed lines have beside.").idle(LOG),
    bare("logging_exception_prefix", Kind::Text, "What lines of a stack trace begin with.").idle(LOG),
    bare("logging_user_identity_format", Kind::Text, "The form of a caller in the log.").idle(LOG),
    bare("default_log_levels", Kind::List, "The detail of each Python module's log.").idle(LOG),
    bare("publish_errors", Kind::Flag, "Whether errors are sent as notifications.").idle(LOG),
    bare("instance_format", Kind::Text, "The form of an instance in the log.").idle(LOG),
    bare("instance_uuid_format", Kind::Text, "The form of an instance's id in the log.").idle(LOG),
    bare("rate_limit_interval", ANY, "Seconds over which log lines are counted.").idle(LOG),
    bare("rate_limit_burst", ANY, "The most lines in that time.").idle(LOG),
    bare("rate_limit_except_level", Kind::Text, "Lines that do not count.").idle(LOG),
    bare("fatal_deprecations", Kind::Flag, "Whether deprecated options end the service.").idle(LOG),
];

const GLINT: &[Opt] = &[
    bare("tls_certificate", Kind::Text, "Certificate chain in PEM, for HTTPS.").once(&[("DEFAULT", "cert_file")]),
    bare("tls_key", Kind::Text, "Key of the certificate in PEM.").once(&[("DEFAULT", "key_file")]),
    opt("limits_cache_time", at_least(0), "5", "Seconds for which a limit that is registered in Keystone is believed."),
    opt(
        "revalidate_tokens",
        Kind::Flag,
        "false",
        "Whether Keystone is asked whose a token is each time that a request changes something, whatever token_cache_time.",
    ),
    opt("insecure_listen", Kind::Flag, "false", "Whether to listen without TLS on an address that others can reach."),
    opt(
        "trust_callers",
        Kind::Flag,
        "false",
        "Whether to believe what callers say about themselves on such an address: where paste has no authtoken and a proxy in front checks tokens.",
    ),
    opt(
        "validate_image_properties",
        Kind::Choice(&["off", "warn", "enforce"]),
        "off",
        "What becomes of image properties that do not fit what public metadata definitions say of them.",
    ),
];

const IMPORT_METHODS: &[&str] = &["glance-direct", "web-download", "copy-image", "glance-download"];

const IMAGE_FORMAT: &[Opt] = &[
    opt("container_formats", Kind::List, "ami,ari,aki,bare,ovf,ova,docker,compressed", "What container_format may be.")
        .once(&[("DEFAULT", "container_formats")]),
    opt("disk_formats", Kind::List, "ami,ari,aki,vhd,vhdx,vmdk,raw,qcow2,vdi,iso,ploop", "What disk_format may be.")
        .once(&[("DEFAULT", "disk_formats")]),
    opt("vmdk_allowed_types", Kind::List, "streamOptimized,monolithicSparse", "The kinds of VMDK that are converted.")
        .awaited(NO_IMPORT),
    opt(
        "require_image_format_match",
        Kind::Flag,
        "true",
        "Whether data has to be of the format that the image claims.",
    ),
    opt("gpt_safety_checks_nonfatal", Kind::List, "", "Checks of partition tables that do not refuse the data."),
];

const TASK: &[Opt] = &[
    opt("task_time_to_live", ANY, "48", "Hours for which a task that has ended is kept.")
        .once(&[("DEFAULT", "task_time_to_live")]),
    opt("task_executor", Kind::Choice(&["taskflow"]), "taskflow", "What runs tasks.")
        .idle("there is one way to run tasks"),
    bare("work_dir", Kind::Text, "Where tasks keep data meanwhile.").awaited(NO_TASK_FLOW),
];

const TASKFLOW_EXECUTOR: &[Opt] = &[
    opt(
        "engine_mode",
        Kind::Choice(&["serial", "parallel"]),
        "parallel",
        "Whether parts of a task run at the same time.",
    )
    .awaited(NO_TASK_FLOW),
    opt("max_workers", at_least(1), "10", "The most parts of a task at a time.").awaited(NO_TASK_FLOW),
    bare("conversion_format", Kind::Choice(&["qcow2", "raw", "vmdk"]), "What tasks convert to.").awaited(NO_TASK_FLOW),
];

const PASTE_DEPLOY: &[Opt] = &[
    bare(
        "flavor",
        Kind::Text,
        "Which pipeline of the paste file is used: keystone, caching, cachemanagement or sums of them.",
    ),
    bare(
        "config_file",
        Kind::Text,
        "The paste file, where it is not beside the last configuration file under its name.",
    ),
];

const WSGI: &[Opt] = &[
    opt("task_pool_threads", at_least(1), "16", "Threads for tasks.").idle("tasks need no threads of their own"),
    bare("python_interpreter", Kind::Text, "The Python that runs helpers.").idle("this is no Python"),
];

const IMAGE_IMPORT: &[Opt] = &[
    opt("image_import_plugins", Kind::Bracketed(Item::Text), "[]", "What is done with data that is imported.")
        .awaited(NO_IMPORT),
    opt("max_parallel_stores", at_least(1), "1", "How many stores an import fills at a time.").awaited(NO_IMPORT),
];

const IMPORT_FILTERING: &[Opt] = &[
    opt("allowed_schemes", Kind::Bracketed(Item::Text), "[http,https]", "Schemes of URLs that may be imported from."),
    opt(
        "disallowed_schemes",
        Kind::Bracketed(Item::Text),
        "[]",
        "Schemes that may not, where none is allowed by name.",
    ),
    opt("allowed_hosts", Kind::Bracketed(Item::Host), "[]", "Hosts that may be imported from."),
    opt("disallowed_hosts", Kind::Bracketed(Item::Host), "[]", "Hosts that may not, where none is allowed by name."),
    opt("allowed_ports", Kind::Ports, "[80,443]", "Ports that may be imported from."),
    opt("disallowed_ports", Kind::Ports, "[]", "Ports that may not, where none is allowed by name."),
];

const GLANCE_DOWNLOAD: &[Opt] = &[opt(
    "extra_properties",
    Kind::Bracketed(Item::Text),
    "[hw_,trait:,os_distro,os_secure_boot,os_type]",
    "Properties that come with an image from another Image service.",
)
.awaited(NO_IMPORT)];

const INJECT_METADATA: &[Opt] = &[
    opt("ignore_user_roles", Kind::List, "admin", "Roles whose imports get no properties added.").awaited(NO_IMPORT),
    opt("inject", Kind::Map, "", "Properties that imports get.").awaited(NO_IMPORT),
];

const IMAGE_CONVERSION: &[Opt] =
    &[opt("output_format", Kind::Choice(&["qcow2", "raw", "vmdk"]), "raw", "What imports are converted to.")
        .awaited(NO_IMPORT)];
