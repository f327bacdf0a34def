//! Packhorse: journal.
