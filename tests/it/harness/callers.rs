//! The callers of the tests: who they are and how they say so.

/// Somebody who sends requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What the tests call them.
    pub name: &'static str,
    pub project: Option<&'static str>,
    pub roles: &'static str,
}

pub const ANONYMOUS: Caller = Caller { name: "anonymous", project: None, roles: "" };
pub const READER: Caller = Caller { name: "reader", project: Some("p1"), roles: "reader" };
pub const MEMBER: Caller = Caller { name: "member", project: Some("p1"), roles: "member,reader" };
pub const ADMIN: Caller = Caller { name: "admin", project: Some("adm"), roles: "admin,manager,member,reader" };
pub const OTHER: Caller = Caller { name: "other", project: Some("p2"), roles: "member,reader" };

impl Caller {
    /// The headers that a proxy in front would add for them.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let Some(project) = self.project else { return Vec::new() };
        vec![
            ("x-identity-status", "Confirmed".to_owned()),
            ("x-user-id", format!("user-{}", self.name)),
            ("x-project-id", project.to_owned()),
            ("x-roles", self.roles.to_owned()),
        ]
    }
}
