//! Files that a configuration names: all that cannot be used are told of at once, whatever else is wrong beside them.

use std::path::Path;

use tollgate::config::{self, Environment};

/// The kind and the line of each mistake.
fn told(folder: &Path, text: &str) -> Vec<(String, usize)> {
    let file = folder.join("tollgate.toml");
    std::fs::write(&file, text).unwrap();
    let report = config::load(&file, &Environment::default()).unwrap_err();
    report.entries().map(|one| (one.kind, one.place.unwrap().0)).collect()
}

/// A folder with two certificates and their keys, two texts that are neither, and one that only looks like a certificate.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for name in ["a", "b"] {
        let made = rcgen::generate_simple_self_signed([format!("{name}.example")]).unwrap();
        put(&format!("{name}.pem"), &made.cert.pem());
        put(&format!("{name}.key"), &made.signing_key.serialize_pem());
    }
    put("bad", "neither");
    put("worse", "neither");
    put("odd", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    folder
}

fn mistakes(wanted: &[(&str, usize)]) -> Vec<(String, usize)> {
    wanted.iter().map(|(kind, line)| ((*kind).to_owned(), *line)).collect()
}

#[test]
fn all_bad_files_of_certificates_are_told_of_at_once() {
    let folder = folder();
    let text = "[tls]\nclient_ca = \"odd\"\n\
        [[tls.certificates]]\nchain = \"bad\"\nkey = \"gone\"\n\
        [[tls.certificates]]\nchain = \"a.pem\"\nkey = \"b.key\"\n\
        [[tls.certificates]]\nchain = \"b.pem\"\nkey = \"b.key\"\n";
    let wanted = [("TlsFile", 2), ("TlsFile", 4), ("TlsFile", 5), ("TlsFile", 8)];
    assert_eq!(told(folder.path(), text), mistakes(&wanted));
}

#[test]
fn a_certificate_that_nothing_takes_is_told_of_where_it_is_named_and_not_at_its_key() {
    let folder = folder();
    // Without extensions openssl makes one of version 1.
    for arguments in [
        "req -new -key a.key -subj /CN=a.example -out a.csr",
        "x509 -req -in a.csr -signkey a.key -out old.pem",
    ] {
        let mut openssl = std::process::Command::new("openssl");
        let made = openssl.args(arguments.split(' ')).current_dir(folder.path()).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    let text = "[tls]\n[[tls.certificates]]\nchain = \"old.pem\"\nkey = \"a.key\"\n";
    assert_eq!(told(folder.path(), text), mistakes(&[("TlsFile", 3)]));
}

#[test]
fn what_is_missing_or_misspelt_hides_no_bad_file() {
    let folder = folder();
    let text = "[tls]\nclient_ca = \"worse\"\nmin_version = \"1.1\"\nclient_certificates = \"maybe\"\n\
        [[tls.certificates]]\nchain = \"bad\"\n\
        [[tls.certificates]]\nkey = \"bad\"\n\
        [[tls.certificates]]\nchain = \"odd\"\nkey = \"gone\"\n\
        [[tls.certificates]]\nchain = \"a.pem\"\nkey = \"b.key\"\n";
    let wanted = [
        ("TlsFile", 2),
        ("UnknownWord", 3),
        ("UnknownWord", 4),
        ("Missing", 5),
        ("TlsFile", 6),
        ("Missing", 7),
        ("TlsFile", 8),
        ("TlsFile", 10),
        ("TlsFile", 11),
        ("TlsFile", 14),
    ];
    assert_eq!(told(folder.path(), text), mistakes(&wanted));
    // Nothing is served, so that nobody is asked for a certificate; the file is bad all the same.
    let text = "[tls]\nclient_ca = \"bad\"\n";
    assert_eq!(told(folder.path(), text), mistakes(&[("Missing", 2), ("TlsFile", 2)]));
    let text = "[tls]\nclient_certificates = \"required\"\n\
        [[tls.certificates]]\nchain = \"a.pem\"\nkey = \"gone\"\n";
    assert_eq!(told(folder.path(), text), mistakes(&[("Missing", 2), ("TlsFile", 5)]));
}

#[test]
fn what_is_wrong_with_an_upstream_hides_no_bad_file() {
    let folder = folder();
    let api = |upstream: &str, more: &str| {
        let text = format!(
            "[[apis]]\nname = \"a\"\nupstream = \"{upstream}\"\n{more}\n[[apis.rules]]\npath = \"/\"\n"
        );
        told(folder.path(), &text)
    };
    let name = "upstream_ca = \"bad\"\nupstream_name = \"not a name\"";
    assert_eq!(api("https://a", name), mistakes(&[("TlsFile", 4), ("BadHost", 5)]));
    let empty = "upstream_ca = \"gone\"\nupstream_name = \"\"";
    assert_eq!(api("https://a", empty), mistakes(&[("TlsFile", 4), ("EmptyText", 5)]));
    let half = "upstream_ca = \"odd\"\nupstream_certificate = \"bad\"";
    let wanted = [("TlsFile", 4), ("Missing", 5), ("TlsFile", 5)];
    assert_eq!(api("https://a", half), mistakes(&wanted));
    let other =
        "upstream_ca = \"gone\"\nupstream_certificate = \"a.pem\"\nupstream_key = \"b.key\"";
    let wanted = [("BadUpstream", 3), ("TlsFile", 4), ("TlsFile", 6)];
    assert_eq!(api("https://a:x", other), mistakes(&wanted));
    // Without TLS none of it means anything.
    assert_eq!(api("http://a", half), mistakes(&[("UpstreamTls", 4)]));
}

/// The hint has both, whatever stands there.
#[test]
fn the_oldest_version_is_one_of_two() {
    let folder = folder();
    for version in ["1.1", "1.0", "1.20", "TLSv1.2", "tls13", "x"] {
        let file = folder.path().join("tollgate.toml");
        std::fs::write(&file, format!("[tls]\nmin_version = \"{version}\"\n")).unwrap();
        let report = config::load(&file, &Environment::default()).unwrap_err();
        let hints: Vec<_> = report.entries().map(|one| one.hint).collect();
        let told = |hint: &String| hint.contains("1.2") && hint.contains("1.3");
        assert!(hints.len() == 1 && hints.iter().all(told), "{version}: {hints:?}");
    }
}
