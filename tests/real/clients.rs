//! The real `openstack` and `glance` commands against `glint serve`, with the `clouds.yaml` that it wrote: what a person
//! at a terminal types and sees, as a golden transcript.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;
use crate::venv;

/// What is typed, in order. `@admin` before a command types it as the administrator.
const COMMANDS: &[&str] = &[
    "openstack token issue -f yaml",
    "openstack project list -f yaml",
    "openstack image create --container-format bare --disk-format qcow2 --property architecture=x86_64 \
     --property hw_firmware_type=uefi --file disk.qcow2 --progress -f yaml cirros",
    "openstack image list",
    "openstack image show cirros -f yaml",
    "openstack image set --name cirros-2 --property os_distro=debian --tag first --min-disk 3 cirros",
    "openstack image unset --property architecture cirros-2",
    "openstack image show cirros-2 -f yaml",
    "openstack image list --property os_distro=debian --sort name:asc -f yaml",
    "openstack image save --file saved.qcow2 cirros-2",
    "cmp disk.qcow2 saved.qcow2",
    "openstack image add project cirros-2 $ADMIN_PROJECT -f yaml",
    "openstack image member list cirros-2 -f yaml",
    "@admin openstack image list -f yaml",
    "@admin openstack image set --accept $IMAGE",
    "@admin openstack image member list $IMAGE -f yaml",
    "openstack image remove project cirros-2 $ADMIN_PROJECT",
    "openstack image set --deactivate cirros-2",
    "openstack image show cirros-2 -f value -c status",
    "openstack image save --file refused.qcow2 cirros-2",
    "openstack image set --activate cirros-2",
    "openstack image set --protected cirros-2",
    "openstack image delete cirros-2",
    "openstack image set --unprotected cirros-2",
    "openstack image delete cirros-2",
    "openstack image show cirros-2",
    "openstack image stores list -f yaml",
    "openstack image import info -f yaml",
    "openstack application credential create automation -f yaml",
    "openstack application credential list -f yaml",
    "@admin glance image-create --progress --name tiny --disk-format qcow2 --container-format bare --file disk.qcow2 \
     --visibility public",
    "glance image-list",
    "glance image-show $TINY",
    "glance image-download --file downloaded.qcow2 $TINY",
    "cmp disk.qcow2 downloaded.qcow2",
    "@admin glance image-tag-update $TINY blue",
    "@admin glance image-update --property os_version=12 $TINY",
    "glance image-update --property os_version=13 $TINY",
    "@admin glance image-update --visibility shared $TINY",
    "@admin glance member-create $TINY $DEMO_PROJECT",
    "glance member-update $TINY $DEMO_PROJECT accepted",
    "@admin glance member-list --image-id $TINY",
    "@admin glance image-deactivate $TINY",
    "glance image-download --file refused.qcow2 $TINY",
    "@admin glance image-reactivate $TINY",
    "glance image-delete $TINY",
    "@admin glance image-delete $TINY",
    "glance image-list",
    "glance usage",
    "glance stores-info",
];

