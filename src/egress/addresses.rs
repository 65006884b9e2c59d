//! Which addresses may be called: those of the public Internet, and those that the operator names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// An address that is not called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is not of the public Internet.
    #[error(
        "{0} is an address of this machine or of an inner network; add it to `egress.allow` if it is meant"
    )]
    Inner(IpAddr),
    /// It is to be called without TLS, which is for allowed addresses alone.
    #[error("{0} is called over https alone; add it to `egress.allow` if plain http is meant")]
    Plain(IpAddr),
}

/// Judges an address to be connected to, over TLS or not (sec-F1).
///
/// # Errors
/// It is not to be called.
pub fn check(address: IpAddr, allow: &[IpNet], tls: bool) -> Result<(), Denied> {
    let address = address.to_canonical();
    if allow.iter().any(|network| network.contains(&address)) {
        return Ok(());
    }
    let public = match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    };
    match (public, tls) {
        (false, _) => Err(Denied::Inner(address)),
        (true, false) => Err(Denied::Plain(address)),
        (true, true) => Ok(()),
    }
}

/// Whether it is a global unicast address (the IANA registry of special-purpose addresses).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_unspecified()
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        // Shared by carriers (RFC 6598), and used by clouds for their own services.
        || (a == 100 && b & 0xc0 == 64)
        // Protocol assignments, 6to4 relays, and networks for benchmarks.
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0xfe == 18);
    !special
}

/// Whether it is a global unicast address. One that carries an IPv4 address is as public as that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let [.., w, x, y, z] = address.octets();
    match (a, b) {
        // NAT64 (RFC 6052).
        (0x64, 0xff9b) => {
            let well_known = address.segments().get(2..6) == Some(&[0; 4]);
            well_known && is_public_v4(Ipv4Addr::new(w, x, y, z))
        }
        // Teredo, benchmarks, ORCHID, documentation: all of 2001:0::/23, and 2001:db8::/32.
        (0x2001, b) if b < 0x200 || b == 0xdb8 => false,
        // 6to4 carries its IPv4 address in front.
        (0x2002, _) => {
            let [_, _, w, x, y, z, ..] = address.octets();
            is_public_v4(Ipv4Addr::new(w, x, y, z))
        }
        (0x3fff, b) if b < 0x1000 => false,
        // Only 2000::/3 is given out.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(address: &str, allow: &[&str], tls: bool) -> Result<(), Denied> {
        let allow: Vec<_> = allow.iter().map(|network| network.parse().unwrap()).collect();
        check(address.parse().unwrap(), &allow, tls)
    }

    #[test]
    fn sec_f1_inner_addresses_are_not_called_in_any_spelling() {
        for address in [
            "127.0.0.1",
            "127.8.9.10",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(matches!(judged(address, &[], true), Err(Denied::Inner(_))), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_called_over_tls_and_allowed_ones_also_without() {
        for address in [
            "1.1.1.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert_eq!(judged(address, &[], true), Ok(()), "{address}");
            assert!(matches!(judged(address, &[], false), Err(Denied::Plain(_))), "{address}");
        }
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"] {
            assert_eq!(judged(address, &["10.1.0.0/16", "fd00::/8"], false), Ok(()), "{address}");
        }
        assert!(judged("10.2.0.1", &["10.1.0.0/16"], true).is_err());
    }
}
