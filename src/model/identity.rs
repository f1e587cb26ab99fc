//! Who is calling: what a token says about its bearer, whoever issued it.

/// The bearer of a valid token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user_id: Option<String>,
    /// The project that the token is for; none for an unscoped token.
    pub project_id: Option<String>,
    /// The user's domain.
    pub user_domain_id: Option<String>,
    /// The project's domain.
    pub project_domain_id: Option<String>,
    /// `all` for a token that is for the whole system rather than a project.
    pub system_scope: Option<String>,
    /// The domain that the token is for, instead of a project.
    pub domain_id: Option<String>,
    /// Role names in lower case.
    pub roles: Vec<String>,
    /// Whether a deployment with an admin project says that this token is not for it.
    pub outside_admin_project: bool,
    /// The service that passes a user's request on, where it identified itself.
    pub service_user_id: Option<String>,
    /// That service's domain.
    pub service_user_domain_id: Option<String>,
    /// The project of that service's token.
    pub service_project_id: Option<String>,
    /// The domain of that project.
    pub service_project_domain_id: Option<String>,
    /// Role names of that service.
    pub service_roles: Vec<String>,
    /// Whether rule `context_is_admin` holds: sees and may change every image.
    pub is_admin: bool,
    /// Whether nothing may be changed: a caller without a token, where that is allowed.
    pub read_only: bool,
}

impl Identity {
    /// The service itself, at work for nobody in particular.
    pub fn service() -> Self {
        Self { is_admin: true, ..Self::default() }
    }

    /// Whether the caller owns what `owner` owns. Nobody owns what has no owner.
    pub fn owns(&self, owner: Option<&str>) -> bool {
        owner.is_some() && owner == self.project_id.as_deref()
    }
}
