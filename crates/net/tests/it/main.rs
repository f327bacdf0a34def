//! The client over real sockets, against a server that does what each test needs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod live;
mod reach;
mod server;
mod tls;
