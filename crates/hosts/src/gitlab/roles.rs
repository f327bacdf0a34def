//! The words of the host for rights.

use super::{map::project::role, write::level};
use crate::roles::{RoleWord, Roles};

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

/// How they are read and written.
pub(crate) fn roles() -> Roles {
    let writes = |role| {
        let (level, less) = level(role)?;
        let (word, _) = LEVELS.into_iter().find(|(_, it)| *it == level)?;
        Some(RoleWord { word, is_whole: less.is_none() })
    };
    let reads = LEVELS.map(|(word, level)| (word, role(level))).to_vec();
    Roles { reads, writes: Some(writes) }
}
