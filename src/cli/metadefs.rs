//! `glint db load_metadefs`, `unload_metadefs`, `export_metadefs`: the catalogue of metadata definitions from and to files.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use crate::catalogue::{file, predefined};
use crate::cli::say;
use crate::clock::{Clock, Timestamp};
use crate::db::Db;
use crate::db::metadefs::loading::{self, Existing};
use crate::db::metadefs::namespaces;
use crate::model::metadef::{Contents, Namespace};

/// What is loaded, and what becomes of what is there.
#[derive(Clone, Debug, Args)]
pub(super) struct Load {
    /// A file of definitions, or a folder with such files [default: `metadata_source_path`, or what is built in].
    #[arg(long, value_name = "PATH")]
    pub(super) path: Option<PathBuf>,

    /// Add what a namespace lacks that is there already. Without this, such a namespace stays as it is.
    #[arg(long)]
    pub(super) merge: bool,

    /// Beside --merge: what is there already takes the form that it has in the file.
    #[arg(long = "prefer_new", alias = "prefer-new")]
    pub(super) prefer_new: bool,

    /// Beside --merge: take a namespace that is there already out first.
    #[arg(long)]
    pub(super) overwrite: bool,
}

/// Where the catalogue goes.
#[derive(Clone, Debug, Args)]
pub(super) struct Export {
    /// The folder for the files [default: `metadata_source_path`].
    #[arg(long, value_name = "FOLDER")]
    pub(super) path: Option<PathBuf>,
}

/// Loads what `options` name, or else what is at `usual`, or else what is built in.
pub(super) async fn load(db: &Db, options: &Load, usual: Option<&Path>) -> anyhow::Result<()> {
    let existing = match (options.merge, options.prefer_new, options.overwrite) {
        (false, false, false) => Existing::Kept,
        (true, false, false) => Existing::Completed,
        (true, true, false) => Existing::Renewed,
        (true, false, true) => Existing::Replaced,
        (false, ..) => {
            bail!("To use --prefer_new or --overwrite you need to combine of these options with --merge option.")
        }
        (true, true, true) => {
            bail!("Please provide no more than one option from this list: --prefer_new, --overwrite")
        }
    };
    let now = Clock::default().now();
    let definitions = match options.path.as_deref().or(usual) {
        Some(path) => read(path, now)?,
        None => predefined::definitions(now).map_err(anyhow::Error::msg)?,
    };
    let loaded = loading::load(db, &definitions, existing, now).await?;
    for name in &loaded.kept {
        say(format_args!("left as it is, for it is there already: {name}"))?;
    }
    say(format_args!("namespaces loaded: {}", loaded.written.len()))
}

/// Takes all of it out.
pub(super) async fn unload(db: &Db) -> anyhow::Result<()> {
    Ok(loading::unload(db).await?)
}

/// Writes all of it into the folder that `options` name, or else to `usual`.
pub(super) async fn export(db: &Db, options: &Export, usual: Option<&Path>) -> anyhow::Result<()> {
    let Some(folder) = options.path.as_deref().or(usual) else { bail!("where to? Name a folder with --path") };
    let all = namespaces::all_whole(db).await?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut names = file::FileNames::default();
    for (namespace, contents) in &all {
        let path = folder.join(names.next(namespace) + ".json");
        write(&path, namespace, contents).with_context(|| format!("cannot write {}", path.display()))?;
    }
    say(format_args!("namespaces written to {}: {}", folder.display(), all.len()))
}

/// Every namespace that the file or folder at `path` defines.
///
/// # Errors
/// Everything that is wrong with the files.
fn read(path: &Path, now: Timestamp) -> anyhow::Result<Vec<(Namespace, Contents)>> {
    let (mut definitions, mut faults) = (Vec::new(), String::new());
    let mut places: HashMap<String, PathBuf> = HashMap::new();
    for path in files(path)? {
        let whole = match read_file(&path).and_then(|text| file::parse(&text, now)) {
            Ok(whole) => whole,
            Err(why) => {
                write!(faults, "\n  {}: {why}", path.display())?;
                continue;
            }
        };
        match places.insert(whole.0.namespace.clone(), path.clone()) {
            Some(other) => {
                write!(faults, "\n  {}: its namespace is that of {}, too", path.display(), other.display())?;
            }
            None => definitions.push(whole),
        }
    }
    if !faults.is_empty() {
        bail!("nothing is loaded, for there is something wrong:{faults}");
    }
    Ok(definitions)
}

/// The file at `path`, or the files with definitions in the folder there, by name.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shown = path.display();
    let found = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if !found.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {shown}"))? {
        let path = entry.with_context(|| format!("cannot read {shown}"))?.path();
        if path.extension().is_some_and(|kind| kind == "json") && path.is_file() {
            files.push(path);
        }
        if files.len() > file::FILES_MAX {
            bail!("there are more than {} files in {shown}", file::FILES_MAX);
        }
    }
    if files.is_empty() {
        bail!("there are no files with definitions in {shown}: their names end in .json");
    }
    files.sort();
    Ok(files)
}

#[expect(clippy::disallowed_methods, reason = "a command that does nothing else meanwhile")]
fn read_file(path: &Path) -> Result<String, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > file::FILE_MAX {
        return Err(format!("it is larger than {} bytes", file::FILE_MAX));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// Writes a file whole: one that was there stays until the new one is.
#[expect(clippy::disallowed_methods, reason = "a command that does nothing else meanwhile")]
fn write(path: &Path, namespace: &Namespace, contents: &Contents) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&file::written(namespace, contents))? + "\n";
    let draft = path.with_extension("json.new");
    fs::write(&draft, text)?;
    Ok(fs::rename(&draft, path)?)
}
