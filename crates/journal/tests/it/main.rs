//! The journal on SQLite, held against the contract, and its file.

mod contract;
mod file;