/// The same for the catalogue of metadata definitions: every command that is about it.
const DEFINITIONS: &[&str] = &[
    "@admin openstack image metadef namespace create --display-name Lab --description 'What the lab needs.' --public \
     --protected Lab -f yaml",
    "openstack image metadef namespace show Lab -f yaml",
    "openstack image metadef namespace create Mine",
    "@admin openstack image metadef resource type association create Lab OS::Lab::Bench --properties-target image -f yaml",
    "openstack image metadef resource type association list Lab -f yaml",
    "openstack image metadef resource type list -f value",
    "@admin openstack image metadef property create Lab --name lab_volts --title Volts --type integer \
     --schema '{\"minimum\": 1, \"maximum\": 12, \"default\": 5}' -f yaml",
    "openstack image metadef property list Lab -f yaml",
    "openstack image metadef property show Lab lab_volts -f yaml",
    "@admin openstack image metadef property set Lab lab_volts --title Voltage --schema '{\"maximum\": 24}'",
    "openstack image metadef property show Lab lab_volts -f yaml",
    "@admin openstack image metadef object create --namespace Lab Meter -f yaml",
    "openstack image metadef object list Lab -f yaml",
    "@admin openstack image metadef object update Lab Meter --name Scope",
    "openstack image metadef object show Lab Scope -f yaml",
    "openstack image metadef object property show Lab Scope none",
    "openstack image metadef namespace list --resource-types OS::Lab::Bench",
    "openstack image metadef property delete Lab lab_volts",
    "@admin openstack image metadef object delete Lab Scope",
    "@admin openstack image metadef namespace delete Lab",
    // What is left out has its default again: neither public nor protected.
    "@admin openstack image metadef namespace set --tag bench --tag shelf --display-name Laboratory Lab",
    "@admin openstack image metadef namespace show Lab -f yaml",
    "@admin openstack image metadef namespace unset --tag shelf Lab",
    "@admin openstack image metadef namespace unset --all-tags Lab",
    "openstack image metadef namespace show Lab",
    "@admin openstack image metadef object delete Lab Scope",
    "@admin openstack image metadef property delete Lab lab_volts",
    "@admin openstack image metadef resource type association delete Lab OS::Lab::Bench",
    "@admin openstack image metadef namespace delete Lab",
    "@admin openstack image metadef namespace show Lab",
    "@admin glance md-namespace-create --display-name Yard --visibility public Yard",
    "@admin glance md-namespace-import --file yard.json",
    "@admin glance md-namespace-update --description 'What the yard needs.' --visibility public Yard",
    "glance md-namespace-list --resource-types OS::Lab::Bench",
    "glance md-namespace-show --resource-type OS::Lab::Bench Imported",
    "@admin glance md-resource-type-associate --name OS::Lab::Bench --prefix yard_ Yard",
    "glance md-namespace-resource-type-list Yard",
    "glance md-resource-type-list",
    "@admin glance md-property-create --name length --title Length --type number --schema '{}' Yard",
    "@admin glance md-property-update --title 'Length in m' Yard length",
    "glance md-property-list Yard",
    "glance md-property-show Yard length",
    "@admin glance md-object-create --name gate --schema '{\"properties\": {\"wide\": {\"title\": \"Wide\", \
     \"type\": \"boolean\"}}}' Yard",
    "@admin glance md-object-update --name door Yard gate",
    "glance md-object-list Yard",
    "glance md-object-show Yard door",
    "glance md-object-property-show Yard door wide",
    "@admin glance md-tag-create --name old Yard",
    "@admin glance md-tag-create-multiple --names new,newer,old Yard",
    "@admin glance md-tag-update --name older Yard old",
    "glance md-tag-show Yard older",
    "glance md-tag-list Yard",
    "glance md-tag-delete Yard older",
    "@admin glance md-tag-delete Yard older",
    "@admin glance md-namespace-tags-delete Yard",
    "@admin glance md-object-delete Yard door",
    "@admin glance md-namespace-objects-delete Yard",
    "@admin glance md-property-delete Yard length",
    "@admin glance md-namespace-properties-delete Yard",
    "@admin glance md-resource-type-deassociate Yard OS::Lab::Bench",
    "@admin glance md-namespace-delete Yard",
    "glance md-namespace-show Yard",
];

/// What `md-namespace-import` reads.
const YARD: &str = r#"{"namespace": "Imported", "visibility": "public", "resource_type_associations":
    [{"name": "OS::Lab::Bench", "prefix": "lab_"}], "properties": {"weight": {"title": "Weight", "type": "integer",
    "default": 3}}, "objects": [{"name": "crane", "required": ["load"], "properties": {"load": {"title": "Load",
    "type": "integer"}}}], "tags": [{"name": "heavy"}]}"#;

#[test]
fn a_session_at_the_terminal() {
    session(COMMANDS, "terminal.txt");
}

#[test]
fn a_session_about_definitions() {
    session(DEFINITIONS, "definitions.txt");
}

