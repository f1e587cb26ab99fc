//! `glint user`: who may use the service, and as what. It works on the data directory, also while the service runs.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use crate::auth::standalone::{Standalone, generated_password};
use crate::cli::{data_dir, prompt, say};
use crate::clock::Clock;
use crate::config::BuiltInIdentity;
use crate::model::account::Role;

/// Options of `glint user`.
#[derive(Debug, Args)]
pub(super) struct User {
    /// Where the service keeps everything [default: glint-data in the XDG state directory].
    #[arg(long, value_name = "FOLDER", global = true)]
    data_dir: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a user. The password is asked for, or read from standard input.
    Add {
        /// Name of the user.
        name: String,

        /// Project that the user works in.
        #[arg(long, value_name = "PROJECT")]
        project: Option<String>,

        /// Role in the project: admin, manager, member, reader or service [default: member]. May be repeated.
        #[arg(long = "role", value_name = "ROLE", requires = "project")]
        roles: Vec<Role>,

        /// Choose a password and print it.
        #[arg(long)]
        generate: bool,
    },

    /// List users and their roles.
    List,

    /// Give a user a new password, which is asked for or read from standard input. Ends what the user is logged in to.
    Passwd {
        /// Name of the user.
        name: String,

        /// Choose a password and print it.
        #[arg(long)]
        generate: bool,
    },

    /// Give a user a role in a project.
    Grant(Grant),

    /// Take a role in a project from a user, and with it tokens and application credentials for that project.
    Revoke(Grant),

    /// Remove a user, with its roles, tokens and application credentials. Images stay with their projects.
    Remove {
        /// Name of the user.
        name: String,
    },
}

#[derive(Debug, Args)]
struct Grant {
    /// Name of the user.
    name: String,

    /// The project.
    #[arg(long, value_name = "PROJECT")]
    project: String,

    /// The role: admin, manager, member, reader or service.
    #[arg(long, value_name = "ROLE")]
    role: Role,
}

pub(super) fn run(options: &User) -> anyhow::Result<()> {
    with_identity(options.data_dir.as_deref(), async |identity| match &options.command {
        Command::Add { name, project, roles, generate } => {
            add(identity, name, project.as_deref(), roles, *generate).await
        }
        Command::List => list(identity).await,
        Command::Passwd { name, generate } => {
            identity.user_named(name).await?;
            let password = password(*generate)?;
            identity.set_password(name, &password).await?;
            show(&password, *generate)
        }
        Command::Grant(Grant { name, project, role }) => Ok(identity.grant(name, project, *role).await?),
        Command::Revoke(Grant { name, project, role }) => Ok(identity.withdraw(name, project, *role).await?),
        Command::Remove { name } => Ok(identity.remove_user(name).await?),
    })
}

/// Runs `work` with the identity of the service in `data_dir`. The service need not run, and may.
pub(super) fn with_identity<T>(
    data_dir: Option<&Path>,
    work: impl AsyncFnOnce(&Standalone) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let folder = data_dir::located(data_dir)?;
    let file = data_dir::database(&folder);
    let is_there = file.try_exists();
    if !is_there.with_context(|| format!("cannot look into {}", folder.display()))? {
        bail!("there is no service in {}; `glint serve` makes one", folder.display());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let identity = Standalone::open(&file, Clock::default(), BuiltInIdentity::default())
            .await
            .with_context(|| format!("cannot open {}", file.display()))?;
        let done = work(&identity).await;
        identity.close().await;
        done
    })
}

async fn add(
    identity: &Standalone,
    name: &str,
    project: Option<&str>,
    roles: &[Role],
    generate: bool,
) -> anyhow::Result<()> {
    let roles = if roles.is_empty() { &[Role::Member] } else { roles };
    let assignments: Vec<(String, Role)> =
        project.iter().flat_map(|project| roles.iter().map(|role| ((*project).to_owned(), *role))).collect();
    let password = password(generate)?;
    identity.add_user(name, &password, &assignments).await?;
    show(&password, generate)
}

async fn list(identity: &Standalone) -> anyhow::Result<()> {
    let assignments = identity.assignments(None, None).await?;
    let rows = identity.users().await?.into_iter().map(|user| {
        let theirs = assignments.iter().filter(|assignment| assignment.user.id == user.id);
        let roles: Vec<String> = theirs.map(|one| format!("{} in {}", one.role, one.project.name)).collect();
        [user.name, user.id, roles.join(", ")]
    });
    table(["NAME", "ID", "ROLES"], rows)
}

fn password(generate: bool) -> anyhow::Result<SecretString> {
    if generate { Ok(generated_password()) } else { prompt::new_password() }
}

/// Shows a password that the person does not know yet.
fn show(password: &SecretString, generated: bool) -> anyhow::Result<()> {
    if generated { say(password.expose_secret()) } else { Ok(()) }
}

/// Prints rows in columns as wide as what stands in them.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> anyhow::Result<()> {
    let rows: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            write!(line, "{cell:width$}  ")?;
        }
        say(line.trim_end())?;
    }
    Ok(())
}
