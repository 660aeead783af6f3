// SPDX-License-Identifier: Apache-2.0
//! Addresses nobody fetches an image from: this machine, its link, groups of machines, metadata services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Metadata and host services of clouds outside the link-local range (Alibaba, Azure, Oracle).
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];

/// The same with IPv6 (Amazon, Google, Scaleway).
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Whether an address is refused unless the operator lists the host. Private networks are not: private clouds keep
/// their images there.
pub(crate) fn is_refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => refused_v4(address),
        IpAddr::V6(address) => refused_v6(address),
    }
}

fn refused_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    // 0.0.0.0/8 is this host to most systems; from 224 on nothing is one machine.
    first == 0
        || first >= 224
        || address.is_loopback()
        || address.is_link_local()
        || METADATA_V4.contains(&address)
}

fn refused_v6(address: Ipv6Addr) -> bool {
    address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || METADATA_V6.contains(&address)
        || translated(address)
        || embedded(address).is_some_and(refused_v4)
}

/// Prefixes whose translation is a site's own business, or that carry two addresses (Teredo): what lies behind
/// cannot be told.
fn translated(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    parts[..3] == [0x64, 0xff9b, 1] || parts[..2] == [0x2001, 0]
}

/// The IPv4 address behind one that is mapped, compatible, or translated by NAT64 or 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1", true)]
    #[case("127.8.8.8", true)]
    #[case("0.0.0.0", true)]
    #[case("0.1.2.3", true)]
    #[case("169.254.169.254", true)]
    #[case("224.0.0.1", true)]
    #[case("255.255.255.255", true)]
    #[case("100.100.100.200", true)]
    #[case("168.63.129.16", true)]
    #[case("::", true)]
    #[case("::1", true)]
    #[case("::127.0.0.1", true)]
    #[case("::ffff:127.0.0.1", true)]
    #[case("::ffff:0:169.254.169.254", true)]
    #[case("64:ff9b::7f00:1", true)]
    #[case("64:ff9b::169.254.169.254", true)]
    #[case("64:ff9b:1::a00:1", true)]
    #[case("2002:7f00:1::", true)]
    #[case("2001:0:1:2::3", true)]
    #[case("fe80::1", true)]
    #[case("2001:db8::5efe:7f00:1", true)]
    #[case("ff02::1", true)]
    #[case("fd00:ec2::254", true)]
    #[case("10.0.0.1", false)]
    #[case("192.168.1.1", false)]
    #[case("93.184.215.14", false)]
    #[case("::ffff:10.0.0.1", false)]
    #[case("64:ff9b::8.8.8.8", false)]
    #[case("2606:4700::1", false)]
    #[case("fd00::1", false)]
    fn addresses(#[case] address: IpAddr, #[case] refused: bool) {
        assert_eq!(is_refused(address), refused);
    }
}
