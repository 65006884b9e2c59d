//! The network that counts as one client where something is counted by the address.

use std::net::{IpAddr, Ipv6Addr};

/// An address, or of IPv6 its /64: what one customer is given at the least (RFC 6177 section 2), who may come
/// from any address of it.
pub fn of_one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_has_64_bits_of_ipv6_and_one_address_of_ipv4() {
        let of = |text: &str| of_one_client(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(
            (of("192.0.2.7"), of("::ffff:192.0.2.7")),
            ("192.0.2.7".into(), of("192.0.2.7"))
        );
    }
}
