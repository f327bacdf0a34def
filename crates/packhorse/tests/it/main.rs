//! Whole commands, and the rules of the house.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod bench;
mod canary;
mod commands;
mod connect;
mod database_journal;
mod documents;
mod economy;
mod every_kind;
mod export;
mod gitea;
mod github_recorded;
mod handover;
mod hostile;
mod killed;
mod killed_between_hosts;
mod live_large_files;
mod matrix;
mod postgres;
mod projects;
mod real_archive;
mod rehearsal;
mod round_trip;
mod serve;
mod shared_budgets;
mod tidy;
mod tls;
mod workers;
