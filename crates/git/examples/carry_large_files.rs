//! Carries the large files of one remote to another, as `scripts/bench-lfs` measures it.
//!
//!     carry_large_files FROM TO SCRATCH [FROM_LFS TO_LFS]
//!
//! Credentials stand in the addresses; those of LFS servers are given where they
//! stand apart from the repositories. Prints what became of the files.

use packhorse_core::{GitRemote, GitUrl};
use packhorse_git::{
    Git,
    lfs::{CarryOptions, EndpointOptions, History, LfsRoute},
    refs,
};
use packhorse_net::{Live, Options, Retry, clock::System, retry::Policy};
use std::{error::Error, io::Write, path::Path, sync::Arc};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: carry_large_files FROM TO SCRATCH");
    let (from, to, scratch) = (remote(&next()?), remote(&next()?), next()?);
    let apart = (next().ok(), next().ok());
    let git = Git::find().await?;
    let list = refs::list(&git, &from).await?;
    let history = History::of(&git, &from, &list, Path::new(&scratch)).await?;
    let clock = Arc::new(System);
    let live = Live::new(&Options::default())?;
    let transport = Arc::new(Retry::new(live, Policy::default(), clock.clone(), Arc::new(())));
    let options =
        CarryOptions { from: endpoint(apart.0), to: endpoint(apart.1), ..CarryOptions::default() };
    let listener = Arc::new(|_| ());
    let route =
        LfsRoute { git, transport, clock, from: from.into(), to: to.into(), options, listener };

    let carried = route.carry_history(&history).await?;

    writeln!(std::io::stdout(), "{carried:?}")?;
    Ok(())
}

fn remote(address: &str) -> GitRemote {
    let (url, credentials) = GitUrl::parse(address);
    GitRemote { url, credentials }
}

/// An LFS server that a person has named is one that they allow.
fn endpoint(address: Option<String>) -> EndpointOptions {
    let host = address.as_deref().and_then(|it| url::Url::parse(it).ok());
    let host = host.and_then(|it| it.host_str().map(str::to_owned));
    EndpointOptions { configured: address, allowed_hosts: host.into_iter().collect() }
}
