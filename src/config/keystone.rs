//! Keystone as the operator describes it: where it is, who we are there, and how long its word counts.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Where tokens are checked, and how.
#[derive(Clone, Debug)]
pub struct Keystone {
    /// How Keystone is reached.
    pub access: Access,
    /// Where clients are told to get a token; `auth_url` if it is not given.
    pub www_authenticate_uri: Option<String>,
    /// How long an answer is believed; none for not at all.
    pub token_cache_time: Option<Duration>,
    /// Whether it is asked all the same when a request is to change something.
    pub revalidate_tokens: bool,
    /// The roles that make a service of somebody: any of them.
    pub service_token_roles: Vec<String>,
    /// Whether a service token without such a role counts for nothing.
    pub service_token_roles_required: bool,
    /// What we are in the catalogue: needed for application credentials with access rules.
    pub service_type: Option<String>,
}

/// How Keystone is reached, and as whom.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where we log in.
    pub auth_url: String,
    /// Who we are there.
    pub login: Login,
    /// Which of Keystone's endpoints in the catalogue are ours to ask: the first of these that there is.
    pub interfaces: Vec<String>,
    /// In which region; any, if it is not given.
    pub region_name: Option<String>,
    /// The endpoint, whatever the catalogue says.
    pub endpoint_override: Option<String>,
    /// Certificates to trust, where they are not the system's.
    pub cafile: Option<PathBuf>,
    /// Our own certificate, where Keystone wants one.
    pub certfile: Option<PathBuf>,
    /// The key of `certfile`, where it is not in the same file.
    pub keyfile: Option<PathBuf>,
    /// Whether any certificate will do.
    pub insecure: bool,
    /// How long Keystone may take to answer; a limit of ours, if it is not given.
    pub timeout: Option<Duration>,
    /// How often to try again to connect.
    pub connect_retries: u32,
}

/// Which limits of Keystone's hold, and how it is asked for them (group `oslo_limit`).
#[derive(Clone, Debug)]
pub struct Limits {
    /// How Keystone is reached.
    pub access: Access,
    /// The endpoint that they are for.
    pub endpoint: LimitedEndpoint,
    /// How long an answer is believed.
    pub keep: Duration,
}

/// The endpoint whose service and region have limits.
#[derive(Clone, Debug)]
pub enum LimitedEndpoint {
    /// The one with this id.
    Id(String),
    /// The only one that fits.
    Found {
        /// The name of its service.
        service_name: Option<String>,
        /// The type of its service.
        service_type: Option<String>,
        /// Its region; any, if it is not given.
        region: Option<String>,
        /// Its interface.
        interface: String,
    },
}

/// How we log in (`auth_type`).
#[derive(Clone, Debug)]
pub enum Login {
    /// As a user (`password`, `v3password`).
    Password {
        /// Which user.
        user: Named,
        /// The user's password.
        password: SecretString,
        /// What the token is to be for.
        scope: Scope,
    },
    /// With an application credential (`v3applicationcredential`).
    ApplicationCredential {
        /// Which one.
        credential: Credential,
        /// Its secret.
        secret: SecretString,
    },
}

/// Which application credential.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The one with this id.
    Id(String),
    /// The one of this name that belongs to `user`.
    Name {
        /// Its name.
        name: String,
        /// Whose it is.
        user: Named,
    },
}

/// A user or a project.
#[derive(Clone, Debug)]
pub enum Named {
    /// The one with this id.
    Id(String),
    /// The one of this name in `domain`.
    Name {
        /// Its name.
        name: String,
        /// Where that is its name.
        domain: Domain,
    },
}

/// A domain.
#[derive(Clone, Debug)]
pub enum Domain {
    /// The one with this id.
    Id(String),
    /// The one of this name.
    Name(String),
}

/// What a token is for.
#[derive(Clone, Debug)]
pub enum Scope {
    /// A project.
    Project(Named),
    /// A domain.
    Domain(Domain),
    /// The whole system.
    System,
}

impl Keystone {
    /// The Keystone that `access` reaches, with the reference's defaults for everything else.
    pub fn by(access: Access) -> Self {
        Self {
            access,
            www_authenticate_uri: None,
            token_cache_time: Some(Duration::from_mins(5)),
            revalidate_tokens: false,
            service_token_roles: vec!["service".into()],
            service_token_roles_required: true,
            service_type: None,
        }
    }
}

impl Access {
    /// The Keystone at `auth_url`, with the defaults of `auth_token` for everything else.
    pub fn to(auth_url: String, login: Login) -> Self {
        Self {
            auth_url,
            login,
            interfaces: vec!["internal".into()],
            region_name: None,
            endpoint_override: None,
            cafile: None,
            certfile: None,
            keyfile: None,
            insecure: false,
            timeout: None,
            connect_retries: 3,
        }
    }
}
