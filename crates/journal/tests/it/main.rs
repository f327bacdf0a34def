//! Both journals, held against the contract, and what is their own.

mod contract;
mod file;
mod postgres;
