//! HTTP, once, for every host.
//!
//! A [`transport::Transport`] sends one request and gives one answer. What
//! stands around the one that reaches the network is a wrapper of the same
//! shape, and how listings go on from page to page is in [`page`].
//! Nothing here knows a host by name.

pub mod auth;
pub mod budget;
pub mod clock;
pub mod conditional;
pub mod live;
pub mod news;
pub mod options;
pub mod page;
pub mod reach;
pub mod redact;
pub mod replay;
pub mod retry;
pub mod stack;
mod status;
pub mod throttle;
pub mod trace;
pub mod transport;
mod unanswered;
mod upload;
pub mod urgency;
pub mod wait;

pub use auth::{Auth, Credentials, Origin};
pub use budget::{Budget, Budgets, Common, Desk, Rates};
pub use live::Live;
pub use options::{Options, Proxy};
pub use reach::{OutOfReach, Reach};
pub use replay::{Record, Replay};
pub use retry::{Policy, Retry};
pub use stack::{Parts, stack};
pub use status::kind as status_kind;
pub use throttle::{Member, Throttle};
pub use transport::{Answer, Body, Reading, Redirects, Request, Transport};
pub use unanswered::Unanswered;
