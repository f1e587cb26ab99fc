//! The policy as the operator's files have it: read at the start, and again when a file has changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::config::PolicyFiles;
use crate::policy::file::{self, NotAPolicyFile};
use crate::policy::{InvalidRule, Policy, Settings};

/// The most files in one folder of policy files.
const FILES_MAX: usize = 1000;

/// The rules in force, and the files that they come from.
pub struct Rulebook {
    files: PolicyFiles,
    in_force: RwLock<Arc<Policy>>,
    /// What the files looked like when they were last read.
    seen: Mutex<Vec<Look>>,
}

/// Why the files make no policy.
#[derive(Debug, thiserror::Error)]
pub enum BadFiles {
    /// A file or folder cannot be read.
    #[error("policy file {}: {why}", .file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// What a file holds is no policy.
    #[error("policy file {}: {why}", .file.display())]
    NotAPolicy {
        /// Which.
        file: PathBuf,
        /// Why.
        why: NotAPolicyFile,
    },
    /// A folder holds too many files.
    #[error("policy folder {} has more than {FILES_MAX} files", .0.display())]
    TooMany(PathBuf),
    /// A rule is none.
    #[error(transparent)]
    Rule(#[from] InvalidRule),
    /// The thread that reads was lost.
    #[error("reading the policy files was cut off")]
    CutOff,
}

/// A file as it looks from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    file: PathBuf,
    /// When it was written, and its length.
    state: Option<(SystemTime, u64)>,
}

impl Rulebook {
    /// The policy that `files` make.
    ///
    /// # Errors
    /// When one of them cannot be read or is no policy. A `policy_file` or folder that is not there changes nothing.
    pub async fn open(files: &PolicyFiles) -> Result<Self, BadFiles> {
        let (policy, seen) = off_executor(files, read_all).await?;
        for problem in policy.problems() {
            tracing::warn!("policy: {problem}");
        }
        if let Some(json) = off_executor(files, |files| Ok(overlooked(files))).await? {
            let json = json.display();
            // compat: the reference passes over it in silence.
            tracing::warn!("policy file {json} is not read, because policy_file does not name it");
        }
        Ok(Self { files: files.clone(), in_force: RwLock::new(Arc::new(policy)), seen: Mutex::new(seen) })
    }

    /// The rules in force now.
    pub fn now(&self) -> Arc<Policy> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files, and reads them anew if one has changed: every request obeys them as they stand when it comes.
    /// Files that make no policy, or cannot be looked at, change nothing; the log says so once.
    pub async fn refresh(&self) {
        // Some microseconds in all: less than handing it to another thread would take. What goes wrong is said by the
        // reading.
        let looks = look_at_all(&self.files).unwrap_or_default();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == looks {
                return;
            }
            *seen = looks;
        }
        match off_executor(&self.files, read_all).await {
            Ok((policy, _)) => {
                for problem in policy.problems() {
                    tracing::warn!("policy: {problem}");
                }
                *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
                tracing::info!("policy files read anew");
            }
            Err(error) => tracing::error!("the rules stay as they were: {error}"),
        }
    }
}

/// The policy that `files` make, for those who do not serve.
///
/// # Errors
/// When one of them cannot be read or is no policy.
pub fn read(files: &PolicyFiles) -> Result<Policy, BadFiles> {
    read_all(files).map(|(policy, _)| policy)
}

async fn off_executor<T: Send + 'static>(
    files: &PolicyFiles,
    work: impl FnOnce(&PolicyFiles) -> Result<T, BadFiles> + Send + 'static,
) -> Result<T, BadFiles> {
    let files = files.clone();
    tokio::task::spawn_blocking(move || work(&files)).await.unwrap_or(Err(BadFiles::CutOff))
}

/// Looks first, so that what changes while it is read is seen the next time.
fn read_all(files: &PolicyFiles) -> Result<(Policy, Vec<Look>), BadFiles> {
    let looks = look_at_all(files)?;
    let mut overrides = Map::new();
    for look in looks.iter().filter(|look| look.state.is_some()) {
        overrides.extend(rules_of(&look.file)?);
    }
    let settings = Settings {
        enforce_new_defaults: files.enforce_new_defaults,
        policy_default_rule: files.policy_default_rule.clone(),
    };
    Ok((Policy::new(&settings, &overrides)?, looks))
}

fn rules_of(path: &Path) -> Result<Map<String, Value>, BadFiles> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        // It went between the look and the reading.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(why) => return Err(BadFiles::Unreadable { file: path.to_owned(), why }),
    };
    file::read(&text).map_err(|why| BadFiles::NotAPolicy { file: path.to_owned(), why })
}

/// Every file in the order in which they count: the policy file, then each folder's files by name.
fn look_at_all(files: &PolicyFiles) -> Result<Vec<Look>, BadFiles> {
    let mut looks: Vec<Look> = Vec::new();
    if let Some(file) = &files.policy_file {
        looks.push(look_at(file)?);
    }
    for folder in &files.policy_dirs {
        let mut inside = Vec::new();
        for file in files_in(folder)? {
            let look = look_at(&file)?;
            if look.state.is_some() {
                inside.push(look);
            }
        }
        inside.sort_by(|one, other| one.file.cmp(&other.file));
        looks.extend(inside);
    }
    Ok(looks)
}

fn look_at(file: &Path) -> Result<Look, BadFiles> {
    let state = match fs::metadata(file).and_then(|about| Ok((about.is_file(), about.modified()?, about.len()))) {
        Ok((true, written, length)) => Some((written, length)),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(why) => return Err(BadFiles::Unreadable { file: file.to_owned(), why }),
    };
    Ok(Look { file: file.to_owned(), state })
}

/// What is in `folder`, without what is hidden; nothing if there is no such folder.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, BadFiles> {
    let unreadable = |why| BadFiles::Unreadable { file: folder.to_owned(), why };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(unreadable(why)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        files.push(entry.path());
        if files.len() > FILES_MAX {
            return Err(BadFiles::TooMany(folder.to_owned()));
        }
    }
    Ok(files)
}

/// The `policy.json` of old beside a `policy_file` that is not there.
fn overlooked(files: &PolicyFiles) -> Option<PathBuf> {
    let file = files.policy_file.as_ref()?;
    let json = file.with_extension("json");
    (!file.exists() && json.exists()).then_some(json)
}
