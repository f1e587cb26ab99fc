//! The command line: one file a command. Called as `glance-manage`, the program is that.

mod clouds;
mod config;
mod config_files;
mod data_dir;
mod database;
mod manage;
mod metadefs;
mod policy;
mod project;
mod prompt;
mod serve;
mod user;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The OpenStack Image service.
#[derive(Debug, Parser)]
#[command(name = "glint", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the Image API; with no options, stand-alone on 127.0.0.1:9292.
    Serve(serve::Serve),
    /// Look at configuration files: what they say, and what is wrong with them.
    Config(config::ConfigCommand),
    /// Manage the database: its schema, rows that were deleted long ago, and metadata definitions.
    Db(database::DbCommand),
    /// Look at the policy: who may do what.
    Policy(policy::PolicyCommand),
    /// Manage the users of a stand-alone service.
    User(user::User),
    /// Manage the projects of a stand-alone service.
    Project(project::Project),
}

/// Runs the command that the command line names.
pub fn run() -> ExitCode {
    let called = std::env::args_os().next().map(PathBuf::from);
    let is_manage = called.as_deref().and_then(Path::file_name).is_some_and(|name| name == manage::NAME);
    let done = if is_manage { manage::run() } else { perform(Cli::parse().command) };
    done.unwrap_or_else(|error| {
        let name = if is_manage { manage::NAME } else { "glint" };
        // Nothing is left to tell it to when standard error is gone.
        let _ = writeln!(std::io::stderr(), "{name}: {error:#}");
        ExitCode::FAILURE
    })
}

fn perform(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(serve) => serve::run(&serve)?,
        Command::Config(config) => config::run(&config)?,
        Command::Db(db) => return database::run(&db),
        Command::Policy(policy) => policy::run(&policy)?,
        Command::User(user) => user::run(&user)?,
        Command::Project(project) => project::run(&project)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a line for the person at the terminal, or for the program that reads it.
fn say(line: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}
