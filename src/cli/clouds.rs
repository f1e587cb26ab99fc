//! `clouds.yaml`: what the `openstack` command and every SDK read to find a cloud and log in.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::auth::standalone::{Account, FirstAccounts};

/// Writes `file` with one cloud for each of the first accounts: `glint` for the user, `glint-admin` for the
/// administrator. Only the owner of the file may read it.
pub(super) fn write(file: &Path, url: &str, accounts: &FirstAccounts) -> anyhow::Result<()> {
    let text =
        format!("clouds:\n{}{}", cloud("glint", url, &accounts.demo), cloud("glint-admin", url, &accounts.admin));
    let in_file = || format!("cannot write {}", file.display());
    let mut open =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(file).with_context(in_file)?;
    open.write_all(text.as_bytes()).with_context(in_file)?;
    open.sync_all().with_context(in_file)
}

fn cloud(name: &str, url: &str, account: &Account) -> String {
    format!(
        "  {name}:
    auth:
      auth_url: {url}/identity/v3
      username: {user}
      password: {password}
      project_name: {project}
      user_domain_id: default
      project_domain_id: default
    region_name: RegionOne
    identity_api_version: 3
",
        user = account.user,
        password = account.password,
        project = account.project,
    )
}
