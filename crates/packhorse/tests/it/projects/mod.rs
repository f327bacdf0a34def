//! `migrate-projects`, against a real database and stand-ins for the hosts.

mod arguments;
mod pairings;
mod postgres;
mod storage;
mod trouble;
mod world;
