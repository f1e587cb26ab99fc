//! `glint policy`: what it prints, and how it ends.

use std::process::Command;

use crate::config_cli::PASTE;
use crate::harness::golden;

/// (arguments, whether it ends well, start of what it prints on one of its two ways)
#[test]
fn questions_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, "get_image: role:friend\nmine: rule:nowhere\nbroken: 'a b'\n").unwrap();
    let bad = folder.path().join("bad.yaml");
    std::fs::write(&bad, "- get_image\n").unwrap();
    let config = folder.path().join("glance-api.conf");
    let text = "[oslo_policy]\npolicy_file = policy.yaml\nenforce_new_defaults = false\n\
        [glance_store]\ndefault_backend = s\n[DEFAULT]\nenabled_backends = s:file\n[s]\nfilesystem_store_datadir = /nowhere\n\
        [database]\nconnection = sqlite:////nowhere/x.sqlite\n[paste_deploy]\nflavor = \n";
    std::fs::write(&config, text).unwrap();
    std::fs::write(folder.path().join("glance-api-paste.ini"), PASTE).unwrap();
    let (file, bad, config) = (file.to_str().unwrap(), bad.to_str().unwrap(), config.to_str().unwrap());
    let cases: [(&[&str], bool, &str); 13] = [
        (&["check", "get_images", "--role", "reader", "--project", "p", "--target", "project_id=p"], true, {
            "allowed: get_images\n  yes one of\n"
        }),
        (&["check", "get_images", "--role", "reader", "--project", "p", "--target", "project_id=q"], false, {
            "denied: get_images\n"
        }),
        (&["check", "get_image", "--role", "admin", "--policy-file", file], false, "denied: get_image\n"),
        (&["check", "get_image", "--role", "friend", "--policy-file", file], true, "allowed: get_image\n"),
        (&["check", "get_image", "--role", "admin", "--system"], false, "denied: get_image\n"),
        (&["check", "add_image", "--old-defaults"], true, "allowed: add_image\n"),
        (&["check", "add_image", "--target", "nonsense"], false, {
            "error: invalid value 'nonsense' for '--target <KEY=VALUE>': it has the form KEY=VALUE"
        }),
        (&["check", "get_image", "--role", "friend", "--config-file", config], true, "allowed: get_image\n"),
        (&["check", "add_image", "--config-file", config], true, "allowed: add_image\n"),
        (&["check", "get_image", "--role", "friend", "--config-file", config, "--policy-file", bad], false, {
            "glint: policy file "
        }),
        (&["list", "--policy-file", "/nowhere/policy.yaml"], false, "glint: there is no /nowhere/policy.yaml\n"),
        (&["list", "--policy-file", bad], false, "glint: policy file "),
        (&["list", "--policy-file", file], true, "default: @\ncontext_is_admin: role:admin\n"),
    ];
    for (arguments, well, said) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_glint")).arg("policy").args(arguments).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert_eq!(output.status.success(), well, "{arguments:?}: {out}{err}");
        assert!(out.starts_with(said) || err.starts_with(said), "{arguments:?}: {out}{err}");
    }
    let listed = Command::new(env!("CARGO_BIN_EXE_glint")).args(["policy", "list", "--policy-file", file]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    for line in [
        "get_image: role:friend\n",
        "mine: rule:nowhere\n",
        "# rule \"mine\": there is no rule \"nowhere\", rule \"default\" stands in for it\n",
        "# rule \"broken\": \"a b\" is no check and is never true\n",
    ] {
        assert!(listed.contains(line), "{line}");
    }
}

/// As it stands it changes nothing, and without its remarks it still changes nothing.
#[test]
fn the_sample_is_the_defaults() {
    let sample = Command::new(env!("CARGO_BIN_EXE_glint")).args(["policy", "sample"]).output().unwrap();
    let sample = String::from_utf8(sample.stdout).unwrap();
    assert!(glint::policy::file::read(&sample).unwrap().is_empty());
    let spelled_out = sample.replace("\n#\"", "\n\"");
    let rules = glint::policy::file::read(&spelled_out).unwrap();
    let defaults = glint::policy::Policy::default();
    let same = glint::policy::Policy::new(&glint::policy::Settings::default(), &rules).unwrap();
    assert!(defaults.rules().eq(same.rules()));
    golden::matches("policy-sample.yaml", &sample);
}
