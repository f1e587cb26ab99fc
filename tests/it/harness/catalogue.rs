//! The catalogue of a service that does not run, for `glint db` to work on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use glint::config::DATABASE_FILE;
use glint::db::Db;
use serde_json::Value;
use tempfile::TempDir;

/// A data directory, or a database on a server.
pub struct Catalogue {
    pub folder: TempDir,
    /// The configuration that names the server.
    pub config: Option<PathBuf>,
}

impl Catalogue {
    pub async fn new() -> Self {
        let catalogue = Self::nowhere();
        Db::open_sqlite(&catalogue.folder.path().join(DATABASE_FILE)).await.unwrap().close().await;
        catalogue
    }

    /// A data directory that has no database yet.
    pub fn nowhere() -> Self {
        Self { folder: TempDir::new().unwrap(), config: None }
    }

    /// Runs `glint db` with `arguments`: whether it succeeds, and what it says.
    pub fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut glint = Command::new(env!("CARGO_BIN_EXE_glint"));
        glint.arg("db").args(arguments).env_clear();
        match &self.config {
            Some(config) => glint.arg("--config-file").arg(config),
            None => glint.arg("--data-dir").arg(self.folder.path()),
        };
        let output = glint.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// What `glint db` says with `arguments`, which has to succeed.
    pub fn says(&self, arguments: &[&str]) -> String {
        let (done, said) = self.run(arguments);
        assert!(done, "{arguments:?}: {said}");
        said
    }

    /// Writes files with these definitions into a folder of their own.
    pub fn files(&self, files: &[(&str, Value)]) -> PathBuf {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        for (name, definitions) in files {
            fs::write(folder.join(name), definitions.to_string()).unwrap();
        }
        folder
    }

    /// What its catalogue exports, by namespace.
    pub fn exported(&self) -> Vec<Value> {
        let folder = self.files(&[]);
        self.says(&["export-metadefs", "--path", text(&folder)]);
        Self::read(&folder)
    }

    /// The definitions in the files of a folder, by namespace.
    pub fn read(folder: &Path) -> Vec<Value> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        let mut all: Vec<Value> =
            files.map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).collect();
        all.sort_by_key(|file| file["namespace"].to_string());
        all
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
