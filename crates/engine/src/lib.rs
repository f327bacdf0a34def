//! Packhorse: engine.
