//! Databases that want TLS: who is believed, who is not, and who has to show a certificate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use glint::config::Database;
use glint::db::Db;
use tempfile::TempDir;

use crate::database_server::{DatabaseServer, Kind};

/// What `openssl` is told of certificates: one that signs others, one of the server at 127.0.0.1, one of a client.
const FORMS: &str = "[req]\ndistinguished_name = name\n[name]\n\
    [authority]\nbasicConstraints = critical, CA:TRUE\n\
    [server]\nbasicConstraints = CA:FALSE\nsubjectAltName = IP:127.0.0.1\n\
    [client]\nbasicConstraints = CA:FALSE\n";

/// Who may connect to PostgreSQL, and how: `private` with TLS only, `known` with a certificate, too.
const CALLERS: &str = "host all glance 127.0.0.1/32 trust\n\
    hostssl all private 127.0.0.1/32 trust\nhostssl all known 127.0.0.1/32 cert\n";

/// Certificates and their keys, each under its name.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server may be somebody else.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("forms"), FORMS).unwrap();
        let made = Self { folder };
        for (name, form, subject) in [
            ("authority", "authority", "/CN=authority"),
            ("stranger", "authority", "/CN=stranger"),
            ("server", "server", "/CN=server"),
            ("client", "client", "/CN=known"),
        ] {
            let signed_by = ["-CA".into(), made.file("authority.pem"), "-CAkey".into(), made.file("authority.key")];
            let done = Command::new("openssl")
                .args([
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                    "-days",
                    "2",
                ])
                .args(["-config", &made.file("forms"), "-extensions", form, "-subj", subject])
                .args(if form == "authority" { &[][..] } else { &signed_by })
                .args(["-out", &made.file(&format!("{name}.pem")), "-keyout", &made.file(&format!("{name}.key"))])
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(done.success(), "{name}");
        }
        made
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Lets the server `user` read its key, and nobody else, where the test is root and the server is not.
    fn give_key_to(&self, user: &str) {
        if fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).unwrap() == 0 {
            assert!(Command::new("chown").args([user, &self.file("server.key")]).status().unwrap().success());
        }
    }
}

#[tokio::test]
async fn mariadb_with_tls() {
    let made = Certificates::make();
    made.give_key_to("mysql");
    let options = format!(
        "--ssl-ca={} --ssl-cert={} --ssl-key={}",
        made.file("authority.pem"),
        made.file("server.pem"),
        made.file("server.key")
    );
    let server = DatabaseServer::start_with(Kind::MariaDb, &[("OPTIONS", &options)]);
    let url = server.make("private");
    server.ask(
        &url,
        "CREATE USER private@'127.0.0.1' REQUIRE SSL; CREATE USER known@'127.0.0.1' REQUIRE X509; \
         GRANT ALL ON *.* TO private@'127.0.0.1'; GRANT ALL ON *.* TO known@'127.0.0.1';",
    );
    let cases = [
        ("private@127.0.0.1", "", true),
        ("private@127.0.0.1", "?ssl_mode=disabled", false),
        ("private@127.0.0.1", "?ssl_mode=required", true),
        ("private@127.0.0.1", "?ssl_ca={authority}", true),
        ("private@127.0.0.1", "?ssl_ca={stranger}", false),
        ("private@127.0.0.1", "?ssl_ca={stranger}&ssl_check_hostname=false", false),
        ("private@localhost", "?ssl_ca={authority}", false),
        ("private@localhost", "?ssl_ca={authority}&ssl_check_hostname=false", true),
        ("known@127.0.0.1", "?ssl_ca={authority}", false),
        ("known@127.0.0.1", "?ssl_ca={authority}&ssl_cert={client}&ssl_key={key}", true),
    ];
    check(&url, &made, &cases).await;
}

#[tokio::test]
async fn postgresql_with_tls() {
    let made = Certificates::make();
    made.give_key_to("postgres");
    let callers = made.file("callers");
    fs::write(Path::new(&callers), CALLERS).unwrap();
    let options = format!(
        "-c ssl=on -c ssl_ca_file={} -c ssl_cert_file={} -c ssl_key_file={} -c hba_file={callers}",
        made.file("authority.pem"),
        made.file("server.pem"),
        made.file("server.key")
    );
    let server = DatabaseServer::start_with(Kind::PostgreSql, &[("OPTIONS", &options)]);
    let url = server.make("private");
    server.ask(&url, "CREATE ROLE private SUPERUSER LOGIN; CREATE ROLE known SUPERUSER LOGIN;");
    let cases = [
        ("private@127.0.0.1", "", true),
        ("private@127.0.0.1", "?sslmode=disable", false),
        ("private@127.0.0.1", "?sslmode=require", true),
        ("private@127.0.0.1", "?sslmode=verify-full&sslrootcert={authority}", true),
        ("private@127.0.0.1", "?sslmode=verify-full&sslrootcert={stranger}", false),
        ("private@127.0.0.1", "?sslmode=verify-ca&sslrootcert={stranger}", false),
        ("private@localhost", "?sslmode=verify-full&sslrootcert={authority}", false),
        ("private@localhost", "?sslmode=verify-ca&sslrootcert={authority}", true),
        ("known@127.0.0.1", "?sslmode=verify-full&sslrootcert={authority}", false),
        ("known@127.0.0.1", "?sslmode=verify-full&sslrootcert={authority}&sslcert={client}&sslkey={key}", true),
    ];
    check(&url, &made, &cases).await;
}

/// Connects as each of these callers, with these parameters, to the database at `url`; whether that has to succeed.
async fn check(url: &str, made: &Certificates, cases: &[(&str, &str, bool)]) {
    let (scheme, place) = url.split_once("://").unwrap();
    let (_, place) = place.split_once("127.0.0.1").unwrap();
    for (caller, parameters, expected) in cases {
        let parameters = ["authority", "stranger", "client"].iter().fold((*parameters).to_owned(), |text, name| {
            text.replace(&format!("{{{name}}}"), &made.file(&format!("{name}.pem")))
        });
        let parameters = parameters.replace("{key}", &made.file("client.key"));
        let url = format!("{scheme}://{caller}{place}{parameters}");
        let Database::Server(mut server) = Database::at(&url).unwrap() else { panic!("{url} is no server") };
        server.attempts_max = Some(0);
        let asked = async {
            let db = Db::connect(&Database::Server(server)).await?;
            let asked = db.ping().await;
            db.close().await;
            asked
        };
        let asked = asked.await;
        assert_eq!(asked.is_ok(), *expected, "{url}: {asked:?}");
    }
}
