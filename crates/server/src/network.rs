//! Which networks a client's own addresses may lead into.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};
use url::{Host, Url};

/// Networks in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network: write 10.0.0.0/8 or fd00::/8")]
pub struct NoNetwork(String);

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let fail = || NoNetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| fail())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| fail())?;
        if bits <= most { Ok(Self { address, bits }) } else { Err(fail()) }
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let shift = 32 - u32::from(self.bits);
                shift == 32 || a.to_bits() >> shift == b.to_bits() >> shift
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let shift = 128 - u32::from(self.bits);
                shift == 128 || a.to_bits() >> shift == b.to_bits() >> shift
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Which networks are open: all that are public, and what is allowed beside, but nothing that is
/// blocked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    /// Open although they are not public.
    pub allow: Vec<Network>,
    /// Closed whatever is allowed.
    pub block: Vec<Network>,
}

/// An address leads where it may not.
#[derive(Debug)]
pub(crate) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address leads into a network that the service does not reach into")
    }
}

impl Networks {
    /// Whether an address may be connected to.
    pub fn is_open(&self, address: IpAddr) -> bool {
        let address = match address {
            IpAddr::V6(it) => it.to_ipv4_mapped().map_or(IpAddr::V6(it), IpAddr::V4),
            IpAddr::V4(it) => IpAddr::V4(it),
        };
        if self.block.iter().any(|it| it.holds(address)) {
            return false;
        }
        let is_public = match address {
            IpAddr::V4(it) => is_public_v4(it),
            IpAddr::V6(it) => is_public_v6(it),
        };
        is_public || self.allow.iter().any(|it| it.holds(address))
    }

    /// Looks a client's address up: everything that its name stands for must be open.
    pub(crate) async fn check(&self, url: &Url) -> Result<(), Closed> {
        let port = url.port_or_known_default().ok_or(Closed)?;
        let found: Vec<IpAddr> = match url.host().ok_or(Closed)? {
            Host::Ipv4(it) => vec![it.into()],
            Host::Ipv6(it) => vec![it.into()],
            Host::Domain(name) => {
                let found = tokio::net::lookup_host((name, port)).await.map_err(|_| Closed)?;
                found.map(|it| it.ip()).collect()
            }
        };
        let is_open = !found.is_empty() && found.iter().all(|it| self.is_open(*it));
        if is_open { Ok(()) } else { Err(Closed) }
    }
}

/// Source: IANA's registry of special-purpose IPv4 addresses.
const fn is_public_v4(it: Ipv4Addr) -> bool {
    let [a, b, c, _] = it.octets();
    !(it.is_private()
        || it.is_loopback()
        || it.is_link_local()
        || it.is_broadcast()
        || it.is_documentation()
        || it.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && b >= 64 && b < 128)
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

/// Source: IANA's registry of special-purpose IPv6 addresses; only 2000::/3 is public.
const fn is_public_v6(it: Ipv6Addr) -> bool {
    let first = it.segments()[0];
    let second = it.segments()[1];
    first & 0xe000 == 0x2000
        // Teredo, 6to4 and documentation: they lead into addresses of other kinds, or nowhere.
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: bool) {
        let networks = Networks {
            allow: vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()],
            block: vec!["10.1.9.0/24".parse().unwrap(), "8.8.4.4".parse().unwrap()],
        };
        assert_eq!(networks.is_open(address.parse().unwrap()), expected, "{address}");
    }

    #[test]
    fn public_addresses_are_open_and_others_only_when_allowed() {
        check("8.8.8.8", true);
        check("2606:4700::1", true);
        for closed in [
            "127.0.0.1",
            "10.2.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            check(closed, false);
        }
        check("10.1.2.3", true);
        check("::ffff:10.1.2.3", true);
        check("fd12::1", true);
    }

    #[test]
    fn what_is_blocked_is_closed_whatever_is_allowed() {
        check("10.1.9.7", false);
        check("8.8.4.4", false);
    }

    #[test]
    fn nonsense_is_no_network() {
        for wrong in ["", "10.0.0.0/33", "x", "10.0.0/8", "::/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_closed() {
        let networks = Networks::default();
        for closed in
            ["http://127.0.0.1:1/", "http://localhost/", "http://[::1]/", "http://0x7f.1/"]
        {
            assert!(networks.check(&closed.parse().unwrap()).await.is_err(), "{closed}");
        }
    }
}
