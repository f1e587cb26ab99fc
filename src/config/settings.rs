//! The operator's files and environment, and the values that options have by them: oslo.config's rules of who wins, and
//! of values that refer to others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::ini::{self, Entry};
use super::options::{self, Opt};
use super::remark::{Place, Remark};
use super::value::{self, Kind, Value};

/// The most that is read of a configuration file, in bytes.
const FILE_MAX: u64 = 4 << 20;

/// Where to read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Files and folders, in the order in which they were named: the later wins.
    pub paths: Vec<Source>,
    /// The environment: `OS_<GROUP>__<OPTION>` wins over every file.
    pub environment: BTreeMap<String, String>,
}

/// A file, or a folder of files.
#[derive(Clone, Debug)]
pub enum Source {
    /// This file.
    File(PathBuf),
    /// Every `*.conf` in this folder, in the order of their names.
    Folder(PathBuf),
}

/// Everything that was read. Nothing of it is ever printed as it is: there are passwords in it.
pub struct Settings {
    sources: Sources,
    files: Vec<File>,
    /// What the paste file says about an option: it wins over everything.
    overrides: Vec<(&'static str, String, String, Place)>,
    /// Every group, under the name that it was given first, with its tables of options.
    groups: Vec<(String, Vec<&'static [Opt]>)>,
    /// What is wrong.
    pub(super) faults: Vec<Remark>,
}

/// A file as it was read.
pub(super) struct File {
    pub(super) path: Arc<Path>,
    pub(super) entries: Vec<Entry>,
}

/// A value that somebody gave.
struct Given {
    texts: Vec<String>,
    place: Place,
}

impl Settings {
    /// Reads `sources`. What is wrong with them is kept with the faults.
    pub fn read(sources: Sources) -> Self {
        let mut settings =
            Self { files: Vec::new(), overrides: Vec::new(), groups: Vec::new(), faults: Vec::new(), sources };
        for group in options::groups() {
            settings.add_group(group.name, group.options);
        }
        for source in settings.sources.paths.clone() {
            match source {
                Source::File(path) => settings.read_file(&path),
                Source::Folder(path) => settings.read_folder(&path),
            }
        }
        settings
    }

    /// What an option is, or what is wrong with it.
    pub fn look_up(&self, group: &str, name: &str) -> Result<Value, String> {
        self.resolve(group, name, &mut Vec::new())
    }

    /// What an option is. What is wrong with it is kept with the faults.
    pub fn value(&mut self, group: &str, name: &str) -> Value {
        match self.look_up(group, name) {
            Ok(value) => value,
            Err(why) => {
                self.fault(group, name, why);
                self.option(group, name).map_or(Value::Unset, Opt::default_value)
            }
        }
    }

    /// An option that is text; one that is empty is as good as none.
    pub fn text(&mut self, group: &str, name: &str) -> Option<String> {
        match self.value(group, name) {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// An option that is yes or no.
    pub fn flag(&mut self, group: &str, name: &str) -> bool {
        self.value(group, name) == Value::Flag(true)
    }

    /// An option that is a number.
    pub fn number<N: TryFrom<i128>>(&mut self, group: &str, name: &str) -> Option<N> {
        let Value::Number(number) = self.value(group, name) else { return None };
        let fitting = N::try_from(number).ok();
        if fitting.is_none() {
            self.fault(group, name, "it is out of range");
        }
        fitting
    }

    /// An option that is a time in seconds, which may have a fraction.
    pub fn seconds(&mut self, group: &str, name: &str) -> Option<Duration> {
        let Value::Real(seconds) = self.value(group, name) else { return None };
        let fitting = Duration::try_from_secs_f64(seconds).ok();
        if fitting.is_none() {
            self.fault(group, name, "it is out of range");
        }
        fitting
    }

    /// An option that is a list.
    pub fn list(&mut self, group: &str, name: &str) -> Vec<String> {
        match self.value(group, name) {
            Value::List(items) => items,
            _ => Vec::new(),
        }
    }

    /// An option that is a list of ports.
    pub fn ports(&mut self, group: &str, name: &str) -> Vec<u16> {
        match self.value(group, name) {
            Value::Ports(ports) => ports,
            _ => Vec::new(),
        }
    }

    /// An option that is made of pairs.
    pub fn map(&mut self, group: &str, name: &str) -> Vec<(String, String)> {
        match self.value(group, name) {
            Value::Map(pairs) => pairs,
            _ => Vec::new(),
        }
    }

    /// Whether somebody gave the option a value.
    pub fn is_given(&self, group: &str, name: &str) -> bool {
        self.option(group, name).is_some_and(|option| self.given(group, option).is_some())
    }

    /// What `work` makes of the settings, or what is wrong with them, which is no fault then: for what a service can be without.
    pub(super) fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, Vec<Remark>> {
        let before = self.faults.len();
        let made = work(self);
        let wrong = self.faults.split_off(before);
        made.filter(|_| wrong.is_empty()).ok_or(wrong)
    }

    /// Where an option got its value; nowhere if it has its default.
    pub fn place(&self, group: &str, name: &str) -> Place {
        let given = self.option(group, name).and_then(|option| self.given(group, option));
        given.map_or(Place::Nowhere, |given| given.place)
    }

    /// What is wrong with the files themselves, and with the values that were asked for.
    pub fn faults(&self) -> &[Remark] {
        &self.faults
    }

    /// Notes that something is wrong with an option.
    pub fn fault(&mut self, group: &str, name: &str, text: impl Into<String>) {
        let remark = Remark::about(self.place(group, name), group, name, text);
        if !self.faults.contains(&remark) {
            self.faults.push(remark);
        }
    }

    /// Gives an option a value that wins over everything.
    pub(super) fn set(&mut self, group: &'static str, name: &str, text: &str, place: Place) {
        self.overrides.push((group, name.to_owned(), text.to_owned(), place));
    }

    /// Says that there is a group of this name with these options.
    pub(super) fn add_group(&mut self, name: &str, options: &'static [Opt]) {
        match self.groups.iter_mut().find(|(known, _)| normal(known) == normal(name)) {
            Some((_, tables)) if tables.iter().any(|table| std::ptr::eq(*table, options)) => {}
            Some((_, tables)) => tables.push(options),
            None => self.groups.push((name.to_owned(), vec![options])),
        }
    }

    /// What the option of this name in this group is.
    pub(super) fn option(&self, group: &str, name: &str) -> Option<&'static Opt> {
        let group = normal(group);
        let (_, tables) = self.groups.iter().find(|(known, _)| normal(known) == group)?;
        tables.iter().flat_map(|table| table.iter()).find(|option| option.name == name)
    }

    /// Every option of every group that there is.
    pub fn options(&self) -> impl Iterator<Item = (&str, &'static Opt)> {
        self.groups.iter().flat_map(|(name, tables)| {
            tables.iter().flat_map(|table| table.iter()).map(move |option| (name.as_str(), option))
        })
    }

    /// Whether there is a group of this name.
    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups.iter().any(|(known, _)| normal(known) == normal(name))
    }

    pub(super) fn files(&self) -> &[File] {
        &self.files
    }

    /// Where a file is that an option names: `name` itself, or beside the configuration files, or in the usual places.
    pub fn find_file(&self, name: &str) -> Option<PathBuf> {
        self.search(name).find(|path| path.exists())
    }

    /// As `find_file`; a file that is nowhere is expected beside the last configuration file.
    pub fn place_of_file(&self, name: &str) -> PathBuf {
        self.find_file(name).or_else(|| self.search(name).next()).unwrap_or_else(|| name.into())
    }

    fn search(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let folders = self.sources.paths.iter().filter_map(|source| match source {
            Source::Folder(path) => Some(path.clone()),
            Source::File(_) => None,
        });
        let beside = self.sources.paths.iter().rev().filter_map(|source| match source {
            Source::File(path) => path.parent().map(Path::to_owned),
            Source::Folder(_) => None,
        });
        let home = self.sources.environment.get("HOME").map(PathBuf::from);
        let usual = home.map(|home| [home.join(".glance"), home]).into_iter().flatten();
        let usual = usual.chain([PathBuf::from("/etc/glance"), PathBuf::from("/etc")]);
        let name = name.to_owned();
        folders.chain(beside).chain(usual).map(move |folder| folder.join(&name))
    }

    /// The last configuration file that was named, whose name the paste file's is made of.
    pub fn last_file(&self) -> Option<&Path> {
        self.sources.paths.iter().rev().find_map(|source| match source {
            Source::File(path) => Some(path.as_path()),
            Source::Folder(_) => None,
        })
    }

    fn read_folder(&mut self, folder: &Path) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder, &error.to_string()),
        };
        let is_ours = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            name.ends_with(b".conf") && !name.starts_with(b".")
        };
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_ours).collect();
        files.sort();
        for file in files {
            self.read_file(&file);
        }
    }

    fn read_file(&mut self, path: &Path) {
        let text = match read_text(path) {
            Ok(text) => text,
            Err(why) => return self.unreadable(path, &why),
        };
        let path: Arc<Path> = path.into();
        match ini::parse(&text) {
            Ok(entries) => self.files.push(File { path, entries }),
            Err(faults) => self.faults.extend(
                faults.into_iter().map(|fault| Remark::new(Place::Line(Arc::clone(&path), fault.line), fault.text)),
            ),
        }
    }

    fn unreadable(&mut self, path: &Path, why: &str) {
        self.faults.push(Remark::new(Place::File(path.into()), format!("cannot be read: {why}")));
    }

    /// The value of an option; `asked` are the options whose values refer to it.
    fn resolve(&self, group: &str, name: &str, asked: &mut Vec<(String, &'static str)>) -> Result<Value, String> {
        let option = self.option(group, name).ok_or("there is no such option")?;
        let Some(given) = self.given(group, option) else {
            return Ok(option.default_value());
        };
        let here = (normal(group), option.name);
        if asked.contains(&here) {
            return Err("it refers to itself".into());
        }
        asked.push(here);
        let read = |text: &String, asked: &mut Vec<_>| {
            let text = substituted(text, |name| self.referred(group, name, asked))?;
            value::read(option.kind, &text)
        };
        let value = match (option.kind, given.texts.last()) {
            (Kind::Lines, _) => {
                let texts: Result<Vec<Value>, String> = given.texts.iter().map(|text| read(text, asked)).collect();
                Value::List(texts?.iter().map(Value::spelled).collect())
            }
            (_, Some(text)) => read(text, asked)?,
            (_, None) => option.default_value(),
        };
        asked.pop();
        Ok(value)
    }

    /// The text of another option, `name` or `group.name`, within a value of `group`.
    fn referred(&self, group: &str, name: &str, asked: &mut Vec<(String, &'static str)>) -> Result<String, String> {
        let found = match name.split_once('.') {
            Some((group, name)) => self.option(group, name).map(|option| (group, option)),
            None => self.option(group, name).map(|option| (group, option)),
        };
        let found = found.or_else(|| self.option("DEFAULT", name).map(|option| ("DEFAULT", option)));
        let (group, option) = found.ok_or_else(|| format!("it refers to ${name}, and there is no such option"))?;
        self.resolve(group, option.name, asked).map(|value| value.spelled())
    }

    /// What was given for an option: by the paste file, by the environment, or by the last file that has it.
    fn given(&self, group: &str, option: &Opt) -> Option<Given> {
        let set = self.overrides.iter().rev().find(|(in_group, name, ..)| *in_group == group && name == option.name);
        if let Some((_, _, text, place)) = set {
            return Some(Given { texts: vec![text.clone()], place: place.clone() });
        }
        let variable = format!("OS_{}__{}", group.to_uppercase(), option.name.to_uppercase());
        if let Some(text) = self.sources.environment.get(&variable) {
            return Some(Given { texts: vec![text.clone()], place: Place::Variable(variable) });
        }
        self.given_in_files(group, option)
    }

    fn given_in_files(&self, group: &str, option: &Opt) -> Option<Given> {
        let mut given: Option<Given> = None;
        for file in self.files.iter().rev() {
            for (in_group, name) in std::iter::once((group, option.name)).chain(option.once_in(group)) {
                let wanted = normal(in_group);
                let found: Vec<&Entry> =
                    file.entries.iter().filter(|entry| entry.key == name && normal(&entry.section) == wanted).collect();
                let Some(last) = found.last() else { continue };
                let texts = found.iter().map(|entry| entry.value.clone());
                let all = given.get_or_insert_with(|| Given {
                    texts: Vec::new(),
                    place: Place::Line(Arc::clone(&file.path), last.line),
                });
                all.texts = texts.chain(std::mem::take(&mut all.texts)).collect();
                if option.kind != Kind::Lines {
                    return given;
                }
            }
        }
        given
    }
}

/// The name of a group as it is compared: capitals do not count, but in `DEFAULT`.
pub(super) fn normal(group: &str) -> String {
    if group == "DEFAULT" { group.to_owned() } else { group.to_lowercase() }
}

/// The text of a configuration file.
#[expect(clippy::disallowed_methods, reason = "read at start, before there is an executor")]
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > FILE_MAX {
        return Err(format!("it is larger than {FILE_MAX} bytes"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// `text` with `$name`, `${name}` and `${group.name}` replaced by what `look_up` says, as Python's templates do it.
fn substituted(text: &str, mut look_up: impl FnMut(&str) -> Result<String, String>) -> Result<String, String> {
    let text = text.replace("\\$", "$$");
    let mut done = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('$') {
        done.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let braced = rest.strip_prefix('{').map(|inner| (inner, name_at_start(inner)));
        if let Some(after) = rest.strip_prefix('$') {
            done.push('$');
            rest = after;
        } else if let Some((inner, name)) = braced.filter(|(inner, name)| is_closed(inner, name)) {
            done.push_str(&look_up(name)?);
            rest = &inner[name.len() + 1..];
        } else {
            let name = name_at_start(rest);
            if name.is_empty() {
                done.push('$');
            } else {
                done.push_str(&look_up(name)?);
            }
            rest = &rest[name.len()..];
        }
    }
    done.push_str(rest);
    Ok(done)
}

fn is_closed(inner: &str, name: &str) -> bool {
    !name.is_empty() && inner[name.len()..].starts_with('}')
}

/// The name of an option that `text` begins with, dots and all.
fn name_at_start(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    let name = &text[..end];
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { name } else { "" }
}
