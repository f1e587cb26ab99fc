//! Whose limits are asked of Keystone, and how: the group `oslo_limit`.

use std::time::Duration;

use super::authtoken;
use super::keystone::{Access, LimitedEndpoint, Limits};
use super::options;
use super::remark::Remark;
use super::settings::Settings;

const GROUP: &str = "oslo_limit";

/// What the files say about limits in Keystone; none where they do not hold.
///
/// compat: where it is too little, there is a remark, and what needs a limit fails. Everything else is served.
pub(super) fn limits(settings: &mut Settings, remarks: &mut Vec<Remark>) -> Option<Result<Box<Limits>, String>> {
    if !settings.flag("DEFAULT", "use_keystone_limits") {
        return None;
    }
    let read = settings.attempt(|settings| {
        let (access, endpoint) = (access(settings), endpoint(settings));
        let keep = Duration::from_secs(settings.number("glint", "limits_cache_time")?);
        Some(Box::new(Limits { access: access?, endpoint: endpoint?, keep }))
    });
    Some(read.map_err(|faults| {
        let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        remarks.extend(faults);
        told
    }))
}

fn access(settings: &mut Settings) -> Option<Access> {
    let section = settings.text(GROUP, "auth_section").unwrap_or_else(|| GROUP.to_owned());
    settings.add_group(&section, options::LOGIN);
    let access = authtoken::access(settings, GROUP, &section)?;
    let interfaces = settings.list(GROUP, "valid_interfaces");
    Some(Access {
        interfaces: if interfaces.is_empty() { vec!["public".into()] } else { interfaces },
        endpoint_override: settings.text(GROUP, "endpoint_override"),
        timeout: settings.seconds(GROUP, "timeout").filter(|timeout| !timeout.is_zero()),
        connect_retries: settings.number(GROUP, "connect_retries").unwrap_or(0),
        ..access
    })
}

fn endpoint(settings: &mut Settings) -> Option<LimitedEndpoint> {
    if let Some(id) = settings.text(GROUP, "endpoint_id") {
        return Some(LimitedEndpoint::Id(id));
    }
    let (service_name, service_type) =
        (settings.text(GROUP, "endpoint_service_name"), settings.text(GROUP, "endpoint_service_type"));
    if service_name.is_none() && service_type.is_none() {
        let text = "it has to say whose limits hold, or endpoint_service_type or endpoint_service_name has";
        settings.fault(GROUP, "endpoint_id", text);
        return None;
    }
    let interface = settings.text(GROUP, "endpoint_interface").unwrap_or_default();
    Some(LimitedEndpoint::Found {
        service_name,
        service_type,
        region: settings.text(GROUP, "endpoint_region_name"),
        interface: interface.trim_end_matches("URL").to_owned(),
    })
}
