//! Stand-ins for Git hosts: stateful servers on loopback that speak a product's API and its Git.
//!
//! Tests hold adapters against them; `packhorse rehearse` shows a migration
//! between two of them, which is why they are a crate that the binary may link
//! and not a part of the testkit, which brings a validator of schemas along.
//!
//! A fake is derived from the product's published description and from
//! recordings of the product, never from an adapter: where the two disagree, a
//! description or a recording decides.
//!
//! - [`Fake`]: a running server; [`Options`] says what it is like.
//! - [`Product`]: what a host must say of itself to be faked.
//! - [`store`]: what a fake holds, in the words of the canonical model.
//! - [`fault`]: what can go wrong, by rate or at a chosen request.
//! - [`stand_in`]: the product that stands in for a host.
//! - [`sample`]: a small organization with real repositories.

#![recursion_limit = "256"]

mod access;
mod archive;
mod bitbucket_cloud;
mod bitbucket_server;
mod exchange;
pub mod fault;
mod form;
mod gitea;
mod github;
mod gitlab;
mod limit;
mod page;
pub mod sample;
mod server;
pub mod store;

pub use access::{Access, Caller, Token};
pub use bitbucket_cloud::BitbucketCloud;
pub use bitbucket_server::BitbucketServer;
pub use exchange::{Answer, Content, Exchange, Request};
pub use gitea::Gitea;
pub use github::Github;
pub use gitlab::Gitlab;
pub use limit::{Limit, Limits};
pub use page::Window;
pub use server::{Fake, Handle, Options, Product, StartError};

/// A row of the registry: the id of a host, and what makes its product.
type StandIn = (&'static str, fn() -> Box<dyn Product>);

/// Every host that has a stand-in, by its id.
static STAND_INS: &[StandIn] = &[
    ("bitbucket-cloud", || Box::new(BitbucketCloud::default())),
    ("bitbucket-server", || Box::new(BitbucketServer)),
    ("gitea", || Box::new(Gitea)),
    ("github", || Box::new(Github)),
    ("gitlab", || Box::new(Gitlab)),
];

/// The product that stands in for the host of that id, as it is today.
pub fn stand_in(host: &str) -> Option<Box<dyn Product>> {
    STAND_INS.iter().find(|(id, _)| *id == host).map(|(_, make)| make())
}

/// Ids of the hosts that have a stand-in.
pub fn stand_ins() -> impl Iterator<Item = &'static str> {
    STAND_INS.iter().map(|(id, _)| *id)
}
