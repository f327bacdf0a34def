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
//! - [`sample`]: a small organization with real repositories.

#![recursion_limit = "256"]

mod access;
mod bitbucket_server;
mod exchange;
pub mod fault;
mod gitea;
mod github;
mod gitlab;
mod limit;
mod page;
pub mod sample;
mod server;
pub mod store;

pub use access::{Access, Caller, Token};
pub use bitbucket_server::BitbucketServer;
pub use exchange::{Answer, Content, Exchange, Request};
pub use gitea::Gitea;
pub use github::Github;
pub use gitlab::Gitlab;
pub use limit::{Limit, Limits};
pub use page::Window;
pub use server::{Fake, Handle, Options, Product, StartError};
