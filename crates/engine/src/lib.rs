//! Packhorse: engine.

pub mod report;
pub mod transform;
pub mod verify;
