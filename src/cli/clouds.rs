//! `clouds.yaml`: what the `openstack` command and every SDK read to find a cloud and log in.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use secrecy::ExposeSecret;

use crate::auth::standalone::{Account, DOMAIN_ID, FirstAccounts, Standalone};

/// What stands at the top of the file.
const HEAD: &str = "\
# How to reach this Glint, and the passwords of its first users. Clouds: glint (user demo), glint-admin.
# `glint serve` wrote this when the service began. From then on the file is yours: at each start, only lines that end
# in \"# kept by glint\" are written anew, with the address of that time. Remove these words to keep a line as it is.
# `glint user passwd` changes passwords, but not here.
";
/// What a line ends in that we keep right.
const KEPT: &str = " # kept by glint";
/// Who may read the file when it is new: its owner.
const MODE: u32 = 0o600;

/// Makes the first accounts of a service that has none, with `file` to log in with; or else keeps the address in
/// `file`, if it is still there, right. The service is to be at `url`.
///
/// The file is there, and on the disk, before the accounts are: a start that is cut off in between leaves passwords of
/// nobody, and the next one begins again, while accounts without their passwords would be lost.
pub(super) async fn provide(file: &Path, url: &str, identity: &Standalone) -> anyhow::Result<()> {
    let Some(accounts) = identity.first_accounts().await? else {
        return keep_address(file, url);
    };
    set_aside(file)?;
    write(file, &text(url, &accounts), MODE)?;
    identity.make_first_accounts(&accounts).await.context("cannot make the first accounts")
}

/// Where a client on this machine connects to a service that listens at `address`.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Moves what an earlier service, or a first start that was cut off, left behind.
fn set_aside(file: &Path) -> anyhow::Result<()> {
    let old = file.with_extension("yaml.old");
    match fs::rename(file, &old) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot rename {} to {}", file.display(), old.display()))
        }
        _ => Ok(()),
    }
}

fn keep_address(file: &Path, url: &str) -> anyhow::Result<()> {
    let in_file = || format!("cannot read {}", file.display());
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        text => text.with_context(in_file)?,
    };
    let renewed: String = text.split_inclusive('\n').map(|line| renewed(line, url)).collect();
    if renewed == text {
        return Ok(());
    }
    let mode = fs::metadata(file).with_context(in_file)?.permissions().mode();
    write(file, &renewed, mode & 0o777)
}

/// `line` with the address that is right now, if we keep it.
fn renewed(line: &str, url: &str) -> String {
    let content = line.trim_end();
    match content.find("auth_url:") {
        Some(at) if content.ends_with(KEPT) => {
            let (indent, end) = (&content[..at], &line[content.len()..]);
            format!("{indent}{}{end}", auth_url(url))
        }
        _ => line.to_owned(),
    }
}

/// Writes `file` whole or not at all.
fn write(file: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let new = file.with_extension("yaml.new");
    let in_file = || format!("cannot write {}", new.display());
    let mut open =
        OpenOptions::new().create(true).write(true).truncate(true).mode(MODE).open(&new).with_context(in_file)?;
    open.set_permissions(Permissions::from_mode(mode)).with_context(in_file)?;
    open.write_all(text.as_bytes()).with_context(in_file)?;
    open.sync_all().with_context(in_file)?;
    fs::rename(&new, file).with_context(|| format!("cannot rename {} to {}", new.display(), file.display()))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let synced = OpenOptions::new().read(true).open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot make {} last", file.display()))
}

fn text(url: &str, accounts: &FirstAccounts) -> String {
    format!("{HEAD}clouds:\n{}{}", cloud("glint", url, &accounts.demo), cloud("glint-admin", url, &accounts.admin))
}

fn cloud(name: &str, url: &str, account: &Account) -> String {
    format!(
        "  {name}:
    auth:
      {auth_url}
      username: {user}
      password: '{password}'
      project_name: {project}
      user_domain_id: {DOMAIN_ID}
      project_domain_id: {DOMAIN_ID}
    region_name: RegionOne
    identity_api_version: 3
",
        auth_url = auth_url(url),
        user = account.user,
        password = account.password.expose_secret(),
        project = account.project,
    )
}

fn auth_url(url: &str) -> String {
    format!("auth_url: {url}/identity/v3{KEPT}")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests may block")]
mod tests;
