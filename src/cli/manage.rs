//! `glance-manage`: what the program is when it is called by this name, so that scripts and tools for the reference go on
//! working.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{CommandFactory, Parser, Subcommand};

use crate::cli::config_files::{self, ConfigFiles};
use crate::cli::database::{self, Action};
use crate::cli::metadefs::{Export, Load};
use crate::cli::say;

/// The name.
pub(super) const NAME: &str = "glance-manage";

/// What the reference reads when no file is named.
const USUAL_FILES: [&str; 3] = ["glance", "glance-api", "glance-manage"];

/// Manage the database of the OpenStack Image service.
#[derive(Debug, Parser)]
#[command(name = NAME, version, long_about = None)]
struct Manage {
    #[command(flatten)]
    config_files: ConfigFiles,

    /// Not looked at: there is one way to log.
    #[arg(long, short, hide = true)]
    debug: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case")]
enum Command {
    /// Manage the database.
    Db {
        #[command(subcommand)]
        action: Option<Action>,
    },
    #[command(hide = true)]
    DbVersion,
    #[command(hide = true)]
    DbCheck,
    #[command(hide = true)]
    DbUpgrade { version: Option<String> },
    #[command(hide = true)]
    DbSync { version: Option<String> },
    #[command(hide = true)]
    DbExpand,
    #[command(hide = true)]
    DbMigrate,
    #[command(hide = true)]
    DbContract,
    #[command(hide = true)]
    DbLoadMetadefs {
        path: Option<PathBuf>,
        merge: Option<String>,
        prefer_new: Option<String>,
        overwrite: Option<String>,
    },
    #[command(hide = true)]
    DbUnloadMetadefs,
    #[command(hide = true)]
    DbExportMetadefs { path: Option<PathBuf> },
}

/// Runs it.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let manage = Manage::parse();
    let action = match manage.command {
        None => return explained("Available categories:\n\tdb"),
        Some(Command::Db { action: None }) => return explained(&format!("Available actions for 'db':{}", actions())),
        Some(Command::Db { action: Some(action) }) => action,
        Some(Command::DbVersion) => Action::Version,
        Some(Command::DbCheck) => Action::Check,
        Some(Command::DbUpgrade { version }) => Action::Upgrade { version: version.unwrap_or_else(|| "heads".into()) },
        Some(Command::DbSync { version }) => Action::Sync { version },
        Some(Command::DbExpand) => Action::Expand,
        Some(Command::DbMigrate) => Action::Migrate,
        Some(Command::DbContract) => Action::Contract,
        Some(Command::DbLoadMetadefs { path, merge, prefer_new, overwrite }) => {
            // An argument that has anything in it is a yes.
            let [merge, prefer_new, overwrite] =
                [merge, prefer_new, overwrite].map(|said| said.is_some_and(|said| !said.is_empty()));
            Action::LoadMetadefs(Load { path, merge, prefer_new, overwrite })
        }
        Some(Command::DbUnloadMetadefs) => Action::UnloadMetadefs,
        Some(Command::DbExportMetadefs { path }) => Action::ExportMetadefs(Export { path }),
    };
    let Some(sources) = manage.config_files.sources_or_usual(&USUAL_FILES) else {
        bail!("which configuration? There is none in the usual places: name files with --config-file");
    };
    database::perform(&action, &config_files::read_records(sources)?)
}

/// What there is, for who did not say what to do: as the reference ends then.
fn explained(what: &str) -> anyhow::Result<ExitCode> {
    say(format_args!("{what}"))?;
    Ok(ExitCode::from(2))
}

fn actions() -> String {
    let mut manage = Manage::command();
    let db = manage.find_subcommand_mut("db");
    let actions = db.into_iter().flat_map(|db| db.get_subcommands());
    let told = actions.map(|one| {
        format!("\n\t{} - {}", one.get_name(), one.get_about().map(ToString::to_string).unwrap_or_default())
    });
    told.collect()
}
