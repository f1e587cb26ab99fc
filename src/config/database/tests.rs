//! URLs of databases, in SQLAlchemy's forms.

use super::read;
use crate::config::Database;

/// (URL, what it says in short, or what is wrong with it)
#[test]
fn urls() {
    let cases = [
        ("mysql+pymysql://glance:secret@db.test/glance?charset=utf8", "MySql glance:secret@db.test/glance IfOffered"),
        ("mysql://glance@db.test:3307/glance", "MySql glance@db.test:3307/glance IfOffered"),
        ("mariadb+pymysql://u:p%40ss%2Fw%3Ard@h/n", "MySql u:p@ss/w:rd@h/n IfOffered"),
        ("mysql://u:p@ss@h/n", "MySql u:p@ss@h/n IfOffered"),
        ("mysql://u:@[::1]:3306/n", "MySql u:@::1:3306/n IfOffered"),
        ("mysql://u@/n?unix_socket=/run/mysqld/mysqld.sock", "MySql u@localhost(/run/mysqld/mysqld.sock)/n IfOffered"),
        ("mysql://u@h/n?ssl_ca=/ca.pem", "MySql u@h/n KnownHost /ca.pem"),
        ("mysql://u@h/n?ssl_ca=/ca.pem&ssl_check_hostname=false", "MySql u@h/n KnownAuthority /ca.pem"),
        ("mysql://u@h/n?ssl_ca=/ca.pem&ssl_cert=/c.pem&ssl_key=/k.pem", "MySql u@h/n KnownHost /ca.pem /c.pem"),
        ("mysql://u@h/n?ssl_mode=VERIFY_IDENTITY", "MySql u@h/n KnownHost"),
        ("postgresql+psycopg2://u:p@h:5433/n", "PostgreSql u:p@h:5433/n IfOffered"),
        ("postgresql://u@/n?host=/var/run/postgresql", "PostgreSql u@localhost(/var/run/postgresql)/n IfOffered"),
        ("postgresql://u@h/n?sslmode=verify-full&sslrootcert=/ca.pem", "PostgreSql u@h/n KnownHost /ca.pem"),
        ("postgresql://u@h/n?sslmode=disable", "PostgreSql u@h/n Never"),
        ("sqlite:////var/lib/glance/glance.db", "/var/lib/glance/glance.db"),
        ("sqlite://", "a database in memory is of no use: name a file"),
        ("sqlite:///:memory:", "a database in memory is of no use: name a file"),
        ("oracle://u@h/n", "there is no oracle here: only sqlite, mysql and postgresql"),
        ("glance.db", "it has to be a URL, as mysql+pymysql://user:password@host/name"),
        ("mysql://u@h/", "the URL names no database"),
        ("mysql://u@h", "the URL names no database"),
        ("mysql://u@h:x/n", "the port has to be a number"),
        ("mysql://u:%ff@h/n", "the URL has to be UTF-8"),
        ("mysql://u@h/n?ssl_cert=/c.pem", "a certificate for TLS and its key go together"),
        ("mysql://u@h/n?ssl_mode=perhaps", "perhaps is no mode of TLS"),
        ("mysql://u@h/n?init_command=DROP", "the parameter init_command of the URL is not known here"),
    ];
    for (url, expected) in cases {
        let said = match read(url) {
            Err(why) => why,
            Ok(Database::Sqlite(file)) => file.display().to_string(),
            Ok(Database::Server(server)) => {
                let mut said = format!("{:?} {}", server.engine, server.user);
                for (before, part) in [
                    (":", server.password().map(str::to_owned)),
                    ("@", Some(server.host.clone())),
                    (":", server.port.map(|port| port.to_string())),
                    ("(", server.socket.as_ref().map(|path| format!("{})", path.display()))),
                    ("/", Some(server.database.clone())),
                    (" ", Some(format!("{:?}", server.tls.mode))),
                    (" ", server.tls.authority.as_ref().map(|path| path.display().to_string())),
                    (" ", server.tls.own.as_ref().map(|own| own.certificate.display().to_string())),
                ] {
                    if let Some(part) = part {
                        said.push_str(before);
                        said.push_str(&part);
                    }
                }
                said
            }
        };
        assert_eq!(said, expected, "{url}");
    }
}
