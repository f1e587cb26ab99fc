//! What the program prints about itself.

use std::process::Command;

use crate::harness::golden;

#[test]
fn every_command_explains_itself() {
    let commands: [&[&str]; 34] = [
        &[],
        &["serve"],
        &["config"],
        &["config", "check"],
        &["config", "sample"],
        &["config", "show"],
        &["db"],
        &["db", "check"],
        &["db", "contract"],
        &["db", "drop-extras"],
        &["db", "expand"],
        &["db", "export_metadefs"],
        &["db", "load_metadefs"],
        &["db", "migrate"],
        &["db", "purge"],
        &["db", "purge_images_table"],
        &["db", "sync"],
        &["db", "unload_metadefs"],
        &["db", "upgrade"],
        &["db", "version"],
        &["policy"],
        &["policy", "check"],
        &["policy", "list"],
        &["policy", "sample"],
        &["user"],
        &["user", "add"],
        &["user", "grant"],
        &["user", "list"],
        &["user", "passwd"],
        &["user", "remove"],
        &["user", "revoke"],
        &["project"],
        &["project", "add"],
        &["project", "list"],
    ];
    let mut all = String::new();
    for command in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_glint")).args(command).arg("--help").output().unwrap();
        assert!(output.status.success(), "{command:?}");
        all.push_str(&format!("$ glint {} --help\n", command.join(" ")).replace("  ", " "));
        all.push_str(&String::from_utf8(output.stdout).unwrap());
        all.push('\n');
    }
    golden::matches("help.txt", &all);
}

/// (arguments, what standard error says)
#[test]
fn wrong_command_lines() {
    let cases: [(&[&str], &str); 5] = [
        (&["serve", "--listen", "0.0.0.0:0"], "glint: 0.0.0.0:0 can be reached by others, and without TLS"),
        (&["serve", "--listen", "nonsense"], "error: invalid value 'nonsense' for '--listen <ADDRESS:PORT>'"),
        (&["serve", "--tls-key", "x"], "error: the following required arguments were not provided"),
        (&["serve", "--data-dir", "/proc/nope"], "glint: cannot make the data directory /proc/nope"),
        (&["nope"], "error: unrecognized subcommand 'nope'"),
    ];
    for (arguments, said) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_glint")).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.starts_with(said), "{arguments:?}: {error}");
    }
}
