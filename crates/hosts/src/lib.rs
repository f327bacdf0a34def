//! Packhorse: hosts.
