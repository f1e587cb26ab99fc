//! How Keystone is asked about tokens: the group `keystone_authtoken`, and the group of the login that it may name.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::keystone::{Access, Credential, Domain, Keystone, Login, Named, Scope};
use super::options;
use super::settings::Settings;

const GROUP: &str = "keystone_authtoken";

/// What the files say about Keystone; none, with a fault, where it is too little.
pub(super) fn keystone(settings: &mut Settings) -> Option<Keystone> {
    let section = settings.text(GROUP, "auth_section").unwrap_or_else(|| GROUP.to_owned());
    settings.add_group(&section, options::LOGIN);
    let access = access(settings, GROUP, &section)?;
    let access = Access {
        interfaces: settings.text(GROUP, "interface").into_iter().collect(),
        timeout: seconds(settings, "http_connect_timeout"),
        connect_retries: settings.number(GROUP, "http_request_max_retries").unwrap_or(0),
        ..access
    };
    Some(Keystone {
        www_authenticate_uri: settings.text(GROUP, "www_authenticate_uri"),
        token_cache_time: seconds(settings, "token_cache_time"),
        revalidate_tokens: settings.flag("glint", "revalidate_tokens"),
        service_token_roles: settings.list(GROUP, "service_token_roles"),
        service_token_roles_required: settings.flag(GROUP, "service_token_roles_required"),
        service_type: settings.text(GROUP, "service_type"),
        ..Keystone::by(access)
    })
}

/// How Keystone is reached by the options of `group`, as whom those of `section` say; none, with a fault, where they do not.
pub(super) fn access(settings: &mut Settings, group: &str, section: &str) -> Option<Access> {
    let login = login(settings, section);
    let Some(auth_url) = settings.text(section, "auth_url") else {
        settings.fault(section, "auth_url", "it has to say where Keystone is");
        return None;
    };
    let mut path = |name: &str| settings.text(group, name).map(PathBuf::from);
    let (cafile, certfile, keyfile) = (path("cafile"), path("certfile"), path("keyfile"));
    Some(Access {
        region_name: settings.text(group, "region_name"),
        insecure: settings.flag(group, "insecure"),
        cafile,
        certfile,
        keyfile,
        ..Access::to(auth_url, login?)
    })
}

/// A time; none for less than a second.
fn seconds(settings: &mut Settings, name: &str) -> Option<Duration> {
    let seconds = settings.number::<i128>(GROUP, name).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// Who we are, by the way to log in that `auth_type` names.
fn login(settings: &mut Settings, section: &str) -> Option<Login> {
    match settings.text(section, "auth_type").as_deref().unwrap_or("password") {
        "password" | "v3password" => Some(Login::Password {
            user: needed_user(settings, section)?,
            password: secret(settings, section, "password")?,
            scope: scope(settings, section)?,
        }),
        "v3applicationcredential" => {
            let credential = match settings.text(section, "application_credential_id") {
                Some(id) => Credential::Id(id),
                None => Credential::Name {
                    name: needed(settings, section, "application_credential_name")?,
                    user: needed_user(settings, section)?,
                },
            };
            Some(Login::ApplicationCredential {
                credential,
                secret: secret(settings, section, "application_credential_secret")?,
            })
        }
        _ => {
            let text = "it has to be password, v3password or v3applicationcredential";
            settings.fault(section, "auth_type", text);
            None
        }
    }
}

fn needed_user(settings: &mut Settings, section: &str) -> Option<Named> {
    named(settings, section, "user_id", "username", "user").or_else(|| {
        settings.fault(
            section,
            "username",
            "it has to say who we are in Keystone, with user_domain_name or user_domain_id",
        );
        None
    })
}

fn scope(settings: &mut Settings, section: &str) -> Option<Scope> {
    if let Some(scope) = settings.text(section, "system_scope") {
        if scope != "all" {
            settings.fault(section, "system_scope", "it has to be all");
        }
        return Some(Scope::System);
    }
    if let Some(domain) = domain(settings, section, "domain") {
        return Some(Scope::Domain(domain));
    }
    let project = named(settings, section, "project_id", "project_name", "project").map(Scope::Project);
    if project.is_none() {
        let text = "it has to say for which project we log in, with project_domain_name or project_domain_id";
        settings.fault(section, "project_name", text);
    }
    project
}

/// A user or a project: by its id, or by its name and its domain, or the default one.
fn named(settings: &mut Settings, section: &str, id: &str, name: &str, what: &str) -> Option<Named> {
    if let Some(id) = settings.text(section, id) {
        return Some(Named::Id(id));
    }
    let name = settings.text(section, name)?;
    let domain = domain(settings, section, &format!("{what}_domain"));
    let domain = domain.or_else(|| self::domain(settings, section, "default_domain"))?;
    Some(Named::Name { name, domain })
}

fn domain(settings: &mut Settings, section: &str, what: &str) -> Option<Domain> {
    let id = settings.text(section, &format!("{what}_id")).map(Domain::Id);
    id.or_else(|| settings.text(section, &format!("{what}_name")).map(Domain::Name))
}

fn needed(settings: &mut Settings, section: &str, name: &str) -> Option<String> {
    let text = settings.text(section, name);
    if text.is_none() {
        settings.fault(section, name, "it is needed to log in to Keystone");
    }
    text
}

fn secret(settings: &mut Settings, section: &str, name: &str) -> Option<SecretString> {
    needed(settings, section, name).map(SecretString::from)
}
