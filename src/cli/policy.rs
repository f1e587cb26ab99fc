//! `glint policy`: the rules in force, a file to start from, and why a rule says yes or no.

use std::borrow::Cow;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};

use crate::app::rulebook;
use crate::cli::say;
use crate::config::PolicyFiles;
use crate::model::identity::Identity;
use crate::policy::{Policy, Target, sample};

/// Options of `glint policy`.
#[derive(Debug, Args)]
pub(super) struct PolicyCommand {
    /// The policy file, in YAML or JSON.
    #[arg(long, value_name = "FILE", global = true)]
    policy_file: Option<PathBuf>,

    /// A folder of policy files that are read after it. May be repeated.
    #[arg(long, value_name = "FOLDER", global = true)]
    policy_dir: Vec<PathBuf>,

    /// Let the old default of a rule suffice, too (`enforce_new_defaults = false`).
    #[arg(long, global = true)]
    old_defaults: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every rule as it stands, and what cannot work about them.
    List,

    /// Print a policy file with every default in it, as remarks.
    Sample,

    /// Ask one rule, and say why it allows or denies. Ends with an error if it denies.
    Check(Question),
}

#[derive(Debug, Args)]
struct Question {
    /// Name of the rule.
    rule: String,

    /// A role of the caller. May be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,

    /// The project that the caller's token is for.
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,

    /// The caller.
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// The caller's token is for the whole system.
    #[arg(long, conflicts_with = "project")]
    system: bool,

    /// Something of the image or other thing that it is about, such as `project_id=p1`. May be repeated.
    #[arg(long = "target", value_name = "KEY=VALUE", value_parser = key_and_value)]
    target: Vec<(String, String)>,
}

pub(super) fn run(options: &PolicyCommand) -> anyhow::Result<()> {
    let files = PolicyFiles {
        policy_file: options.policy_file.clone(),
        policy_dirs: options.policy_dir.clone(),
        enforce_new_defaults: !options.old_defaults,
        ..PolicyFiles::default()
    };
    for file in files.policy_file.iter().chain(&files.policy_dirs) {
        if !file.exists() {
            bail!("there is no {}", file.display());
        }
    }
    match &options.command {
        Command::List => list(&rulebook::read(&files)?),
        Command::Sample => say(sample().trim_end()),
        Command::Check(question) => check(&rulebook::read(&files)?, question),
    }
}

fn list(policy: &Policy) -> anyhow::Result<()> {
    for (name, check) in policy.rules() {
        say(format_args!("{name}: {check}"))?;
    }
    for problem in policy.problems() {
        say(format_args!("# {problem}"))?;
    }
    Ok(())
}

fn check(policy: &Policy, question: &Question) -> anyhow::Result<()> {
    let caller = Identity {
        user_id: question.user.clone(),
        project_id: question.project.clone(),
        system_scope: question.system.then(|| "all".to_owned()),
        roles: question.roles.clone(),
        ..Identity::default()
    };
    let explanation = policy.explain(&question.rule, &caller, &Values(&question.target));
    say(explanation.to_string().trim_end())?;
    if explanation.allowed { Ok(()) } else { bail!("rule {} denies it", question.rule) }
}

/// What was said about the target.
struct Values<'a>(&'a [(String, String)]);

impl Target for Values<'_> {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.into())
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has the form KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
