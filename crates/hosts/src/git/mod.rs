//! Any repository that Git can reach by a URL or path, as a source and a sink.
//!
//! It has commits and refs and nothing else: one project, whose path is what
//! the URL says. Whatever else a project has is lost on a route to it, and
//! `support.rs` says so before anything moves.

mod address;
mod sink;
mod source;
mod support;

use address::Address;
use packhorse_core::{Access, Endpoint, HostError, HostErrorKind, HostSpec, Location, OpenContext};
use packhorse_git::{Git, GitError, RefList, refs};
use std::sync::Arc;

/// A repository alone.
pub(crate) const SPEC: HostSpec = HostSpec {
    id: "git",
    aliases: &[],
    title: "Git repository",
    location: "URL-OR-PATH",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let address = Address::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a repository").because(error)
    })?;
    let repository = Arc::new(Bare { address });
    let sink = match context.access {
        Access::Read => None,
        Access::Write | Access::Plan => {
            Some(Arc::new(sink::GitSink::new(Arc::clone(&repository))) as _)
        }
    };
    Ok(Endpoint { source: Some(Arc::new(source::GitSource(repository))), sink })
}

/// The repository.
struct Bare {
    address: Address,
}

impl Bare {
    async fn refs(&self) -> Result<RefList, GitError> {
        refs::list(&Git::find().await?, &self.address.remote).await
    }

    /// Changes whenever a ref or `HEAD` does.
    fn version(refs: &RefList) -> String {
        format!("{} {}", refs.head.as_deref().unwrap_or("-"), refs.digest())
    }
}
