//! `migrate-projects`, against a real database and stand-ins for the hosts.

mod arguments;
mod economy;
mod guide;
mod jobs;
mod live;
mod pairings;
mod storage;
mod trouble;
pub(crate) mod world;
