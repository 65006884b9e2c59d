//! What `check` says of certificates that are no mistake of the file, and that clients or upstreams would refuse.

use std::time::Duration;

use tollgate::domain::time::Span;

use crate::Place;

/// Clients would refuse it, or soon will: that is no mistake of the file, and nothing that may be left unsaid.
#[test]
fn certificates_out_of_their_time_are_warned_of() {
    let place = Place::new();
    let start = rcgen::date_time_ymd(1_970, 1, 1);
    let after = |days| {
        let now = tollgate::clock::Clock::system().now();
        start + Duration::from_secs(now.plus(Span::from_days(days)).unix())
    };
    let year = |year| rcgen::date_time_ymd(year, 1, 1);
    let mut text = String::new();
    for (name, from, to) in [
        ("old", year(1_999), year(2_000)),
        ("early", year(3_000), year(4_000)),
        ("soon", year(2_000), after(13)),
        ("good", year(2_000), after(16)),
    ] {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new([format!("{name}.example")]).unwrap();
        (params.not_before, params.not_after) = (from, to);
        let made = params.self_signed(&key).unwrap();
        std::fs::write(place.path(&format!("{name}.pem")), made.pem()).unwrap();
        std::fs::write(place.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        text += &format!("[[tls.certificates]]\nchain = \"{name}.pem\"\nkey = \"{name}.key\"\n");
    }
    let mut rest = std::fs::read_to_string(place.path("tollgate.toml")).unwrap();
    // The one is shown to two endpoints, and the other to clients too.
    for (name, shown) in [("x", "old"), ("y", "old"), ("z", "good"), ("s", "soon")] {
        rest += &format!(
            "\n[[apis]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = \"https://127.0.0.1:9\"\n\
             upstream_ca = \"good.pem\"\nupstream_certificate = \"{shown}.pem\"\n\
             upstream_key = \"{shown}.key\"\nrules = [{{ path = \"/{name}\" }}]\n"
        );
    }
    std::fs::write(place.path("tollgate.toml"), format!("{rest}\n{text}")).unwrap();
    let outcome = place.run(&["check"]);
    assert_eq!((outcome.code, &*outcome.out), (0, "`tollgate.toml` is well: 5 APIs, 5 rules\n"));
    let lines: Vec<_> = outcome.err.lines().collect();
    let wanted = [
        ("old", "is over since 2000-01-01T00:00:00Z, and clients refuse it: renew it"),
        ("early", "begins at 3000-01-01T00:00:00Z, and clients refuse it until then"),
        ("soon", "will be over at "),
        ("old", "is over since 2000-01-01T00:00:00Z, and upstreams refuse it: renew it"),
    ];
    assert_eq!(lines.len(), wanted.len(), "{lines:?}");
    for (line, (name, said)) in lines.iter().zip(wanted) {
        let file = format!("certificate in `{name}.pem`");
        assert!(line.starts_with("warning: the ") && line.contains(&file), "{line}");
        assert!(line.contains(said), "{line}");
    }
    let told: serde_json::Value = serde_json::from_str(&place.ok(&["--json", "check"])).unwrap();
    assert_eq!(told["warnings"].as_array().unwrap().len(), 4, "{told}");
}

/// Nor is one that nobody would ever take.
#[test]
fn certificates_of_another_kind_are_warned_of() {
    use rcgen::ExtendedKeyUsagePurpose as Use;
    let place = Place::new();
    let mut text = std::fs::read_to_string(place.path("tollgate.toml")).unwrap();
    let mut upstreams = String::new();
    for (name, host, uses) in [
        ("nameless", None, vec![]),
        ("address", Some("127.0.0.1"), vec![]),
        ("client", Some("client.example"), vec![Use::ClientAuth]),
        ("server", Some("server.example"), vec![Use::ServerAuth]),
        ("both", Some("both.example"), vec![Use::ServerAuth, Use::ClientAuth]),
        ("any", Some("any.example"), vec![Use::Any]),
    ] {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<_> = host.into_iter().map(str::to_owned).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.extended_key_usages = uses;
        let made = params.self_signed(&key).unwrap();
        std::fs::write(place.path(&format!("{name}.pem")), made.pem()).unwrap();
        std::fs::write(place.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        text += &format!("\n[[tls.certificates]]\nchain = \"{name}.pem\"\nkey = \"{name}.key\"\n");
        upstreams += &format!(
            "\n[[apis]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = \"https://127.0.0.1:9\"\n\
             upstream_ca = \"any.pem\"\nupstream_certificate = \"{name}.pem\"\n\
             upstream_key = \"{name}.key\"\nrules = [{{ path = \"/{name}\" }}]\n"
        );
    }
    std::fs::write(place.path("tollgate.toml"), text + &upstreams).unwrap();
    let outcome = place.run(&["check"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let said = |name, why, they| {
        format!(
            "warning: the certificate in `{name}.pem` {why}, and {they} refuse it: have another one made"
        )
    };
    let wanted = [
        said("nameless", "names no host (subject alternative name)", "clients"),
        said("client", "is not for servers (extended key usage)", "clients"),
        said("server", "is not for clients (extended key usage)", "upstreams"),
    ];
    assert_eq!(outcome.err.lines().collect::<Vec<_>>(), wanted);
}