/// Types `commands` at a terminal; what is typed and printed is the golden file `name`.
fn session(commands: &[&str], name: &str) {
    let terminal = Terminal::open();
    let mut transcript = String::new();
    for typed in commands {
        let printed = terminal.run(typed);
        writeln!(transcript, "$ {typed}\n{}", printed.trim_end()).unwrap();
    }
    let readable = Placeholders::default().put_into(&transcript);
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real/golden").join(name);
    if std::env::var_os("GLINT_ACCEPT").is_some() {
        fs::write(&golden, &readable).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    for (at, (expected, actual)) in expected.lines().zip(readable.lines()).enumerate() {
        assert_eq!(expected, actual, "line {} of the transcript; all of it:\n{readable}", at + 1);
    }
    assert_eq!(expected.lines().count(), readable.lines().count(), "{readable}");
}

/// A folder with a running service, a disk image, and the clients at hand.
struct Terminal {
    folder: tempfile::TempDir,
    process: Process,
    clients: PathBuf,
}

impl Terminal {
    fn open() -> Self {
        let clients = venv::commands();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let process = Process::start(&data);
        // The definitions that are built in would fill pages.
        let mut glint = Command::new(env!("CARGO_BIN_EXE_glint"));
        assert!(glint.args(["db", "unload_metadefs", "--data-dir"]).arg(&data).status().unwrap().success());
        let made = Command::new("qemu-img")
            .args(["convert", "-O", "qcow2", "/usr/lib/grub-rescue/grub-rescue-floppy.img", "disk.qcow2"])
            .current_dir(folder.path())
            .status();
        assert!(made.unwrap().success());
        fs::write(folder.path().join("yard.json"), YARD).unwrap();
        Self { folder, process, clients }
    }

    /// What `typed` prints on the terminal, and its exit status where that is not 0.
    fn run(&self, typed: &str) -> String {
        let (admin, command) = match typed.strip_prefix("@admin ") {
            Some(command) => (true, command),
            None => (false, typed),
        };
        // Both commands take standard input for the data of an image unless it is a terminal: `script` gives them one.
        let output = Command::new("script")
            .args(["-qec", command, "/dev/null"])
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment(admin))
            .output()
            .unwrap();
        let mut printed = String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n");
        // Progress is drawn over itself: what stays is what comes last.
        printed = printed.lines().map(|line| line.rsplit('\r').next().unwrap_or("").to_owned() + "\n").collect();
        if !output.status.success() {
            writeln!(printed, "(exit status {})", output.status.code().unwrap()).unwrap();
        }
        printed
    }

    fn environment(&self, admin: bool) -> HashMap<&'static str, String> {
        let clouds = self.folder.path().join("data/clouds.yaml");
        let cloud = if admin { "glint-admin" } else { "glint" };
        let user = if admin { "admin" } else { "demo" };
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.clients.display());
        let address = self.process.address;
        let mut environment = HashMap::from([
            ("PATH", path),
            ("HOME", self.folder.path().to_str().unwrap().to_owned()),
            ("COLUMNS", "120".to_owned()),
            ("TERM", "dumb".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("PYTHONWARNINGS", "ignore".to_owned()),
            ("OS_CLIENT_CONFIG_FILE", clouds.to_str().unwrap().to_owned()),
            ("OS_CLOUD", cloud.to_owned()),
            ("OS_AUTH_URL", format!("http://{address}/identity/v3")),
            ("OS_USERNAME", user.to_owned()),
            ("OS_PASSWORD", password(&clouds, cloud)),
            ("OS_PROJECT_NAME", user.to_owned()),
            ("OS_USER_DOMAIN_ID", "default".to_owned()),
            ("OS_PROJECT_DOMAIN_ID", "default".to_owned()),
        ]);
        for (name, value) in self.known() {
            environment.insert(name, value);
        }
        environment
    }

    /// The ids that later commands name, as far as they exist by now.
    fn known(&self) -> Vec<(&'static str, String)> {
        let database = self.folder.path().join("data/glint.sqlite");
        let ask = |sql: &str| {
            let output = Command::new("sqlite3").arg("-readonly").arg(&database).arg(sql).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        vec![
            ("ADMIN_PROJECT", ask("SELECT id FROM glint_projects WHERE name = 'admin'")),
            ("DEMO_PROJECT", ask("SELECT id FROM glint_projects WHERE name = 'demo'")),
            ("IMAGE", ask("SELECT id FROM images WHERE name LIKE 'cirros%'")),
            ("TINY", ask("SELECT id FROM images WHERE name = 'tiny'")),
        ]
    }
}

fn password(clouds: &Path, cloud: &str) -> String {
    let text = fs::read_to_string(clouds).unwrap();
    let from = text.find(&format!("\n  {cloud}:")).unwrap();
    let line = text[from..].lines().find_map(|line| line.trim().strip_prefix("password: ")).unwrap();
    line.trim_matches('\'').to_owned()
}

/// Stands in for what differs from run to run, with something as long: ids, hashes, secrets, times, sizes.
#[derive(Default)]
struct Placeholders {
    seen: HashMap<String, String>,
}

impl Placeholders {
    fn put_into(mut self, text: &str) -> String {
        let mut readable = String::new();
        let mut word = String::new();
        for char in text.chars().chain(['\n']) {
            if char.is_ascii_alphanumeric() || "-_:.".contains(char) {
                word.push(char);
            } else {
                readable.push_str(&self.for_word(&word));
                word.clear();
                readable.push(char);
            }
        }
        readable.trim_end().to_owned() + "\n"
    }

    fn for_word(&mut self, word: &str) -> String {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let time = word.len() >= 19 && word.starts_with("20") && word.as_bytes()[10] == b'T';
        let size = word.len() >= 5 && digits(word);
        let secret = word.len() >= 32 && !word.starts_with("--") && !word.contains(':') && !word.contains('.');
        let port = word.starts_with("127.0.0.1:");
        if !(time || size || secret || port) {
            return word.to_owned();
        }
        let (kind, filler) = match word.len() {
            _ if time => ("time", '.'),
            _ if size => ("number", '.'),
            _ if port => ("address", '.'),
            36 => ("uuid", '-'),
            _ => ("id", '-'),
        };
        let count = self.seen.values().filter(|given| given.starts_with(&format!("<{kind}"))).count() + 1;
        let numbered = if time || size || port { format!("<{kind}>") } else { format!("<{kind}-{count}>") };
        let given = format!("{numbered:<width$}", width = word.len());
        let given: String = given.chars().map(|char| if char == ' ' { filler } else { char }).collect();
        self.seen.entry(word.to_owned()).or_insert(given).clone()
    }
}
