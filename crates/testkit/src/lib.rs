//! Packhorse: testkit.
