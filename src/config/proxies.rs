//! The checked settings of proxies in front of the gateway. Each default stands here, and in
//! `config/tollgate.toml`.

use ipnet::{IpNet, Ipv4Net};

use super::file::ProxiesTable;
use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, Text};
use super::values::{boolean, list, network, text, word};
use crate::wire::proxies::{Field as Header, Proxies};

pub(super) fn proxies(table: &ProxiesTable, reading: &Reading<'_>) -> Result<Proxies, Reported> {
    let trusted = some_networks(&table.trusted, reading);
    let words = [Header::XForwardedFor, Header::Forwarded].map(|field| (field.name(), field));
    let field = text(&table.header, reading).and_then(|given| {
        given.map_or(Ok(Header::default()), |given| word(given, &words, reading))
    });
    let host = boolean(&table.host, false);
    if let (Some(Ok(given)), Ok(Header::Forwarded)) = (&table.host, &field)
        && given.value
    {
        let hint = "leave `host` out: `Forwarded` names the host as well";
        return Err(reading.mistake(&given.span, Mistake::HostUnread, hint));
    }
    let forwarded = boolean(&table.forwarded, false);
    let announced = some_networks(&table.proxy_protocol, reading);
    let announced_admin = boolean(&table.proxy_protocol_admin, false);
    if let (Some(Ok(given)), None) = (&table.proxy_protocol_admin, &table.proxy_protocol)
        && given.value
    {
        let mistake = Mistake::Missing { what: "`[proxies]`", key: "proxy_protocol" };
        let hint = "name the senders in `proxy_protocol`, or leave `proxy_protocol_admin` out";
        return Err(reading.mistake(&given.span, mistake, hint));
    }
    Ok(Proxies {
        trusted: trusted?,
        field: field?,
        host: host?,
        forwarded: forwarded?,
        announced: announced?,
        announced_admin: announced_admin?,
    })
}

/// Networks, none of which is everybody: whoever can say where they come from come from anywhere.
fn some_networks(
    field: &Field<Vec<Placed<Text>>>,
    reading: &Reading<'_>,
) -> Result<Vec<IpNet>, Reported> {
    let networks = list(field, reading)?.iter().map(|text| {
        let network = canonical(network(text, reading)?);
        if network.prefix_len() > 0 {
            return Ok(network);
        }
        let (key, shown) = (text.key.clone(), text.value.shown.clone());
        let hint = "name the networks of your own proxies alone";
        Err(reading.mistake(&text.span, Mistake::Everybody { key, text: shown }, hint))
    });
    // All mistakes at once.
    let networks: Vec<_> = networks.collect();
    networks.into_iter().collect()
}

/// Addresses of clients are compared as those of IPv4 where they are.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(six) = network else { return network };
    let four = six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96));
    let four = four.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    four.map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_ipv4_are_known_in_the_spelling_of_ipv6() {
        for (written, read) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.0.0.1/128", "10.0.0.1/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::/64", "::/64"),
        ] {
            let network = canonical(written.parse().unwrap());
            assert_eq!(network, read.parse().unwrap(), "{written}");
        }
    }
}
