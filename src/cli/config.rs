//! `glint config`: what the operator's files say, what is wrong with them, and a file to start from.

use std::fmt::Write;

use anyhow::bail;
use clap::{Args, Subcommand};

use crate::cli::config_files::{self, ConfigFiles};
use crate::cli::{say, serve};
use crate::config::operator::Operator;
use crate::config::options::{self, Opt, Standing};
use crate::config::remark::Place;

/// What stands in place of a secret.
const STARS: &str = "****";

/// Options of `glint config`.
#[derive(Debug, Args)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is wrong with the configuration, and what in it decides nothing. Ends with an error if it cannot be served.
    Check {
        #[command(flatten)]
        files: ConfigFiles,
    },

    /// Print every option with its value, and where that comes from. Secrets are stars.
    Show {
        #[command(flatten)]
        files: ConfigFiles,

        /// Only options that somebody gave a value.
        #[arg(long)]
        given: bool,
    },

    /// Print a file with every option in it, each with its default and what it decides, as remarks.
    Sample,
}

pub(super) fn run(options: &ConfigCommand) -> anyhow::Result<()> {
    match &options.command {
        Command::Check { files } => check(&read(files)?),
        Command::Show { files, given } => say(shown(&read(files)?, *given)?.trim()),
        Command::Sample => say(sample()?.trim_end()),
    }
}

fn read(files: &ConfigFiles) -> anyhow::Result<Operator> {
    match files.sources() {
        Some(sources) => config_files::read(sources),
        None => bail!("which configuration? Name files with --config-file"),
    }
}

fn check(operator: &Operator) -> anyhow::Result<()> {
    for remark in &operator.remarks {
        say(remark)?;
    }
    let config = &operator.config;
    let exposed =
        serve::check_exposure(&config.listener, &config.callers, operator.insecure_listen, operator.trust_callers);
    match exposed {
        Ok(()) => say("this configuration can be served"),
        Err(why) => say(format_args!("this configuration can be served, but not at its address by itself: {why}")),
    }
}

fn shown(operator: &Operator, only_given: bool) -> anyhow::Result<String> {
    let settings = &operator.settings;
    let mut shown = String::new();
    let mut in_group = None;
    for (group, option) in settings.options() {
        let (name, place) = (option.name, settings.place(group, option.name));
        if only_given && place == Place::Nowhere {
            continue;
        }
        if in_group.replace(group) != Some(group) {
            write!(shown, "\n[{group}]\n")?;
        }
        if place != Place::Nowhere {
            writeln!(shown, "# {place}")?;
        }
        // Reading has looked at all that is heeded; the rest may be as wrong as it likes.
        let value = settings.look_up(group, name).unwrap_or_else(|_| option.default_value());
        let lines = value.written(option.kind);
        if lines.is_empty() {
            writeln!(shown, "# {name} is not set")?;
        }
        for line in lines {
            let line = if option.secret { STARS } else { &line };
            writeln!(shown, "{}", format!("{name} = {line}").trim_end())?;
        }
    }
    Ok(shown)
}

fn sample() -> anyhow::Result<String> {
    let mut sample = String::from(
        "# Every option of the Image service that Glint knows, with its default. Remove the # to change one.\n",
    );
    let mut last = "";
    for group in options::groups() {
        if group.name != last {
            write!(sample, "\n[{}]\n", group.name)?;
        }
        last = group.name;
        explain(&mut sample, group.name, group.options)?;
    }
    for driver in ["file", "http"] {
        write!(sample, "\n[name-of-a-store-of-type-{driver}]\n")?;
        for table in options::of_driver(driver).into_iter().flatten() {
            explain(&mut sample, driver, table)?;
        }
    }
    Ok(sample)
}

fn explain(sample: &mut String, group: &str, options: &[Opt]) -> anyhow::Result<()> {
    for option in options {
        write!(sample, "\n# {}\n", option.help)?;
        match option.standing {
            Standing::Obeyed => {}
            Standing::Deprecated(why) => writeln!(sample, "# Deprecated: {why}.")?,
            Standing::Idle(why) | Standing::Awaited(why) => writeln!(sample, "# Decides nothing: {why}.")?,
            Standing::Refused(why) => writeln!(sample, "# Refused, but for the default: {why}.")?,
        }
        for (group, once) in option.once_in(group) {
            writeln!(sample, "# Once [{group}] {once}.")?;
        }
        writeln!(sample, "#{}", format!("{} = {}", option.name, option.default.unwrap_or_default()).trim_end())?;
    }
    Ok(())
}
