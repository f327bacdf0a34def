//! The words of the host for rights.

use super::{map::project::role, write::word};
use crate::roles::{RoleWord, Roles};

/// How they are read and written.
pub(crate) fn roles() -> Roles {
    let reads = ["read", "write", "admin", "owner"].map(|word| (word, role(Some(word))));
    let writes = |role| word(role).map(|(word, is_whole)| RoleWord { word, is_whole });
    Roles { reads: reads.to_vec(), writes: Some(writes) }
}
