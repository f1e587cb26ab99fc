//! The command line: one file a command.

mod clouds;
mod config;
mod config_files;
mod data_dir;
mod policy;
mod project;
mod prompt;
mod serve;
mod user;

use std::io::Write;
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
    /// Look at the policy: who may do what.
    Policy(policy::PolicyCommand),
    /// Manage the users of a stand-alone service.
    User(user::User),
    /// Manage the projects of a stand-alone service.
    Project(project::Project),
}

/// Runs the command that the command line names.
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve::run(&serve),
        Command::Config(config) => config::run(&config),
        Command::Policy(policy) => policy::run(&policy),
        Command::User(user) => user::run(&user),
        Command::Project(project) => project::run(&project),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell it to when standard error is gone.
            let _ = writeln!(std::io::stderr(), "glint: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes a line for the person at the terminal, or for the program that reads it.
fn say(line: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}
