//! Packhorse: net.
