//! Configuration files beside oslo.config: generated files are read by both, and every option has to have the same value,
//! or be wrong, for both.

use std::collections::BTreeMap;
use std::fs;

use glint::config::settings::{Settings, Source, Sources};
use glint::config::value::Value;
use serde_json::{Map, Value as Json, json};

use crate::dice::Dice;
use crate::venv;

/// How many sets of files are read.
const SETS: usize = 2000;
/// Another seed makes other files.
const SEED: &str = "GLINT_CONFIG_SEED";

/// The options that `config.py` has, too: at least one of each form.
const OPTIONS: &[(&str, &[&str])] = &[
    (
        "DEFAULT",
        &[
            "public_endpoint",
            "hashing_algorithm",
            "image_member_quota",
            "api_limit_max",
            "do_secure_hash",
            "disabled_notifications",
            "enabled_backends",
            "property_protection_rule_format",
            "image_cache_driver",
        ],
    ),
    ("image_format", &["disk_formats"]),
    ("import_filtering_opts", &["allowed_schemes", "allowed_ports", "allowed_hosts"]),
    ("oslo_policy", &["policy_dirs", "remote_timeout"]),
];

#[test]
#[expect(clippy::print_stdout, reason = "how many values of each sort were compared is worth reading")]
fn oslo_config_and_we_read_the_same() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x6c69_6e74);
    let mut dice = Dice(seed);
    let sets: Vec<Set> = (0..SETS).map(|_| dice.set()).collect();
    let theirs = ask_oslo(&sets);
    assert_eq!(theirs.len(), SETS);
    let (mut compared, mut errors, mut unreadable) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (set, theirs) in sets.iter().zip(&theirs) {
        let ours = set.ask_us();
        if theirs.is_string() {
            unreadable += 1;
        }
        for (name, value) in theirs.as_object().into_iter().flatten() {
            compared += 1;
            errors += usize::from(value == "E");
            if ours.get(name) != Some(value) {
                wrong.push(format!("{name}: oslo.config {value}, we {:?}: {}", ours.get(name), set.as_json()));
            }
        }
        if theirs.is_string() != ours.is_string() {
            wrong.push(format!("oslo.config {theirs}, we {ours}: {}", set.as_json()));
        }
    }
    println!("seed {seed}: {compared} values, {errors} of them errors; {unreadable} sets that cannot be read");
    assert!(errors * 3 < compared && errors > 1000 && unreadable > 10, "the files are too much alike");
    assert!(
        wrong.is_empty(),
        "seed {seed}: {} disagreements, the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

/// Files, the later of which win, and an environment.
struct Set {
    files: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Set {
    fn ask_us(&self) -> Json {
        let folder = tempfile::tempdir().unwrap();
        let write = |(at, text): (usize, &String)| {
            let path = folder.path().join(at.to_string());
            fs::write(&path, text).unwrap();
            Source::File(path)
        };
        let paths = self.files.iter().enumerate().map(write).collect();
        let settings = Settings::read(Sources { paths, environment: self.environment.clone() });
        if !settings.faults().is_empty() {
            return "E".into();
        }
        let mut values = Map::new();
        for (group, names) in OPTIONS {
            for name in *names {
                let value = settings.look_up(group, name).map_or("E".into(), as_json);
                values.insert(format!("{group}.{name}"), value);
            }
        }
        Json::Object(values)
    }

    fn as_json(&self) -> Json {
        json!({"files": self.files, "environment": self.environment})
    }
}

/// A value in the form that `config.py` and `options.py` print.
pub fn as_json(value: Value) -> Json {
    match value {
        Value::Unset => Json::Null,
        Value::Text(text) => json!({"text": text}),
        Value::Flag(is) => is.into(),
        Value::Number(number) => i64::try_from(number).unwrap().into(),
        Value::Real(number) => number.into(),
        Value::List(items) => items.into(),
        Value::Ports(ports) => ports.iter().map(u16::to_string).collect(),
        Value::Map(pairs) => pairs.into_iter().map(|(key, value)| json!([key, value])).collect(),
    }
}

fn ask_oslo(sets: &[Set]) -> Vec<Json> {
    let lines: Vec<String> = sets.iter().map(|set| set.as_json().to_string()).collect();
    venv::ask("config.py", &lines).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Dice {
    fn set(&mut self) -> Set {
        let files = (0..=self.roll(3)).map(|_| self.file()).collect();
        let mut environment = BTreeMap::new();
        for _ in 0..self.roll(3) {
            let (group, names) = OPTIONS[self.roll(OPTIONS.len())];
            let name = self.pick(names);
            // Several values in one variable: `docs/compat.md`.
            if name != "policy_dirs" {
                let variable = format!("OS_{}__{}", group.to_uppercase(), name.to_uppercase());
                environment.insert(variable, self.text_for(name));
            }
        }
        Set { files, environment }
    }

    fn file(&mut self) -> String {
        let end = self.pick(&["\n", "\n", "\n", "\r\n", "\r"]);
        let mut lines = vec!["[DEFAULT]".to_owned()];
        for _ in 0..self.roll(14) {
            lines.push(self.line());
        }
        lines.join(end)
    }

    fn line(&mut self) -> String {
        match self.roll(40) {
            0..=5 => {
                let sections = [
                    "DEFAULT",
                    "image_format",
                    "Image_Format",
                    "import_filtering_opts",
                    "oslo_policy",
                    "OSLO_POLICY",
                    "default",
                    "x y",
                ];
                format!("[{}]", self.pick(&sections))
            }
            6 => self.pick(&["", "# x = 1", "; x", "  ", "\t"]).to_owned(),
            // A further line of a value, if there is one to go on with.
            7 => format!("{}{}", self.pick(&[" ", "\t", "    "]), self.pick(&["x", "b,c", "# no comment", "$$", "2"])),
            8 if self.roll(8) == 0 => self.pick(&["x", "[", "[]", "[x", "= 1", ": 1"]).to_owned(),
            _ => {
                let (_, names) = OPTIONS[self.roll(OPTIONS.len())];
                let name = self.pick(names);
                format!("{name}{}{}", self.pick(&["=", " = ", ":", " : ", "= "]), self.text_for(name))
            }
        }
    }

    /// Mostly what an option may be, and at times anything.
    fn text_for(&mut self, name: &str) -> String {
        if self.roll(5) == 0 {
            return (0..=self.roll(2)).map(|_| self.fragment()).collect();
        }
        let fitting: &[&str] = match name {
            "image_member_quota" | "api_limit_max" => {
                &["1", " 20 ", "-3", "+4", "1_000", "0", "", "007", "$api_limit_max"]
            }
            "do_secure_hash" => &["true", "False", "YES", "off", "1", "0", "oN", "nO"],
            "disabled_notifications" | "disk_formats" => {
                &["a", "a,b", " a , b ,", ",", "a,,b", "$hashing_algorithm,x", "[a]", "'a,b'"]
            }
            "enabled_backends" => &["a:file", "a:file, b : http", "a:b:c", "", "a", "a:1,a:2", ":x", "a,b:c"],
            "property_protection_rule_format" => &["roles", "policies", "Roles"],
            "image_cache_driver" => &["sqlite", "XATTR", "Centralized_DB", "none"],
            "allowed_schemes" => &["[]", "[http]", "[ 'http' , \"https\" ]", "['a,b', c]", "['a]", "http", "[a,]"],
            "allowed_ports" => &["[80]", "[ 80 , 0443]", "[]", "[0]", "[70000]", "[8_0]", "[80,]"],
            "allowed_hosts" => {
                &["[localhost]", "[127.0.0.1, ::1]", "[a-b.example.]", "[1.2.3]", "[-a]", "[a_b]", "[1.2.3.4.example]"]
            }
            "policy_dirs" => &["a", "b", "'c'", "$hashing_algorithm", ""],
            "remote_timeout" => &["60", "0.5", ".5", "1e3", "-1.", "1_0.5", "x"],
            _ => &["plain", "two words", "'quoted'", "\"quoted \"", "'", "\"half", "$image_member_quota", "é"],
        };
        self.pick(fitting).to_owned()
    }

    fn fragment(&mut self) -> &'static str {
        self.pick(&[
            "x",
            "1",
            " ",
            ",",
            "'",
            "\"",
            "[",
            "]",
            ":",
            "=",
            "#",
            ";",
            "é",
            "a\tb",
            "$$",
            "\\$",
            "$",
            "${",
            "${}",
            "$public_endpoint",
            "${hashing_algorithm}",
            "$image_format.disk_formats",
            "${oslo_policy.policy_dirs}",
            "$enabled_backends",
            "$do_secure_hash",
            "${remote_timeout}",
            "$nope",
            "$import_filtering_opts",
            "$import_filtering_opts.allowed_ports",
            "$oslo_policy.nope",
            "$public_endpoint.",
            "\\",
            "\\n",
        ])
    }
}
