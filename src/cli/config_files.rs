//! The operator's configuration files: those that the command line names, or the folder that the environment does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use crate::config::Records;
use crate::config::operator::{self, Operator};
use crate::config::remark::Remark;
use crate::config::settings::{Source, Sources};

/// The variable that names a folder of configuration files, as for the reference.
const FOLDER: &str = "OS_GLANCE_CONFIG_DIR";
/// What is read in that folder, in this order; the first need not be there.
const OPTIONAL: &str = "glance-image-import.conf";
const NEEDED: &str = "glance-api.conf";

/// The ids of the options.
pub(super) const OPTIONS: [&str; 2] = [FILE_OPTION, FOLDER_OPTION];
const FILE_OPTION: &str = "config_file";
const FOLDER_OPTION: &str = "config_dir";

/// Files and folders in the order in which they were named: the later wins.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigFiles(Vec<Source>);

impl ConfigFiles {
    /// Where to read; what is in the usual places for programs with these names when neither command line nor environment
    /// names anything. None when there is nothing.
    pub(super) fn sources_or_usual(&self, names: &[&str]) -> Option<Sources> {
        self.sources().or_else(|| {
            let home = std::env::var_os("HOME").map(PathBuf::from);
            let paths = usual(names, home.as_deref());
            let sources = Sources { paths, environment: environment() };
            Some(sources).filter(|sources| !sources.paths.is_empty())
        })
    }

    /// Where to read; none when neither command line nor environment names anything.
    pub(super) fn sources(&self) -> Option<Sources> {
        let mut sources = Sources { paths: self.0.clone(), environment: environment() };
        let home = sources.environment.get("HOME").map(PathBuf::from);
        for source in &mut sources.paths {
            let (Source::File(path) | Source::Folder(path)) = source;
            if let (Ok(below), Some(home)) = (path.strip_prefix("~"), &home) {
                *path = home.join(below);
            }
        }
        if sources.paths.is_empty() {
            let folder =
                sources.environment.get(FOLDER).map(|folder| folder.trim()).filter(|folder| !folder.is_empty());
            sources.paths = in_folder(Path::new(folder?));
        }
        Some(sources)
    }
}

/// What is there of the files and folders that oslo.config reads for programs with these names: of each the first in the
/// usual places.
fn usual(names: &[&str], home: Option<&Path>) -> Vec<Source> {
    let homes = home.into_iter().flat_map(|home| [home.join(".glance"), home.to_owned()]);
    let places: Vec<PathBuf> = homes.chain(["/etc/glance".into(), "/etc".into()]).collect();
    let first = |name: String| places.iter().map(|place| place.join(&name)).find(|path| path.exists());
    let files = names.iter().filter_map(|name| first(format!("{name}.conf"))).map(Source::File);
    let folders = names.iter().filter_map(|name| first(format!("{name}.conf.d"))).map(Source::Folder);
    files.chain(folders).collect()
}

/// Reads the configuration.
///
/// # Errors
/// Everything that is wrong with it, in one list.
pub(super) fn read(sources: Sources) -> anyhow::Result<Operator> {
    match operator::read(sources) {
        Ok(operator) => Ok(operator),
        Err(faults) => bail!("this configuration cannot be served:{}", listed(&faults)),
    }
}

/// Reads where the database is, whatever else the configuration says.
///
/// # Errors
/// What is wrong with that.
pub(super) fn read_records(sources: Sources) -> anyhow::Result<Records> {
    match operator::read_records(sources) {
        Ok(records) => Ok(records),
        Err(faults) => bail!("this configuration does not say where the database is:{}", listed(&faults)),
    }
}

/// Each remark in a line of its own.
pub(super) fn listed(remarks: &[Remark]) -> String {
    remarks.iter().fold(String::new(), |all, remark| all + "\n  " + &remark.to_string())
}

fn environment() -> BTreeMap<String, String> {
    let texts = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(texts).collect()
}

fn in_folder(folder: &Path) -> Vec<Source> {
    let optional = Some(folder.join(OPTIONAL)).filter(|path| path.exists());
    optional.into_iter().chain([folder.join(NEEDED)]).map(Source::File).collect()
}

impl Args for ConfigFiles {
    fn augment_args(command: Command) -> Command {
        let of_path =
            |id: &'static str| Arg::new(id).global(true).action(ArgAction::Append).value_parser(value_parser!(PathBuf));
        command
            .arg(
                of_path(FILE_OPTION)
                    .long("config-file")
                    .value_name("FILE")
                    .help("Configuration file of an Image service. May be repeated: the later wins"),
            )
            .arg(
                of_path(FOLDER_OPTION)
                    .long("config-dir")
                    .value_name("FOLDER")
                    .help("Folder of configuration files: every *.conf in it, in the order of their names"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConfigFiles {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let named = |id: &str, source: fn(PathBuf) -> Source| {
            let places = matches.indices_of(id).into_iter().flatten();
            let paths = matches.get_many::<PathBuf>(id).into_iter().flatten().cloned();
            places.zip(paths.map(source)).collect::<Vec<_>>()
        };
        let mut all = named(FILE_OPTION, Source::File);
        all.extend(named(FOLDER_OPTION, Source::Folder));
        all.sort_by_key(|(place, _)| *place);
        Ok(Self(all.into_iter().map(|(_, source)| source).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
