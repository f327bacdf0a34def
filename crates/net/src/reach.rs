//! Where connections may lead.
//!
//! A program that asks addresses which others name must not be led into networks that those
//! others cannot reach themselves. Whoever runs such a program says for the whole process where
//! connections may lead; it is asked for every address that a name stands for when a connection
//! is made, so also after a redirect, and when a name leads elsewhere than it did before.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
};
use url::{Host, Url};

/// What a refusal says.
pub(crate) const WHY: &str = "the address leads into a network that may not be reached from here";

/// The one of the process.
static PROCESS: OnceLock<Reach> = OnceLock::new();

/// Says of a host's name and an address that it stands for whether it may be connected to.
type Question = dyn Fn(&str, IpAddr) -> bool + Send + Sync;

/// Where connections may lead.
#[derive(Clone)]
pub struct Reach(Arc<Question>);

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reach")
    }
}

/// A name or an address leads where no connection may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{WHY}")]
pub struct OutOfReach;

impl Reach {
    /// Asks `is_open` for each host's name and each address behind it.
    ///
    /// A host that is named by its address has that as its name. Where a proxy is the way out, it
    /// is the proxy's name that is looked up here; the proxy has to know what it lets through.
    pub fn new(is_open: impl Fn(&str, IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_open))
    }

    /// Holds for every client of this process that is made from now on and is told nothing else;
    /// `false` when something holds already.
    pub fn of_process(self) -> bool {
        PROCESS.set(self).is_ok()
    }

    /// What holds for this process.
    pub fn current() -> Option<Self> {
        PROCESS.get().cloned()
    }

    /// Whether an address that stands in a URL itself may be connected to; names are looked at
    /// when they are looked up.
    pub fn admits(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(it)) => IpAddr::from(it),
            Some(Host::Ipv6(it)) => IpAddr::from(it),
            Some(Host::Domain(_)) | None => return true,
        };
        (self.0)(&address.to_string(), address)
    }

    /// Whether a host may be connected to wherever its name leads; for programs that look names up
    /// by themselves.
    pub fn trusts(&self, host: &str) -> bool {
        // No rule about networks opens these, unless it opens all.
        [IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED)]
            .into_iter()
            .all(|it| (self.0)(host, it))
    }

    /// Looks a name up; everything that it stands for must be open.
    ///
    /// # Errors
    ///
    /// When nobody knows the name; one of [`OutOfReach`] when it leads where no connection may.
    pub async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        let mut found: Vec<IpAddr> = found.map(|it| it.ip()).collect();
        found.dedup();
        if found.is_empty() {
            return Err(io::Error::other("the name stands for no address"));
        }
        if found.iter().all(|it| (self.0)(name, *it)) {
            Ok(found)
        } else {
            Err(io::Error::other(OutOfReach))
        }
    }

    async fn look_up(
        self,
        name: String,
    ) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
        let found = self.addresses(&name).await.map_err(|error| match error.downcast() {
            Ok(OutOfReach) => OutOfReach.into(),
            Err(error) => Box::<dyn std::error::Error + Send + Sync>::from(error),
        })?;
        Ok(Box::new(found.into_iter().map(|it| SocketAddr::new(it, 0))))
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(self.clone().look_up(name.as_str().to_owned()))
    }
}
