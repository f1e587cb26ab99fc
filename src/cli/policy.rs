//! `glint policy`: the rules in force, a file to start from, and why a rule says yes or no.

use std::borrow::Cow;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::app::rulebook;
use crate::cli::config_files::{self, ConfigFiles};
use crate::cli::say;
use crate::config::PolicyFiles;
use crate::model::identity::Identity;
use crate::policy::{Policy, Target, sample};

/// Options of `glint policy`.
#[derive(Debug, Args)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every rule as it stands, and what cannot work about them.
    List {
        #[command(flatten)]
        files: Files,
    },

    /// Print a policy file with every default in it, as remarks.
    Sample,

    /// Ask one rule, and say why it allows or denies. Ends with an error if it denies.
    Check {
        #[command(flatten)]
        files: Files,

        #[command(flatten)]
        question: Question,
    },
}

/// Which rules.
#[derive(Debug, Args)]
struct Files {
    #[command(flatten)]
    config: ConfigFiles,

    /// The policy file, in YAML or JSON, in place of the one that the configuration names.
    #[arg(long, value_name = "FILE")]
    policy_file: Option<PathBuf>,

    /// A folder of policy files that are read after it, in place of those that the configuration names. May be repeated.
    #[arg(long, value_name = "FOLDER")]
    policy_dir: Vec<PathBuf>,

    /// Let the old default of a rule suffice, too (`enforce_new_defaults = false`).
    #[arg(long)]
    old_defaults: bool,
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
    match &options.command {
        Command::List { files } => list(&policy(files)?),
        Command::Sample => say(sample().trim_end()),
        Command::Check { files, question } => check(&policy(files)?, question),
    }
}

/// The rules as the configuration, and what is named beside it, makes them.
fn policy(files: &Files) -> anyhow::Result<Policy> {
    let mut wanted = match files.config.sources() {
        Some(sources) => config_files::read(sources)?.config.policy,
        None => PolicyFiles::default(),
    };
    for path in files.policy_file.iter().chain(&files.policy_dir) {
        if !path.exists() {
            bail!("there is no {}", path.display());
        }
    }
    if files.policy_file.is_some() {
        wanted.policy_file.clone_from(&files.policy_file);
    }
    if !files.policy_dir.is_empty() {
        wanted.policy_dirs.clone_from(&files.policy_dir);
    }
    wanted.enforce_new_defaults &= !files.old_defaults;
    Ok(rulebook::read(&wanted)?)
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

    fn values(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has the form KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
