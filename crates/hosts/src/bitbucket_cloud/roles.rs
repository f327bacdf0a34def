//! The words of the host for rights.

use super::{map::project::role, write::permission};
use crate::roles::{RoleWord, Roles};
use packhorse_core::model::Role;

/// How they are read and written.
pub(crate) fn roles() -> Roles {
    let words = ["member", "read", "write", "admin", "owner"];
    let reads = words.map(|word| (word, role(Some(word)).unwrap_or(Role::None))).to_vec();
    let writes = |role| {
        let (word, loss) = permission(role).ok()?;
        Some(RoleWord { word, is_whole: loss.is_none() })
    };
    Roles { reads, writes: Some(writes) }
}
