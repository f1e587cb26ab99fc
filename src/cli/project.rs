//! `glint project`: the projects that own images. It works on the data directory, also while the service runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::user::{table, with_identity};

/// Options of `glint project`.
#[derive(Debug, Args)]
pub(super) struct Project {
    /// Where the service keeps everything [default: glint-data in the XDG state directory].
    #[arg(long, value_name = "FOLDER", global = true)]
    data_dir: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a project. Nobody has a role in it yet: see `glint user grant`.
    Add {
        /// Name of the project.
        name: String,
    },

    /// List projects.
    List,
}

pub(super) fn run(options: &Project) -> anyhow::Result<()> {
    with_identity(options.data_dir.as_deref(), async |identity| match &options.command {
        Command::Add { name } => {
            identity.add_project(name).await?;
            Ok(())
        }
        Command::List => {
            let projects = identity.projects().await?;
            let rows = projects.into_iter().map(|project| [project.name, project.id]);
            table(["NAME", "ID"], rows)
        }
    })
}
