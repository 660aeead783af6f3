// SPDX-License-Identifier: Apache-2.0
//! Addresses as operators' files have them.

use super::*;

fn mysql(text: &str) -> MySqlConnectOptions {
    match Address::parse(text).unwrap().target {
        Target::MySql(options) => *options,
        _ => panic!("another database"),
    }
}

fn postgres(text: &str) -> PgConnectOptions {
    match Address::parse(text).unwrap().target {
        Target::Postgres(options) => *options,
        _ => panic!("another database"),
    }
}

#[test]
fn what_devstack_and_kolla_write_is_understood() {
    let options = mysql("mysql+pymysql://glance:s3cret@10.0.0.1:3307/glance?charset=utf8mb4");
    assert_eq!((options.get_host(), options.get_port()), ("10.0.0.1", 3307));
    assert_eq!((options.get_username(), options.get_database()), ("glance", Some("glance")));
    let options = mysql("mysql://root@[fd00::1]/glance");
    assert_eq!((options.get_host(), options.get_port()), ("fd00::1", 3306));
    let options = postgres("postgresql+psycopg2://glance:s3cret@db.example/images?sslmode=verify-full");
    assert_eq!((options.get_host(), options.get_port()), ("db.example", 5432));
    assert_eq!((options.get_username(), options.get_database()), ("glance", Some("images")));
    assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
    let address = Address::parse("sqlite:////var/lib/glance/glance.sqlite?timeout=30").unwrap();
    assert_eq!(address.path(), Some(std::path::Path::new("/var/lib/glance/glance.sqlite")));
    assert_eq!(Address::parse("sqlite:///here.db").unwrap().to_string(), "here.db");
}

#[test]
fn passwords_of_any_signs_are_read_and_never_shown() {
    for (written, meant) in [("p%40ss%2Fw%3Ard", "p@ss/w:rd"), ("a/b#c?d:e%25", "a/b#c?d:e%"), ("a+b", "a+b")]
    {
        let text = format!("mysql+pymysql://gl%61nce:{written}@db/glance");
        let (_, rest) = text.split_once("://").unwrap();
        let read = parts(rest).unwrap();
        assert_eq!(read.user.as_deref(), Some("glance"));
        assert_eq!(read.password.as_deref(), Some(meant));
        assert_eq!((read.host, read.database), (Some("db"), "glance"));
        let address = Address::parse(&text).unwrap();
        let shown = format!("{address} {address:?}");
        assert!(!shown.contains(written) && !shown.contains(meant) && shown.contains("db:3306"), "{shown}");
    }
    for wrong in
        ["oracle://u:s3cret@h/d", "mysql://u:s3cret@h:x/d", "mysql://u:s3cret@h", "s3cret", "sqlite://"]
    {
        let error = Address::parse(wrong).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
}

#[test]
fn encryption_is_as_strict_as_asked_for() {
    let mode = |query: &str| mysql(&format!("mysql+pymysql://u:p@h/d{query}")).get_ssl_mode();
    assert!(matches!(mode(""), MySqlSslMode::Preferred));
    assert!(matches!(mode("?ssl_ca=/etc/ca.pem"), MySqlSslMode::VerifyCa));
    assert!(matches!(mode("?ssl_verify_identity=true&ssl_ca=/ca.pem"), MySqlSslMode::VerifyIdentity));
    assert!(matches!(mode("?ssl_disabled=true"), MySqlSslMode::Disabled));
    assert!(Address::parse("postgresql://u:p@h/d?sslmode=maybe").is_err());
}

#[test]
fn sockets_and_options_without_meaning() {
    let address = Address::parse("postgresql:///glance?host=/run/pg&keepalives=1").unwrap();
    assert_eq!(address.to_string(), "postgresql:///run/pg:5432/glance");
    assert_eq!(address.unused(), ["keepalives"]);
    let options = mysql("mysql+pymysql://u:p@localhost/d?unix_socket=/run/mysqld/mysqld.sock");
    assert_eq!(options.get_socket().map(PathBuf::as_path), Some("/run/mysqld/mysqld.sock".as_ref()));
}
