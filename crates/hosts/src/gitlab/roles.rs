//! The words of the host for rights.

use super::map::project::role;
use crate::roles::Roles;

/// Access levels, with their names.
///
/// Source: GitLab, "Members API", "Roles".
const LEVELS: [(&str, u64); 8] = [
    ("Minimal access", 5),
    ("Guest", 10),
    ("Planner", 15),
    ("Reporter", 20),
    ("Security manager", 25),
    ("Developer", 30),
    ("Maintainer", 40),
    ("Owner", 50),
];

/// How they are read.
pub(crate) fn roles() -> Roles {
    Roles { reads: LEVELS.map(|(word, level)| (word, role(level))).to_vec(), writes: None }
}
