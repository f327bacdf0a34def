//! The words of the host for rights.

use super::{
    map::{Notes, member},
    write::permission,
};
use crate::roles::{RoleWord, Roles};
use packhorse_core::model::Role;

/// How they are read and written.
pub(crate) fn roles() -> Roles {
    let mut notes = Notes { host: "", losses: Vec::new() };
    let words = ["read", "triage", "write", "maintain", "admin"];
    let reads = words.map(|word| (word, member::role(Some(word), None, &mut notes)));
    let writes = |role| {
        // The API takes older words for two of them than it tells.
        let word = match permission(role)? {
            "pull" => "read",
            "push" => "write",
            word => word,
        };
        Some(RoleWord { word, is_whole: role != Role::Owner })
    };
    Roles { reads: reads.to_vec(), writes: Some(writes) }
}
